"""Exact measurements through a private PipeWire: what goes in at a clock position, and what comes out where."""
import json
import pathlib
import select
import subprocess

import numpy as np

from private import Failure


class Probe:
    """Feeds SIGNAL (frames x channels, float32) into ports and records others, by the server's clock.

    with Probe(private, signal, to_ports, from_ports) as probe: record = probe.run()
    HEARD: how many channels are recorded, where that is not as many as are fed.
    """

    def __init__(self, private, signal, into, out_of, frames=None, heard=None):
        self.private, self.signal = private, np.ascontiguousarray(signal, dtype=np.float32)
        self.channels = self.signal.shape[1]
        self.frames = frames or len(self.signal)
        self.heard = heard or self.channels
        self.into, self.out_of = into, out_of  # node names
        self.folder = pathlib.Path(private.folder)
        self.gaps, self.quanta = [], []

    def __enter__(self):
        source, self.result = self.folder / "probe-in.f32", self.folder / "probe-out.f32"
        self.signal.tofile(source)
        tool = str(pathlib.Path(self.private.build) / "tests/live/pw_probe")
        self.process = subprocess.Popen([tool, str(self.channels), str(self.frames), source, self.result],
                                        env=self.private.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self._event("ready", 10)
            self._link()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def _event(self, name, timeout_s):
        if not select.select([self.process.stdout], [], [], timeout_s)[0]:
            raise Failure(f"pw_probe: no \"{name}\" after {timeout_s} s")
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"pw_probe ended before \"{name}\"")
        event = json.loads(line)
        if event["event"] != name:
            raise Failure(f"pw_probe said {event}, not \"{name}\"")
        return event

    def _link(self):
        registry = self.private.registry
        pairs = [("probe-feed", self.into, self.channels), (self.out_of, "probe-capture", self.heard)]
        for from_node, to_node, channels in pairs:
            def ready(a=from_node, b=to_node, n=channels):
                outs, ins = registry.ports(a, "out"), registry.ports(b, "in")
                return (outs, ins) if min(len(outs), len(ins)) >= n else None
            outs, ins = registry.wait(ready, f"{channels} ports of {from_node} and {to_node}")
            for out_port, in_port in list(zip(outs, ins))[:channels]:
                self.private.run(["pw-link", str(out_port["id"]), str(in_port["id"])])
            registry.wait(lambda a=from_node, b=to_node, n=channels: len(registry.links(a, b)) >= n,
                          f"links {from_node} -> {to_node}")

    def begin(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def finish(self, timeout_s=None):
        report = self._event("done", timeout_s or 10 + 2 * self.frames / self.private.rate)
        self.process.wait(5)
        self.gaps, self.quanta = report["gaps"], report["quanta"]
        return np.fromfile(self.result, dtype=np.float32).reshape(-1, self.channels)[:, :self.heard]

    def run(self):
        self.begin()
        return self.finish()


def noise(frames, channels, seed=1, level=0.25):
    return (np.random.default_rng(seed).uniform(-level, level, (frames, channels))).astype(np.float32)


def offset(signal, record):
    """By how many frames RECORD lags SIGNAL (first channel), from the peak of their correlation."""
    n = 1 << (len(signal) + len(record) - 1).bit_length()
    cross = np.fft.irfft(np.fft.rfft(record[:, 0], n) * np.conj(np.fft.rfft(signal[:, 0], n)), n)
    lag = int(np.argmax(np.abs(cross)))
    return lag if lag < n // 2 else lag - n


def compare(signal, record, lag, gaps=(), margin=16384):
    """(frames compared, frames that differ): outside of the reported gaps and MARGIN frames behind them."""
    length = min(len(signal), len(record) - lag)
    same = np.all(signal[:length] == record[lag:lag + length], axis=1)
    use = np.ones(length, dtype=bool)
    for start, size in gaps:  # a negative size: another driver, whose clock is behind
        use[max(0, start - abs(size) - margin):max(0, start + abs(size) + margin)] = False
    return int(use.sum()), int((use & ~same).sum())
