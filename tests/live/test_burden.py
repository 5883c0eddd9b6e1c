"""What mixd asks of the machine: many idle nodes, many watchers, one that never reads."""
import pathlib
import time

import zmq
from case import LiveCase, cpu_seconds
from mixd import streams

NODES, IDLE_LIMIT = 200, 0.01
WATCHERS, RATE_HZ, WATCH_S = 50, 30.0, 25.0


def chain(types, count):
    """A session: a virtual sink, COUNT nodes of TYPES in turn, an output."""
    names = [f"n{i:03}" for i in range(count)]
    nodes = "".join(f"  {name}: {{type: {types[i % len(types)]}}}\n" for i, name in enumerate(names))
    return ("mixd: 1\nname: many\nnodes:\n  program: {type: input, layout: stereo, device: sink}\n" + nodes +
            "  out: {type: output, layout: stereo}\nlinks:\n  - program -> " + " -> ".join(names) + " -> out\n")


class Burden(LiveCase):
    def share(self, daemon, seconds=4):
        """The part of a core that the daemon takes, and the cycles it ran."""
        begin, used, cycles = time.monotonic(), cpu_seconds(daemon.service.pid), daemon.status().cycles
        time.sleep(seconds)
        return (cpu_seconds(daemon.service.pid) - used) / (time.monotonic() - begin), daemon.status().cycles - cycles

    def test_idle_nodes_cost_next_to_nothing(self):
        # PipeWire's own part of a cycle depends on the machine and on who else is busy: take it off
        pw = self.private(bare=True)
        daemon = self.daemon(pw, chain(("gain",), 1))
        daemon.wait_linked()
        bare, _ = self.share(daemon)
        daemon.client.apply(chain(("gain", "eq", "comp", "limiter"), NODES))
        daemon.wait_status(lambda s: s.nodes > NODES, "enlarged")
        daemon.wait_linked()
        daemon.wait_status(lambda s: s.load_percent < 5, "settled")
        full, cycles = self.share(daemon)
        self.note(f"{NODES} idle nodes: {full * 100:.2f} % of a core, {bare * 100:.2f} % with one; {cycles} cycles")
        self.assertGreater(cycles, 600)
        self.assertLess(full - bare, IDLE_LIMIT)

    def test_a_stuck_watcher_hurts_nobody_and_is_told(self):
        pw = self.private(bare=True)
        daemon = self.daemon(pw, chain(("gain",), NODES))
        daemon.wait_linked()
        client = daemon.client
        lease = streams.Lease(["**"], RATE_HZ)
        lease.grant(client._call(lease.request(), lambda reply: reply.meter_lease))
        context = zmq.Context()
        self.addCleanup(context.destroy, 0)
        sockets = [self.watch(context, client, lease, 1000 if i else 2) for i in range(WATCHERS)]
        stuck, readers = sockets[0], sockets[1:]
        stamps, trackers = {s: [] for s in readers}, {s: self.follow(lease) for s in readers}
        lost, poller = 0, zmq.Poller()
        for s in readers:
            poller.register(s, zmq.POLLIN)
        begin = renewed = time.monotonic()
        slowest = 0.0
        while time.monotonic() - begin < WATCH_S:
            for s, _ in poller.poll(100):
                frame = trackers[s].read(s.recv_multipart())
                stamps[s].append(frame.unix_ms / 1000)
                lost += frame.lost
            if time.monotonic() - renewed > 1:
                renewed = time.monotonic()
                client._call(lease.request(), lambda reply: reply.meter_lease)
                slowest = max(slowest, time.monotonic() - renewed)
        status = daemon.status()
        # by the daemon's clock: this program may be slow at reading what was sent in time
        rates = [(len(t) - 1) / (t[-1] - t[0]) for t in stamps.values()]
        self.note(f"{WATCHERS - 1} readers got {min(rates):.1f}..{max(rates):.1f} frames a second, lost {lost}; "
                  f"slowest reply {slowest * 1000:.1f} ms, {status.xruns} gaps, load {status.load_percent:.1f} %")
        self.assertEqual(lost, 0)
        self.assertGreater(min(rates), 0.9 * RATE_HZ)
        self.assertLess(slowest, 0.1)
        tracker, told = self.follow(lease), 0
        while stuck.poll(500):
            frame = tracker.read(stuck.recv_multipart())
            told += frame.lost
            if frame.lost:
                break
        self.note(f"the stuck one is told: {told} frames lost")
        self.assertGreater(told, 0)

    @staticmethod
    def follow(lease):
        tracker = streams.Lease(lease.patterns, lease.rate_hz)
        tracker.grant(lease.columns)
        return tracker

    @staticmethod
    def watch(context, client, lease, high_water):
        socket = context.socket(zmq.SUB)
        socket.rcvhwm = high_water
        socket.setsockopt(zmq.SUBSCRIBE, lease.columns.topic.encode())
        socket.connect(client.endpoint[: -len("control")] + "events")
        return socket
