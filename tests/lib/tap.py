"""The harness of Python tests: TAP out, functions called test_*, assert for checks.

    python3 x_test.py [PATTERN]
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
import traceback


class Skip(Exception):
    """Raised by a test that cannot run here."""


def note(text):
    print("# " + str(text).replace("\n", "\n# "), flush=True)


LIBC = ctypes.CDLL(None)


def end_with_parent():
    """For preexec_fn: the process ends with this one, however this one ends."""
    LIBC.prctl(1, signal.SIGKILL)


def start(argv, **more):
    """A process that ends with this one; what it says of faults is not kept."""
    return subprocess.Popen(argv, stderr=subprocess.DEVNULL, preexec_fn=end_with_parent, **more)


def run(module_globals, done=lambda: None):
    """DONE is called at the end, whichever tests were asked for."""
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    tests = [
        (name, fn)
        for name, fn in module_globals.items()
        if name.startswith("test_") and callable(fn) and pattern in name
    ]
    failed = 0
    print("TAP version 13")
    print(f"1..{len(tests)}", flush=True)
    for number, (name, test) in enumerate(tests, 1):
        start, verdict, suffix = time.monotonic(), "ok", ""
        try:
            test()
        except Skip as skip:
            suffix = f" # SKIP {skip}"
        except BaseException:  # pylint: disable=broad-except
            note(traceback.format_exc().rstrip())
            verdict, failed = "not ok", failed + 1
        suffix = suffix or f" # {(time.monotonic() - start) * 1000:.0f} ms"
        print(f"{verdict} {number} {name[5:]}{suffix}", flush=True)
    done()
    sys.stdout.flush()
    os._exit(1 if failed else 0)  # libzmq threads of failed tests must not hold us
