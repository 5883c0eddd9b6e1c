"""The units are what systemd understands, and the example sessions are what mixd understands. TAP.

usage: check_units.py SOURCE_FOLDER MIXD NODES_FOLDER
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

EXPOSURE_MAX = 10  # tenths: 1.0 of systemd-analyze's 10, "SAFE"


def run(*command, **env):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False,
                          env={**os.environ, **env})
    return done.returncode, (done.stdout + done.stderr).strip()


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def __call__(self, name, fine, words=""):
        self.count += 1
        self.failed += not fine
        for line in [] if fine else words.splitlines():
            print("#", line)
        print("ok" if fine else "not ok", self.count, name)


def write_units(source, folder, mixd):
    """The units as installed, but with a mixd that is there, so that verify can look at it."""
    (folder / "bin").mkdir()
    (folder / "bin/mixd").symlink_to(mixd)
    units = []
    for path in sorted(source.glob("*.service*")):
        name = path.name.replace(".in", "").replace("@.", "@onair.")
        text = path.read_text().replace("@bindir@", str(folder / "bin"))
        for program in ("pipewire", "wireplumber"):  # need not be installed here
            text = text.replace(f"/usr/bin/{program}\n", "/bin/true\n")
        (folder / name).write_text(text)
        units.append(folder / name)
    return units


def main():
    source, mixd, nodes = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
    check = Tap()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        units = write_units(source, folder, mixd)
        for unit in units if shutil.which("systemd-analyze") else []:
            user = ["--user"] if unit.name == "mixd.service" else []
            code, words = run("systemd-analyze", *user, "verify", "--man=no", "--recursive-errors=no", unit,
                              XDG_RUNTIME_DIR=name)
            check(f"systemd verifies {unit.name}", code == 0 and unit.name not in words, words)
            text = unit.read_text()
            limit, service = text.index("StartLimitIntervalSec=0"), text.index("[Service]")
            check(f"{unit.name} restarts for ever", limit < service and "Restart=always" in text)
        code, words = run("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_MAX}",
                          "--no-pager", folder / "mixd@onair.service")
        check("mixd@ is a tight sandbox", code == 0, "\n".join(words.splitlines()[-5:]))
    for session in sorted((source / "examples").glob("*.yaml")):
        code, words = run(mixd, "--check", session, MIXD_NODE_PATH=str(nodes))
        check(f"mixd --check {session.name}", code == 0, words)
        # A check that accepts everything is none.
        broken = session.read_text().replace("ceiling:", "celing:")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(broken)
            file.flush()
            code, words = run(mixd, "--check", file.name, MIXD_NODE_PATH=str(nodes))
        check(f"a slip in {session.name} is found and named", code == 5 and "ceiling" in words, f"{code}: {words}")
    print(f"1..{check.count}")
    return 1 if check.failed else 0


sys.exit(main())
