"""Signals at any time, full disks, two writers of one file: a whole file or none, and nothing left behind."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import numpy

import interrupting
import programmes
import rig
import tap
from interrupting import processes, small_disk, unmount, wait_for

RANDOM = random.Random(7)
WORK = rig.FOLDER / "work"


def prepare():
    if WORK.exists():
        return
    WORK.mkdir()
    rig.write_wav(WORK / "in.wav", numpy.tile(programmes.programme("talk over music", 10), (4, 1)))
    (WORK / "chain.yaml").write_text(
        "mixd: 1\nnodes:\n  in: {type: input, layout: auto}\n  eq: {type: eq}\n  out: {type: output, layout: auto}\n"
        "links: [in -> eq -> out]\n"
    )


VERBS = {
    "master": ("master", "in.wav", "--spec", "spotify", "-s", "chain.yaml", "-o"),
    "render": ("render", "chain.yaml", "-i", "in.wav", "-o"),
}  # fmt: skip


def start(words, goal):
    return interrupting.start((*words, goal), WORK)


def is_whole(path):
    done = subprocess.run(["flac", "-t", "-s", path], capture_output=True, check=False)
    return done.returncode == 0


def interrupt(verb, signo, goal, seconds):
    return interrupting.interrupt((*VERBS[verb], goal), signo, seconds, WORK)


def test_signals_at_any_time():
    prepare()
    for verb in VERBS:
        began = time.monotonic()
        assert interrupt(verb, signal.SIGINT, "whole.flac", 120)[0] == 0
        length = time.monotonic() - began
        (WORK / "whole.flac").unlink()
        for signo in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGHUP, signal.SIGKILL):
            code, out, err = interrupt(verb, signo, "cut.flac", RANDOM.uniform(0.02, 0.9) * length)
            goal = WORK / "cut.flac"
            assert not goal.exists() or is_whole(goal), (verb, signo)
            if signo != signal.SIGKILL:
                assert code == 130 or (code == 0 and goal.exists()), (verb, signo, code, out, err)
                assert code == 0 or "interrupted" in err, err
                assert not rig.leftovers(), (verb, signo, rig.leftovers())
            goal.unlink(missing_ok=True)
            wait_for(lambda: not processes())
            wait_for(lambda: not rig.leftovers(WORK))
            for path in rig.TEMP.glob("mixctl-*"):  # killed before its daemon knew: the next call tidies up
                assert signo == signal.SIGKILL
                os.utime(path, (0, 0))
    rig.out("spec", "ls")
    assert not rig.leftovers(), rig.leftovers()


def daemon_of(process):
    names = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(names[0]) if names else None


def test_a_killed_daemon_leaves_what_the_next_one_tidies():
    prepare()
    for verb in VERBS:
        process = start(VERBS[verb], "killed.flac")
        wait_for(lambda: rig.leftovers(WORK))
        os.kill(daemon_of(process), signal.SIGKILL)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 8 and "signal 9" in err, (process.returncode, err)
        assert not (WORK / "killed.flac").exists() and not rig.leftovers(rig.TEMP)
        done = start(VERBS[verb], "killed.flac")
        _, err = done.communicate(timeout=120)
        assert done.returncode == 0 and is_whole(WORK / "killed.flac"), err
        assert not rig.leftovers(), (verb, rig.leftovers())
        (WORK / "killed.flac").unlink()


def test_a_killed_album():
    """It has a folder for what is not finished; the next call removes it."""
    prepare()
    (WORK / "album.yaml").write_text("title: T\nartist: A\ntracks:\n  - {file: in.wav, title: One}\n")
    words = ("album", "album.yaml", "--tracks", "wav24", "--cue", "--pq", "-o")
    process = start(words, "disc")
    wait_for(lambda: rig.leftovers(WORK))
    os.kill(daemon_of(process), signal.SIGKILL)
    assert process.communicate(timeout=60) and process.returncode == 8, process.returncode
    assert not [p for p in (WORK / "disc").rglob("*") if p.is_file() and ".mixd" not in str(p)]
    process = start(words, "disc")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0 and not rig.leftovers(), (err, rig.leftovers())


def test_two_writers_of_one_output():
    """Whoever comes second is refused or replaces a whole file with a whole file."""
    prepare()
    for verb, words in VERBS.items():
        both = [start(words, "shared.flac") for _ in range(3)]
        ends = [(p.communicate(timeout=120), p.returncode) for p in both]
        assert {code for _, code in ends} <= {0, 6, 8} and 0 in [code for _, code in ends], (verb, ends)
        for (_, err), code in ends:
            assert code == 0 or "shared.flac" in err, err
        assert is_whole(WORK / "shared.flac") and not rig.leftovers(), rig.leftovers()
        (WORK / "shared.flac").unlink()


def full_disk_words():
    """Verbs that write, each to a folder that has no room."""
    verbs = [
        ("master", "in.wav", "--spec", "spotify", "-o", "full/out.wav"),
        ("master", "in.wav", "--spec", "spotify", "-o", "full/out.flac"),
        ("master", "in.wav", "--target", "-16", "--ceiling", "-1", "-o", "full/out.m4a"),
        ("render", "chain.yaml", "-i", "in.wav", "-o", "full/out.wav"),
        ("render", "chain.yaml", "-i", "in.wav", "-o", "full/out.mp3", "--bitrate", "320"),
        ("render", "chain.yaml", "-i", "in.wav", "-o", "full/out.opus", "--bitrate", "256"),
        ("render", "chain.yaml", "-i", "in.wav", "-o", "room.wav", "-o", "eq=full/eq.wav"),
        ("measure", "in.wav", "--report", "full/report.html"),
        ("check", "in.wav", "--spec", "spotify", "--report", "full/report.html"),
        ("measure", "in.wav", "--plots", "full/plots"),
    ]
    words = rig.out("help", code=None)
    (WORK / "album.yaml").write_text("title: T\nartist: A\ntracks:\n  - {file: in.wav, title: One}\n")
    if " album " in words:
        verbs += [("album", "album.yaml", "-o", "full/album", "--tracks", "wav24"),
                  ("album", "album.yaml", "-o", "full/album", "--ddp"),
                  ("album", "album.yaml", "-o", "full/album", "--cue")]  # fmt: skip
    (WORK / "show.yaml").write_text(SHOW)
    if " podcast " in words:
        verbs.append(("podcast", "show.yaml", "-o", "full/show.mp3"))
    if " audiobook " in words:
        verbs.append(("audiobook", "in.wav", "-o", "full/book", "--force"))
    if " ddp " in words:
        if not (WORK / "set").exists():
            rig.mixctl("album", "album.yaml", "-o", "set", "--ddp", cwd=WORK)
        verbs.append(("ddp", "extract", "set/DDP", "-o", "full/tracks"))
    return verbs


SHOW = "title: T\nvoices:\n  - {file: in.wav}\n"


def test_a_full_disk():
    prepare()
    full = WORK / "full"
    small_disk(full, "60k")
    wrong = []
    try:
        for words in full_disk_words():
            done = rig.mixctl(*words, cwd=WORK, code=None)
            left = [str(p) for p in full.rglob("*") if p.is_file() and "--plots" not in words]
            is_said = "full" in done.stderr and ("disk" in done.stderr or "No space" in done.stderr)
            if done.returncode != 8 or not is_said or left:
                wrong.append(f"{words}: {done.returncode} {done.stdout[-200:]} {done.stderr} left: {left}")
            for path in sorted(full.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            (WORK / "room.wav").unlink(missing_ok=True)
    finally:
        unmount(full)
    assert not wrong, "\n".join(wrong)


def test_a_folder_that_may_not_be_written():
    prepare()
    shut = WORK / "shut"
    shut.mkdir()
    if os.geteuid() == 0:  # nothing is shut for root
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "mixd-test", shut], capture_output=True, check=False)
        if done.returncode:
            raise tap.Skip("root may write everywhere, and nothing can be mounted here")
    else:
        shut.chmod(0o500)
    try:
        for words in full_disk_words():
            words = [w.replace("full/", "shut/") for w in words]
            done = rig.mixctl(*words, cwd=WORK, code=None)
            assert done.returncode in (7, 8) and "shut" in done.stderr, (words, done.returncode, done.stderr)
    finally:
        if os.geteuid() == 0:
            unmount(shut)
        else:
            shut.chmod(0o700)
    assert not rig.leftovers(), rig.leftovers()


def test_a_reader_that_goes():
    """Results into a pipe that nobody reads any more."""
    prepare()
    for words in (("measure", "in.wav", "-o", "json"), ("spec", "ls"), ("render", "chain.yaml", "-i", "in.wav", "-o", "p.wav")):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([rig.MIXCTL, *words], cwd=WORK, env=rig.ENV, stdout=writer, stderr=subprocess.PIPE,
                              timeout=60, check=False)  # fmt: skip
        os.close(writer)
        assert done.returncode in (0, 8, -signal.SIGPIPE), (words, done)
        wait_for(lambda: not processes())
    assert not rig.leftovers(), rig.leftovers()


tap.run(globals(), rig.done)
