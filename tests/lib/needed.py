"""What ninja must build for some of the tests: nothing else of a sanitizer's build is worth its time.

usage: needed.py BUILD NAME_OR_SUITE...
"""

import json
import os
import subprocess
import sys


def introspect(build, what):
    done = subprocess.run(
        ["meson", "introspect", what, build], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def main():
    build, wanted = os.path.abspath(sys.argv[1]), set(sys.argv[2:])
    files = {t["id"]: t["filename"] for t in introspect(build, "--targets")}
    needed = set()
    for test in introspect(build, "--tests"):
        suites = {suite.split(":")[-1] for suite in test["suite"]}
        if test["name"] not in wanted and not suites & wanted:
            continue
        for target in test["depends"]:
            needed.update(os.path.relpath(name, build) for name in files[target])
    print("\n".join(sorted(needed)))
    return 0 if needed else 1


sys.exit(main())
