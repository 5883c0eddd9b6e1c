"""Add up the subtests of a meson test run: what failed with its words, then "N passed, N failed, N skipped".

usage: tally.py TESTLOG.json TEST.log
"""

import json
import pathlib
import re
import sys

LINE = re.compile(r"^(ok|not ok)\b([^#]*)(.*)$", re.I)


def tally(entry):
    """(passed, failed, skipped) of one test program, its failures printed."""
    passed = failed = skipped = 0
    said = []
    for line in entry.get("stdout", "").splitlines():
        match = LINE.match(line)
        if not match:
            if line.startswith("#"):
                said.append(line)
            continue
        if match[1] == "not ok":
            failed += 1
            print("\n".join(said[-20:]))
            print(f"FAIL {entry['name']}: {match[2].strip()}")
        elif "skip" in match[3].lower():
            skipped += 1
            print(f"skip {entry['name']}: {match[2].strip()} {' '.join(said[-1:])}")
        else:
            passed += 1
        said = []
    if entry["result"] not in ("OK", "EXPECTEDFAIL", "SKIP") and not failed:
        failed += 1
        print("\n".join(said[-10:]))
        print(entry.get("stderr", "")[-4000:])
        print(f"FAIL {entry['name']}: {entry['result']}, exit {entry.get('returncode')}")
    elif entry["result"] == "OK" and not (passed or failed or skipped):
        passed = 1  # a program without TAP, by its exit code
    return passed, failed, skipped


def main():
    log, text = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    totals, programs = [0, 0, 0], 0
    if log.exists():
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            programs += 1
            for i, n in enumerate(tally(json.loads(line))):
                totals[i] += n
    if programs == 0:
        print(text.read_text(encoding="utf-8", errors="replace")[-4000:])
        print("FAIL no test ran")
        totals[1] += 1
    print(f"{programs} programs: {totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] else 0


sys.exit(main())
