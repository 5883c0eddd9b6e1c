"""The private PipeWire itself: exit codes, nothing left behind, side by side."""
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

import private

SCRIPT = str(pathlib.Path(private.__file__))


def processes_in(folder):
    """Processes whose environment names FOLDER."""
    found, needle = [], f"MIXD_PRIVATE={folder}".encode()
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if needle in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


def start(*command, options=()):
    return subprocess.Popen([sys.executable, SCRIPT, "run", "--no-mixd", *options, "--", *command],
                            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)


class PrivateScript(unittest.TestCase):
    def assertGone(self, folder):
        deadline = time.monotonic() + 5
        while processes_in(folder):
            self.assertLess(time.monotonic(), deadline, f"left behind: {processes_in(folder)}")
            time.sleep(0.01)

    def test_passes_the_exit_code_on(self):
        for code in (0, 7, 124):
            with start("sh", "-c", f"echo $MIXD_PRIVATE; exit {code}", options=["--bare"]) as child:
                folder = child.stdout.read().strip()
                self.assertEqual(child.wait(20), code)
            self.assertFalse(os.path.exists(folder))
            self.assertGone(folder)

    def test_a_command_that_is_not_there(self):
        with start("no-such-command", options=["--bare"]) as child:
            self.assertEqual(child.wait(20), 127)

    def test_leaves_nothing_when_killed(self):
        for sig in (signal.SIGKILL, signal.SIGTERM):
            child = start("sh", "-c", "setsid sleep 1000 & echo $MIXD_PRIVATE; sleep 1000")
            folder = child.stdout.readline().strip()
            self.assertTrue(processes_in(folder))
            child.send_signal(sig)
            child.wait(20)
            child.stdout.close()
            self.assertGone(folder)
            if sig == signal.SIGTERM:
                self.assertFalse(os.path.exists(folder))

    def test_four_side_by_side(self):
        children = [start("sh", "-c", "pw-link -i | grep -c test-sink", options=["--bare"]) for _ in range(4)]
        for child in children:
            self.assertEqual(child.stdout.read().strip(), "2")
            child.stdout.close()
            self.assertEqual(child.wait(20), 0)

    def test_pipewire_is_supervised(self):
        script = ("kill -9 $(cat $MIXD_PRIVATE/pipewire.pid); "
                  "for i in $(seq 100); do pw-link -i 2>/dev/null | grep -q test-sink && exit 3; sleep 0.1; done")
        with start("sh", "-c", script) as child:
            self.assertEqual(child.wait(30), 3)
