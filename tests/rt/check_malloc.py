"""No allocation may fail with more than an error: mixd --check, with the n-th allocation of the process failing. TAP.

usage: check_malloc.py MIXD RTCHECK NODES_FOLDER SESSION"""

import os
import subprocess
import sys

from fences import Tap

# A session of five nodes makes about a thousand.
COUNTS = [*range(1, 300), *range(300, 1200, 5)]


def run(arguments, nth):
    mixd, rtcheck, nodes, session = arguments
    env = {**os.environ, "LD_PRELOAD": rtcheck, "MIXD_NODE_PATH": nodes, "FAIL_NTH": str(nth)}
    done = subprocess.run([mixd, "--check", session], env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def main():
    tap, died, mute, refused = Tap(), [], [], 0
    for nth in COUNTS:
        code, words = run(sys.argv[1:5], nth)
        if code not in (0, 5, 8):
            died.append(f"allocation {nth}: ended with {code}: {words[-200:]!r}")
        if code > 0:
            refused += 1
            if not words.strip():
                mute.append(f"allocation {nth}: exit {code} without a word")
    tap.check("no_failed_allocation_ends_mixd", died)
    tap.check("refusals_have_words", mute)
    tap.check("allocations_did_fail", [] if refused > 50 else [f"only {refused} refusals: the fence is not loaded"])
    print(f"# {refused} refusals")
    return tap.done()


sys.exit(main())
