"""The blocking client."""

import sys
import time

import zmq

from . import core, streams
from .errors import MixdError, TimedOutError


class Client(core.Api):
    """A connection to one instance. Not for several threads at a time.

    instance: its name (default: $MIXD_INSTANCE or "default"); endpoint: "ipc:///folder/control"
    instead; by: who, for history; timeout: seconds for a request that names none.
    """

    def __init__(self, instance=None, *, endpoint=None, by=None, timeout=core.TIMEOUT_S):
        self.endpoint = core.find_endpoint(instance, endpoint)
        core.check_reachable(self.endpoint)
        self._exchange = core.Exchange(by or sys.argv[0].rpartition("/")[2] or "python", timeout)
        self._context = zmq.Context()
        self._control = self._context.socket(zmq.DEALER)
        self._control.linger = 0
        self._control.connect(self.endpoint)
        self._subscribers = []

    def close(self):
        for subscriber in self._subscribers:
            subscriber.close(linger=0)
        self._control.close(linger=0)
        self._context.term()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _call(self, request, read, timeout=None):
        body, wait, resend = self._exchange.begin(request, timeout)
        deadline = time.monotonic() + wait
        next_send = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= deadline:
                raise self._exchange.timed_out(request, self.endpoint)
            if now >= next_send:
                self._control.send(body)
                next_send = now + resend if resend else deadline
            until = min(deadline, next_send)
            if not self._control.poll(max(int((until - now) * 1000), 1)):
                continue
            reply = self._exchange.take(request, self._control.recv())
            if reply is not None:
                return read(reply)

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
    def _receive(subscriber, timeout):
        if timeout is not None and not subscriber.poll(max(int(timeout * 1000), 0)):
            return None
        return subscriber.recv_multipart()

    def _begin_events(self, subscriber, tracker):
        """A subscription takes effect some time after it was made: send barriers until one comes."""
        for _ in range(20):
            token = self.barrier(wait="accepted")
            deadline = time.monotonic() + 0.1
            while (left := deadline - time.monotonic()) > 0:
                frames = self._receive(subscriber, left)
                event = streams.read_event(frames) if frames else None
                if event and any(change.barrier == token for change in event.changes):
                    tracker.begin(event)
                    return
        raise TimedOutError(f"no events from {self.endpoint}")

    def events(self, timeout=None):
        """Iterate over what happens from now on: mixd.v1.Event, and Notice where events are
        missing. Ends when nothing happened for `timeout` seconds (None: never). Subscribed when
        this returns, not when the first event is asked for."""
        subscriber, tracker = self._subscribe(b"e"), streams.EventTracker()
        self._begin_events(subscriber, tracker)
        return self._events(subscriber, tracker, timeout)

    def _events(self, subscriber, tracker, timeout):
        try:
            deadline = None if timeout is None else time.monotonic() + timeout
            while True:
                left = None if deadline is None else deadline - time.monotonic()
                frames = self._receive(subscriber, left) if left is None or left > 0 else None
                if frames is None:
                    return
                event = streams.read_event(frames)
                if event is None:
                    continue
                ready, missing_from = tracker.feed(event)
                if missing_from is not None:
                    ready = tracker.fill(event, self._missing(missing_from))
                for item in ready:
                    yield item
                    deadline = None if timeout is None else time.monotonic() + timeout
        finally:
            self._unsubscribe(subscriber)

    def _missing(self, from_seq):
        try:
            return self.events_from(from_seq)
        except MixdError:
            return None

    def meters(self, *patterns, rate_hz=10.0, timeout=None):
        """Iterate over frames of the meters that match ("meter.*", or a node's name for all it
        has). The lease ends with the iterator. Raises TimedOutError after `timeout` seconds
        without a frame (None: waits for ever, also for a daemon that is being restarted)."""
        lease = streams.Lease(patterns, rate_hz)
        lease.grant(self._call(lease.request(), lambda reply: reply.meter_lease))
        subscriber = self._subscribe(lease.columns.topic.encode())
        return self._meters(lease, subscriber, timeout)

    def _meters(self, lease, subscriber, timeout):
        renewed = received = time.monotonic()
        try:
            while True:
                now = time.monotonic()
                if now - renewed >= streams.LEASE_RENEW_S:
                    renewed = now
                    self._renew(lease, subscriber)
                if timeout is not None and now - received >= timeout:
                    raise TimedOutError(f"no meters from {self.endpoint} in {timeout} s")
                wait = renewed + streams.LEASE_RENEW_S - now
                if timeout is not None:
                    wait = min(wait, received + timeout - now)
                frames = self._receive(subscriber, max(wait, 0.001))
                frame = lease.read(frames) if frames else None
                if frame:
                    received = time.monotonic()
                    yield frame
        finally:
            self._unsubscribe(subscriber)
            try:
                self._call(lease.request(cancel=True), lambda reply: None, 0.2)
            except (MixdError, zmq.ZMQError):
                pass  # it lapses by itself

    def _renew(self, lease, subscriber):
        old = lease.columns.topic
        try:
            columns = self._call(lease.request(), lambda reply: reply.meter_lease)
        except TimedOutError:
            return  # the daemon may be on its way back
        if lease.grant(columns):
            subscriber.setsockopt(zmq.SUBSCRIBE, columns.topic.encode())
            subscriber.setsockopt(zmq.UNSUBSCRIBE, old.encode())

    def wait_for(self, condition, timeout=10.0, every=0.05):
        """Wait until condition(client) is true and return what it returned; or, for an address:
        wait_for(("meter.s", lambda v: v > -40)). TimedOutError when it is not so in time."""
        if isinstance(condition, tuple):
            address, predicate = condition
            condition = lambda client: predicate(client.get(address))  # noqa: E731
        deadline = time.monotonic() + timeout
        while True:
            result = condition(self)
            if result:
                return result
            if time.monotonic() >= deadline:
                raise TimedOutError(f"not so within {timeout} s")
            time.sleep(every)
