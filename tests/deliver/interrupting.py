"""What tests of signals and full disks share: calls that are cut short, and looking after them."""

import os
import signal
import subprocess
import time
from pathlib import Path

import rig
import tap

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)


def start(words, cwd=rig.FOLDER, **more):
    return subprocess.Popen([rig.MIXCTL, *map(str, words)], cwd=cwd, env=rig.ENV, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **more)  # fmt: skip


def interrupt(words, signo, seconds, cwd=rig.FOLDER):
    """Start it, send SIGNO after SECONDS; its exit code and words."""
    process = start(words, cwd)
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signo)
        out, err = process.communicate(timeout=60 * rig.PATIENCE)
    return process.returncode, out, err


def processes():
    """Of this test's own daemons: by the folder they were given."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes()
                state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if str(rig.TEMP).encode() in line and state != "Z":
                found.append(int(folder.name))
    return found


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds * rig.PATIENCE
    while not what():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.01)


def settled():
    """After a call that was killed: its daemon notices, and ends. What mixctl alone could have removed is made
    so old that the next call removes it."""
    wait_for(lambda: not processes())
    for path in rig.TEMP.glob("mixctl-*"):
        os.utime(path, (0, 0))


def small_disk(folder, size):
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "mixd-test", folder], capture_output=True,
                          check=False)  # fmt: skip
    if done.returncode:
        raise tap.Skip("a small file system cannot be mounted here")


def enlarge(folder, size):
    subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)


def unmount(folder):
    subprocess.run(["umount", "-l", folder], check=True)
