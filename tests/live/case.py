"""What the live tests share: a private PipeWire, a mixd on a session made here, and the Python binding."""
import functools
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import unittest
import wave

import private
from private import Failure

BUILD = private.build_folder()
sys.path.insert(0, str(BUILD / "clients/python"))

try:
    import mixd  # noqa: E402  (needs the build folder)
except ImportError as missing:
    raise unittest.SkipTest(f"the Python binding is not built: {missing}") from missing

TEST_LIMIT_S = 180
TRIES = 8  # for a run in which no cycle was missed
RELINK_S = 2.0  # from the thing being back to sound going through again

EMPTY = """mixd: 1
name: empty
nodes:
  program: {type: input, layout: stereo, device: sink, label: "Test program"}
  out: {type: output, layout: stereo}
links:
  - program -> out
"""


class Daemon:
    """A supervised mixd and a client to it."""

    def __init__(self, pw, session, instance="test", wait=True, args=()):
        self.pw, self.instance = pw, instance
        path = pathlib.Path(pw.folder) / f"{instance}.yaml"
        path.write_text(session)
        self.service = pw.start_mixd(path, instance, args, wait)
        self._client = None

    @property
    def client(self):
        if not self._client:
            self._client = mixd.Client(
                endpoint=f"ipc://{self.pw.env['XDG_RUNTIME_DIR']}/mixd/{self.instance}/control", timeout=5)
        return self._client

    def close(self):
        if self._client:
            self._client.close()
            self._client = None

    def status(self):
        return self.client.status()

    def wait_status(self, predicate, what, timeout_s=10):
        try:
            self.client.wait_for(lambda c: predicate(c.status()), timeout_s, every=0.02)
        except mixd.TimedOutError:
            raise Failure(f"after {timeout_s} s still not {what}: {self.status()}") from None
        return self.status()

    def node(self, name=None):
        """PipeWire's name of a boundary node, or of the engine's own node."""
        return f"mixd.{self.instance}" + (f".{name}" if name else "")

    def wait_linked(self, source="program", output="out", sink="test-sink", channels=2, timeout_s=10):
        """Until sound can go from the virtual sink SOURCE to SINK. Seconds that took."""
        begin, registry = time.monotonic(), self.pw.registry
        # routed by the session manager, or by mixd itself where there is none, or it came late
        outs = (self.node(output), self.node())

        def linked():
            return (source is None or len(registry.links(self.node(source), self.node())) >= channels) \
                and any(len(registry.links(out, sink)) >= channels for out in outs)
        registry.wait(linked, f"{channels} links {self.node(source)} -> mixd -> {sink}", timeout_s)
        return time.monotonic() - begin


def cpu_seconds(pid):
    """Processor time of all threads of a process, from the scheduler."""
    total = 0
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
        total += int(path.read_text().split()[0])
    return total * 1e-9


def both(test):
    """Run the test with WirePlumber and without any session manager."""
    @functools.wraps(test)
    def run(self):
        for bare in (False, True):
            with self.subTest(session_manager="none" if bare else "WirePlumber"):
                self.bare = bare
                signal.alarm(TEST_LIMIT_S)
                try:
                    test(self)
                finally:
                    self.doCleanups()
    return run


class LiveCase(unittest.TestCase):
    bare = False
    maxDiff = None

    def setUp(self):
        def late(signo, frame):
            raise Failure(f"not done after {TEST_LIMIT_S} s")
        signal.signal(signal.SIGALRM, late)
        signal.alarm(TEST_LIMIT_S)
        self.addCleanup(signal.alarm, 0)

    def without_gaps(self, run):
        """The first of what RUN() -> (result, cycles missed) gives in which none was missed: other work on the
        machine can hold a cycle up, and what is measured here is not that."""
        for _ in range(TRIES):
            result, missed = run()
            if not missed:
                return result
        raise Failure(f"{TRIES} runs, and cycles missed in each: too much else runs on this machine")

    def private(self, **options):
        options.setdefault("bare", self.bare)
        pw = private.Private(BUILD, keep=os.environ.get("MIXD_LIVE_LOGS"), **options)

        def stop():
            pw.stop()
            self.assertEqual(pw.faults, [], "\n".join(pw.faults))
        self.addCleanup(stop)
        return pw.start()

    def daemon(self, pw, session=EMPTY, instance="test", **options):
        daemon = Daemon(pw, session, instance, **options)
        self.addCleanup(daemon.close)
        return daemon

    def player(self, pw, *options, seconds=60):
        """An ordinary client that plays noise; ended with the test."""
        path = pathlib.Path(pw.folder) / "noise.wav"
        if not path.exists():
            with wave.open(str(path), "wb") as file:
                file.setnchannels(2)
                file.setsampwidth(2)
                file.setframerate(48000)
                file.writeframes(random.Random(1).randbytes(48000 * 4) * seconds)
        process = pw.popen(["pw-cat", "--playback", "--volume", "0.1", *options, str(path)], stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def note(self, text):
        """A measured figure, for the report."""
        print(f"# {text}", flush=True)
