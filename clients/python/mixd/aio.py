"""The asyncio client: the methods of Client, as coroutines."""

import asyncio
import sys
import time

import zmq
import zmq.asyncio

from . import core, streams
from .errors import MixdError, TimedOutError


class AsyncClient(core.Api):
    """async with mixd.AsyncClient(instance="radio") as client: await client.set("a.gain", "-6dB").

    Requests of several tasks may be under way at once.
    """

    def __init__(self, instance=None, *, endpoint=None, by=None, timeout=core.TIMEOUT_S):
        self.endpoint = core.find_endpoint(instance, endpoint)
        core.check_reachable(self.endpoint)
        self._exchange = core.Exchange(by or sys.argv[0].rpartition("/")[2] or "python", timeout)
        self._context = zmq.asyncio.Context()
        self._control = self._context.socket(zmq.DEALER)
        self._control.linger = 0
        self._control.connect(self.endpoint)
        self._subscribers = []
        self._waiting = {}  # req_id -> (request, future)
        self._reader = None

    async def close(self):
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        for subscriber in self._subscribers:
            subscriber.close(linger=0)
        self._control.close(linger=0)
        self._context.term()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()

    async def _read(self):
        while True:
            body = await self._control.recv()
            for req_id, (request, future) in list(self._waiting.items()):
                try:
                    reply = self._exchange.take(request, body)
                except MixdError as error:
                    if not future.done():
                        future.set_exception(error)
                    break
                if reply is not None:
                    if not future.done():
                        future.set_result(reply)
                    del self._waiting[req_id]
                    break

    async def _call(self, request, read, timeout=None):
        body, wait, resend = self._exchange.begin(request, timeout)
        if self._reader is None:
            self._reader = asyncio.ensure_future(self._read())
        future = asyncio.get_running_loop().create_future()
        self._waiting[request.req_id] = (request, future)
        deadline = time.monotonic() + wait
        try:
            while (left := deadline - time.monotonic()) > 0:
                await self._control.send(body)
                done, _ = await asyncio.wait({future}, timeout=min(left, resend or left))
                if done:
                    return read(future.result())
            raise self._exchange.timed_out(request, self.endpoint)
        finally:
            self._waiting.pop(request.req_id, None)
            future.cancel()

    # ---- streams

    def _subscribe(self, topic):
        subscriber = self._context.socket(zmq.SUB)
        subscriber.linger = 0
        subscriber.setsockopt(zmq.SUBSCRIBE, topic)
        subscriber.connect(self.endpoint[: -len("control")] + "events")
        self._subscribers.append(subscriber)
        return subscriber

    def _unsubscribe(self, subscriber):
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)
            subscriber.close(linger=0)

    @staticmethod
    async def _receive(subscriber, timeout):
        if timeout is not None and not await subscriber.poll(max(int(timeout * 1000), 0)):
            return None
        return await subscriber.recv_multipart()

    async def _begin_events(self, subscriber, tracker):
        for _ in range(20):
            token = await self.barrier(wait="accepted")
            deadline = time.monotonic() + 0.1
            while (left := deadline - time.monotonic()) > 0:
                frames = await self._receive(subscriber, left)
                event = streams.read_event(frames) if frames else None
                if event and any(change.barrier == token for change in event.changes):
                    tracker.begin(event)
                    return
        raise TimedOutError(f"no events from {self.endpoint}")

    async def events(self, timeout=None):
        """async for event in client.events(): as Client.events(), but subscribed when the first
        event is asked for."""
        subscriber, tracker = self._subscribe(b"e"), streams.EventTracker()
        try:
            await self._begin_events(subscriber, tracker)
            deadline = None if timeout is None else time.monotonic() + timeout
            while True:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return
                frames = await self._receive(subscriber, left)
                event = streams.read_event(frames) if frames else None
                if event is None:
                    continue
                ready, missing_from = tracker.feed(event)
                if missing_from is not None:
                    ready = tracker.fill(event, await self._missing(missing_from))
                for item in ready:
                    yield item
                    deadline = None if timeout is None else time.monotonic() + timeout
        finally:
            self._unsubscribe(subscriber)

    async def _missing(self, from_seq):
        try:
            return await self.events_from(from_seq)
        except MixdError:
            return None

    async def meters(self, *patterns, rate_hz=10.0, timeout=None):
        """async for frame in client.meters("meter"): as Client.meters()."""
        lease = streams.Lease(patterns, rate_hz)
        lease.grant(await self._call(lease.request(), lambda reply: reply.meter_lease))
        subscriber = self._subscribe(lease.columns.topic.encode())
        renewed = received = time.monotonic()
        try:
            while True:
                now = time.monotonic()
                if now - renewed >= streams.LEASE_RENEW_S:
                    renewed = now
                    await self._renew(lease, subscriber)
                if timeout is not None and now - received >= timeout:
                    raise TimedOutError(f"no meters from {self.endpoint} in {timeout} s")
                wait = renewed + streams.LEASE_RENEW_S - now
                if timeout is not None:
                    wait = min(wait, received + timeout - now)
                frames = await self._receive(subscriber, max(wait, 0.001))
                frame = lease.read(frames) if frames else None
                if frame:
                    received = time.monotonic()
                    yield frame
        finally:
            self._unsubscribe(subscriber)
            try:
                await self._call(lease.request(cancel=True), lambda reply: None, 0.2)
            except (MixdError, zmq.ZMQError):
                pass  # it lapses by itself

    async def _renew(self, lease, subscriber):
        old = lease.columns.topic
        try:
            columns = await self._call(lease.request(), lambda reply: reply.meter_lease)
        except TimedOutError:
            return  # the daemon may be on its way back
        if lease.grant(columns):
            subscriber.setsockopt(zmq.SUBSCRIBE, columns.topic.encode())
            subscriber.setsockopt(zmq.UNSUBSCRIBE, old.encode())

    async def wait_for(self, condition, timeout=10.0, every=0.05):
        """Wait until await condition(client) is true; or an address: ("meter.s", predicate)."""
        if isinstance(condition, tuple):
            address, predicate = condition

            async def condition(client):
                return predicate(await client.get(address))

        deadline = time.monotonic() + timeout
        while True:
            result = await condition(self)
            if result:
                return result
            if time.monotonic() >= deadline:
                raise TimedOutError(f"not so within {timeout} s")
            await asyncio.sleep(every)
