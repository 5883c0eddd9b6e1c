#!/usr/bin/env python3
"""A daemon of a few lines, for what a real one does not do on demand: answer with any status, stay
silent, drop events, restart. Used by mixctl_test.py and python_test.py.

    with FakeServer(folder) as fake: ... fake.status = (9, "limit.x", "text", "hint") ...
"""

import os
import threading

import zmq

from mixd.v1 import control_pb2, events_pb2


class FakeServer:
    def __init__(self, folder):
        self.folder = str(folder)
        self.endpoint = f"ipc://{self.folder}/control"
        self.status = None  # (code, address, text, hint) of every reply
        self.mute = 0  # requests to leave unanswered
        self.garbage = False  # answer with bytes that are no reply
        self.requests = []
        self.values = {"limit.ceiling": -1.0, "limit.mode": "fast"}
        self.revision = 1
        self.epoch = os.urandom(16)
        self.seq = 0
        self.forget = False  # keep no events
        self.kept = []
        self.publish = []  # events to send, put by the test
        self.skip = 0  # events to number but not to send
        self.meter_seq = 0
        self.leases = []
        self.alarms = []  # texts
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        os.makedirs(self.folder, exist_ok=True)
        self._stop.clear()
        self._ready.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def restart(self):
        """As kill and start: another epoch, numbers from the beginning."""
        self.__exit__()
        self.epoch, self.seq, self.kept = os.urandom(16), 0, []
        self.__enter__()

    def _run(self):
        context = zmq.Context()
        router, pub = context.socket(zmq.ROUTER), context.socket(zmq.PUB)
        router.linger = pub.linger = 0
        router.bind(self.endpoint)
        pub.bind(f"ipc://{self.folder}/events")
        self._ready.set()
        while not self._stop.is_set():
            if router.poll(2):
                self._answer(router, pub)
            while self.publish:
                self._event(pub, self.publish.pop(0))
            if self.leases:
                self._meters(pub)
        router.close()
        pub.close()
        context.term()

    def _event(self, pub, change=None):
        """Without a change: a heartbeat, which repeats the newest number."""
        event = events_pb2.Event(epoch=self.epoch, revision=self.revision)
        if change is not None:
            self.seq += 1
            event.by = "fake"
            event.changes.add().CopyFrom(change)
        event.seq = self.seq
        if change is not None:
            self.kept.append(event)
        if change is not None and self.skip > 0:
            self.skip -= 1
        else:
            pub.send_multipart([b"e", b"\1" + event.SerializeToString()])

    def _meters(self, pub):
        self.meter_seq += 1
        meters = events_pb2.Meters(seq=self.meter_seq, values=[-23.0, float("-inf")])
        if self.meter_seq % 10 == 0:  # every tenth frame is lost
            return
        pub.send_multipart([b"m/fake", b"\1" + meters.SerializeToString()])

    def _answer(self, router, pub):
        peer, body = router.recv_multipart()
        request = control_pb2.Request.FromString(body[1:])
        self.requests.append(request)
        if self.mute > 0:
            self.mute -= 1
            return
        if self.garbage:
            router.send_multipart([peer, b"\7garbage"])
            return
        reply = control_pb2.Reply(req_id=request.req_id, epoch=self.epoch)
        kind = request.WhichOneof("op")
        if self.status and kind != "barrier":
            code, address, text, hint = self.status
            reply.status.code, reply.status.address = code, address
            reply.status.text, reply.status.hint = text, hint
        else:
            getattr(self, "_on_" + kind, self._on_other)(request, reply, pub)
        reply.revision = self.revision
        router.send_multipart([peer, b"\1" + reply.SerializeToString()])

    def _on_other(self, request, reply, _pub):
        kind = request.WhichOneof("op")
        getattr(reply, "transaction" if kind in ("undo", "rollback") else kind).SetInParent()

    def _on_get_status(self, _request, reply, _pub):
        reply.get_status.instance = "fake"
        for text in self.alarms:
            reply.get_status.alarms.add(id="device", text=text, active=True)

    def _on_barrier(self, request, reply, pub):
        reply.barrier.token = request.barrier.token
        self._event(pub, events_pb2.Change(barrier=request.barrier.token))

    def _on_transaction(self, request, reply, _pub):
        reply.transaction.SetInParent()
        for op in request.transaction.ops:
            if op.WhichOneof("op") == "set":
                kind = op.set.value.WhichOneof("kind")
                if kind:
                    self.values[op.set.address] = getattr(op.set.value, kind)
                change = reply.transaction.changes.add().param
                change.address = op.set.address
                change.value.CopyFrom(op.set.value)
        if not request.dry_run:
            self.revision += 1

    def _on_get(self, request, reply, _pub):
        for address, value in self.values.items():
            if address in request.get.patterns or "*" in request.get.patterns:
                reading = reply.get.readings.add(address=address)
                if isinstance(value, str):
                    reading.value.text = reading.text = value
                else:
                    reading.value.number = value
                    reading.unit = "dBTP"
                    reading.text = f"{value:g}dBTP"
        reply.get.SetInParent()

    def _on_events_from(self, request, reply, _pub):
        reply.events_from.SetInParent()
        if not self.forget:
            wanted = [e for e in self.kept if e.seq >= request.events_from.from_seq]
            reply.events_from.events.extend(wanted)

    def _on_meter_lease(self, request, reply, _pub):
        lease = list(request.meter_lease.patterns)
        if request.meter_lease.cancel:
            self.leases = []
        elif lease not in self.leases:
            self.leases.append(lease)
        reply.meter_lease.topic = "m/fake"
        reply.meter_lease.addresses.extend(["meter.s", "meter.tp"])
        reply.meter_lease.units.extend(["LUFS", "dBTP"])
        reply.meter_lease.rate_hz = 100
        reply.meter_lease.ttl_ms = 10000
