"""mixctl batch on disks that fill: what has no room is said by name, all else is done, and the same call goes on
when there is room."""

import json
import os

import numpy

import rig
import tap
from interrupting import enlarge, small_disk, unmount

SESSION = (
    "mixd: 1\nnodes:\n  in: {type: input, layout: mono}\n  g: {type: gain, gain: -6dB}\n  out: {type: output}\n"
    "links: [in -> g -> out]\n"
)
VERB = ("--verb", "render chain.yaml -i {file} -o {stem}.wav --bits 16")


def fresh(name, frames):
    """A folder with a session, and a recording of so many frames each."""
    folder = rig.FOLDER / name
    (folder / "in").mkdir(parents=True)
    (folder / "chain.yaml").write_text(SESSION)
    for i, n in enumerate(frames):
        rig.write_wav(folder / "in" / f"t{i}.wav", 0.1 * numpy.sin(numpy.arange(n) * 0.05 * (i + 1)), bits=16)
    return folder


def ask(folder, *args, code=0):
    done = rig.mixctl("batch", "in", *args, *VERB, "-o", "json", cwd=folder, code=code)
    return json.loads(done.stdout), done.stderr


def states(result):
    return [item["state"] for item in result["items"]]


def names(folder):
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith(".mixd-batch"))


def fill(path):
    """All that is free on the disk of PATH."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(file, b"\0" * 4096)
    except OSError:
        os.close(file)


def check_outputs(folder, out, n):
    assert names(out) == [f"t{i}.wav" for i in range(n)], names(out)
    for i in range(n):
        got, want = rig.read_float(out / f"t{i}.wav"), rig.read_float(folder / "in" / f"t{i}.wav")
        assert len(got) == len(want) and numpy.abs(got - want * 10 ** (-6 / 20)).max() < 5e-5, i
    assert not [p for p in rig.leftovers(folder) if ".mixd-batch" not in p], rig.leftovers(folder)


def test_outputs_without_room():
    """Two of five are larger than what is left; the journal is on the same disk."""
    folder = fresh("outputs", (4800, 480000, 4800, 480000, 9600))
    disk = folder / "disk"
    small_disk(disk, "400k")
    try:
        result, said = ask(folder, "-o", "disk/out", code=1)
        assert states(result) == ["done", "failed", "done", "failed", "done"], states(result)
        for item in (result["items"][1], result["items"][3]):
            assert item["exit_code"] == 8 and "make room" in item["hint"], item
            assert item["item"] in said or item["outputs"][0] in said, said
        assert names(disk / "out") == ["t0.wav", "t2.wav", "t4.wav"], names(disk / "out")
        again, _ = ask(folder, "-o", "disk/out", code=1)
        assert states(again) == ["kept", "failed", "kept", "failed", "kept"], states(again)
        enlarge(disk, "4m")
        result, _ = ask(folder, "-o", "disk/out")
        assert states(result) == ["kept", "done", "kept", "done", "kept"], states(result)
        check_outputs(folder, disk / "out", 5)
    finally:
        unmount(disk)


def test_a_disk_that_others_fill():
    """Room for records is taken before the work: not a byte is free later, and yet all of it is written down."""
    folder = fresh("filled", (480,) * 36)
    disk = folder / "disk"
    small_disk(disk, "128k")
    wrapper = folder / "filling"
    wrapper.write_text(
        f'#!/bin/sh\n[ -e "{disk}/ballast" ] || cat /dev/zero >"{disk}/ballast" 2>/dev/null\nexec "{rig.MIXCTL}" "$@"\n'
    )
    wrapper.chmod(0o755)
    call = ("batch", "in", "-o", "out", *VERB, "--journal", "disk/journal", "-o", "json")
    try:
        done = rig.mixctl(*call, cwd=folder, env={"MIXCTL": str(wrapper)})
        assert json.loads(done.stdout)["n_done"] == 36
        written = (disk / "journal").stat().st_size
        assert written > 2 * 4096, written  # more than the page of its first line
        # what was left when the first item began, and is free again: room that no record needed
        assert (disk / "ballast").stat().st_size == 128 * 1024 - 19 * 4096
        assert os.statvfs(disk).f_bavail == 19 - -(-written // 4096)
        assert json.loads(rig.out(*call, cwd=folder))["n_kept"] == 36
        assert len(names(folder / "out")) == 36 and not rig.leftovers(folder / "in"), names(folder / "out")
    finally:
        unmount(disk)


def test_a_journal_without_room():
    """Refused before the work, by name; nothing is lost, and with room it goes."""
    folder = fresh("journal", (4800,) * 6)
    disk = folder / "disk"
    small_disk(disk, "64k")
    call = ("-o", "out", "--journal", "disk/journal")
    try:
        ask(folder, *call)
        before = (disk / "journal").read_bytes()
        for i in (1, 4):
            rig.write_wav(folder / "in" / f"t{i}.wav", 0.2 * numpy.sin(numpy.arange(4800) * 0.03), bits=16)
        fill(disk / "ballast")
        said = rig.err("batch", "in", *call, *VERB, cwd=folder, code=8)
        assert "disk/journal" in said and "the disk is full" in said and "--journal" in said, said
        assert (disk / "journal").read_bytes() == before
        (disk / "ballast").unlink()
        result, _ = ask(folder, *call)
        assert states(result) == ["kept", "done", "kept", "kept", "done", "kept"], states(result)
        check_outputs(folder, folder / "out", 6)
    finally:
        unmount(disk)


tap.run(globals(), rig.done)
