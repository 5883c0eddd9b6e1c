"""The contract suite sees what it is there to see: bad_node.c, once for each clause that it breaks. TAP.

usage: check_contract.py CONTRACT_PROGRAM PRELOAD COMPILER..."""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SPLIT, RESET, SILENCE = "any_split", "reset_is", "silence_stays"
# Clause -> the tests of which at least one must fail; "" = the process ends. 0: nothing is broken.
CLAUSES = {0: [], 1: ["tables_sane"], 2: [SPLIT], 3: [SPLIT], 4: [RESET], 5: [RESET], 6: [SILENCE], 7: ["latency_is"],
           8: ["random_walks"], 9: [""], 10: [SPLIT], 11: ["meters_are"], 12: ["grouped_equals"]}


def main():
    contract, preload, compiler = sys.argv[1], sys.argv[2], sys.argv[3:]
    failed = 0
    for count, (clause, expected) in enumerate(CLAUSES.items(), 1):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([*compiler, "-std=gnu11", "-O1", f"-DBAD={clause}", "-fPIC", "-shared", "-fvisibility=hidden",
                            "-I", str(HERE.parents[1] / "nodes/include"), "-o", f"{folder}/node-bad.so",
                            str(HERE / "bad_node.c")], check=True)
            env = {**os.environ, "MIXD_TEST_NODES": folder, "MIXD_CONTRACT_TYPE": "bad", "ASAN_OPTIONS": "detect_leaks=0"}
            if preload != "none":
                env["LD_PRELOAD"] = preload
            run = subprocess.run([contract], env=env, capture_output=True, text=True, check=False)
        found = [line for line in run.stdout.splitlines() if line.startswith("not ok")]
        if expected == [""]:
            fine = preload == "none" or (run.returncode < 0 and "malloc" in run.stderr)
        elif expected:
            fine = any(name in line for name in expected for line in found)
        else:
            fine = run.returncode == 0 and not found
        if not fine:
            failed += 1
            print(f"# ended with {run.returncode}; not ok: {found}\n# {run.stderr[-300:]!r}")
        print("ok" if fine else "not ok", count, f"contract_sees_clause_{clause}")
    print(f"1..{len(CLAUSES)}")
    return 1 if failed else 0


sys.exit(main())
