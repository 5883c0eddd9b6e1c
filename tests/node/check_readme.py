"""The node of nodes/README.md is built as it stands there and put through the contract suite.

usage: check_readme.py CONTRACT_PROGRAM PRELOAD COMPILER..."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]


def main():
    contract, preload, compiler = sys.argv[1], sys.argv[2], sys.argv[3:]
    blocks = re.findall(r"^```c\n(.*?)^```", (TOP / "nodes/README.md").read_text(), re.M | re.S)
    assert len(blocks) == 1, "one block of C is expected in nodes/README.md"
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "dcblock.c"
        source.write_text(blocks[0])
        subprocess.run([*compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter",
                        "-ffp-contract=off", "-fPIC", "-shared", "-fvisibility=hidden", "-D_GNU_SOURCE",
                        "-I", str(TOP / "nodes/include"), "-o", f"{folder}/node-dcblock.so", str(source), "-lm"],
                       check=True)
        env = {**os.environ, "MIXD_TEST_NODES": folder, "MIXD_CONTRACT_TYPE": "dcblock"}
        if preload != "none":
            env |= {"LD_PRELOAD": preload, "MIXD_RTCHECK": "1"}
        return subprocess.run([contract], env=env, check=False).returncode


sys.exit(main())
