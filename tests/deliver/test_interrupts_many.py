"""Signals at any time in work of many files, and in batches: each file is the old one or the new one, to the byte;
an album and the tracks of a disc all at once; a batch goes on where it ended."""

import hashlib
import json
import random
import shutil
import signal
import time

import numpy

import interrupting
import rig
import tap
from interrupting import SIGNALS, settled, start

RANDOM = random.Random(11)
WORK = rig.FOLDER / "work"
SPEECH = "The source of a river is a small place. Its mouth is wide, and the tide comes in twice a day."
ALBUM = """title: T
artist: A
mode: {mode}
tracks:
  - {{file: music.wav, title: One}}
  - {{file: music.wav, title: Two, gap: 1s}}
"""
EPISODE = """title: {title}
voices:
  - {{file: voice.wav}}
bed: {{file: music.wav, gain: {gain}}}
"""


def prepare():
    """A page and recordings per verb; two versions of each work, the old and the new."""
    if WORK.exists():
        return
    WORK.mkdir()
    voice = rig.read_float(rig.speech(WORK / "once.wav", SPEECH, 44100))[:, 0]
    voice = numpy.concatenate([voice, numpy.zeros(22050)])
    voice += 10 ** (-72 / 20) * numpy.random.default_rng(1).normal(size=len(voice))
    rig.write_wav(WORK / "voice.wav", 0.5 * voice / numpy.abs(voice).max(), 44100)
    for folder in ("takes", "takes-new"):
        (WORK / folder).mkdir()
        for i in range(2):
            take = voice[2000 * i :] * (0.3 + 0.1 * i + (0.05 if "new" in folder else 0))
            rig.write_wav(WORK / folder / f"ch{i}.wav", take, 44100)
    music = numpy.random.default_rng(2).normal(0, 0.1, (44100 * 8, 2)).clip(-0.9, 0.9)
    rig.write_wav(WORK / "music.wav", music, 44100, 16)
    (WORK / "album-old.yaml").write_text(ALBUM.format(mode="none"))
    (WORK / "album-new.yaml").write_text(ALBUM.format(mode="track-gain\ntarget: -20LUFS"))
    (WORK / "episode-old.yaml").write_text(EPISODE.format(title="Old", gain="-20dB"))
    (WORK / "episode-new.yaml").write_text(EPISODE.format(title="New", gain="-26dB"))
    for kind in ("old", "new"):
        rig.mixctl("album", f"album-{kind}.yaml", "-o", f"set-{kind}", "--ddp", cwd=WORK)


# What is done, and whether all of it appears at once. {goal}: a folder.
WORKS = {
    "album": (lambda kind, goal: ("album", f"album-{kind}.yaml", "-o", goal, "--ddp", "--cue", "--pq",
                                  "--tracks", "flac,wav16"), True),
    "ddp": (lambda kind, goal: ("ddp", "extract", f"set-{kind}/DDP", "-o", goal, "--flac"), True),
    "podcast": (lambda kind, goal: ("podcast", f"episode-{kind}.yaml", "-o", f"{goal}/ep.mp3", "-o", f"{goal}/ep.m4a",
                                    "--session", f"{goal}/session.yaml"), False),
    "audiobook": (lambda kind, goal: ("audiobook", "takes" if kind == "old" else "takes-new", "-o", goal), False),
}  # fmt: skip


def digests(folder):
    return {
        str(p.relative_to(folder)): digest(p)
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def digest(path):
    """Of its bytes; a report says when it was made, and what it is of: it is whole, or not."""
    data = path.read_bytes()
    if path.name == "report.html":
        return data.rstrip().endswith(b"</html>")
    return hashlib.sha256(data).hexdigest()


def finished(words, goal):
    """Run it to its end; what is there then, and how long it took."""
    goal.mkdir(exist_ok=True)
    began = time.monotonic()
    code, out, err = interrupting.interrupt(words, signal.SIGINT, 300 * rig.PATIENCE, WORK)
    assert code in (0, 1), (words, code, out, err)
    assert not rig.leftovers(), (words, rig.leftovers())
    return digests(goal), time.monotonic() - began


def cut(name, words, signo, seconds, goal, old, new):
    """GOAL holds the old work; run the new one into it and end it after SECONDS."""
    at_once = WORKS[name][1]
    code, out, err = interrupting.interrupt(words, signo, seconds, WORK)
    if signo == signal.SIGKILL:
        settled()
    else:
        assert code in (0, 1, 130), (name, signo, code, out, err)
        assert code != 130 or "interrupted" in err, err
        assert not rig.leftovers(), (name, signo, rig.leftovers())
    now = {key: value for key, value in digests(goal).items() if ".part" not in key and ".mixd-" not in key
           and not key.endswith(".master")}  # fmt: skip
    assert set(now) == set(old) == set(new), (name, signo, set(now) ^ set(old), set(new) ^ set(old))
    mixed = [key for key in now if now[key] not in (old[key], new[key])]
    assert not mixed, (name, signo, "neither old nor new", mixed)
    assert not at_once or now in (old, new), (name, signo, "some old, some new")
    assert code not in (0, 1) or now == new, (name, signo, code)
    return code


def one_work(name):
    prepare()
    words = WORKS[name][0]
    old, _ = finished(words("old", f"{name}-old"), WORK / f"{name}-old")
    new, _ = finished(words("new", f"{name}-new"), WORK / f"{name}-new")
    again, length = finished(words("new", f"{name}-new"), WORK / f"{name}-new")
    assert again == new, [key for key in new if new[key] != again[key]]
    assert [key for key in old if old[key] != new[key]], "the versions are alike"
    goal, codes = WORK / name, []
    for signo in SIGNALS * (2 if WORKS[name][1] else 1):
        shutil.rmtree(goal, ignore_errors=True)
        shutil.copytree(WORK / f"{name}-old", goal)
        codes.append(cut(name, words("new", name), signo, RANDOM.uniform(0.03, 0.95) * length, goal, old, new))
        length *= 0.7 if codes[-1] in (0, 1) else 1  # the machine has become faster
    tap.note(f"{name}: {length:.2f} s when it is left alone; exit codes {codes}")
    assert any(code not in (0, 1) for code in codes), codes
    assert finished(words("new", name), goal)[0] == new
    for signo in (signal.SIGTERM, signal.SIGKILL):  # and where nothing was before
        shutil.rmtree(goal, ignore_errors=True)
        if name == "podcast":
            goal.mkdir()
        code, _, err = interrupting.interrupt(words("new", name), signo, 0.5 * length, WORK)
        if signo == signal.SIGKILL:
            settled()
        there = digests(goal) if goal.exists() else {}
        assert all(there[key] == new.get(key) for key in there if "/." not in f"/{key}"), (name, signo, set(there))
        assert signo == signal.SIGKILL or not rig.leftovers(), (code, err, rig.leftovers())
    assert finished(words("new", name), goal)[0] == new


def test_an_album():
    one_work("album")


def test_tracks_of_a_disc():
    one_work("ddp")


def test_a_podcast():
    one_work("podcast")


def test_an_audiobook():
    one_work("audiobook")


# ---- batches ----------------------------------------------------------------------------------------------


def batch_folder():
    folder = rig.FOLDER / "batch"
    if not folder.exists():
        (folder / "in").mkdir(parents=True)
        for i in range(6):
            sound = numpy.random.default_rng(i).normal(0, 0.05 + 0.01 * i, (48000 * 6, 2)).clip(-0.9, 0.9)
            rig.write_wav(folder / "in" / f"t{i}.wav", sound)
    shutil.rmtree(folder / "out", ignore_errors=True)
    return folder


BATCH = ("batch", "in", "-o", "out", "--verb", "master --spec spotify -o {stem}.flac")


def outputs(folder):
    return {key: value for key, value in digests(folder / "out").items() if not key.startswith(".")}


def records(folder):
    """Whole lines of the journal behind the first."""
    path = folder / "out" / ".mixd-batch"
    lines = path.read_text().split("\n")[1:] if path.exists() else []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            pass  # cut off by SIGKILL, or empty
    return found


def litter(folder):
    return [name for name in rig.leftovers(folder) if not name.endswith("/.mixd-batch")]


def test_a_batch_goes_on():
    folder = batch_folder()
    began = time.monotonic()
    assert json.loads(rig.out(*BATCH, "-o", "json", cwd=folder))["n_done"] == 6
    length, want = time.monotonic() - began, outputs(folder)
    assert len(want) == 6
    n_kept = []
    for signo in (*SIGNALS, *SIGNALS):
        shutil.rmtree(folder / "out")
        code, _, err = interrupting.interrupt(BATCH, signo, RANDOM.uniform(0.1, 0.95) * length, folder)
        if signo == signal.SIGKILL:
            settled()
        else:
            assert code in (0, 130), (signo, code, err)
            assert not litter(folder), (signo, litter(folder))
        there = outputs(folder) if (folder / "out").exists() else {}
        whole = {key: value for key, value in there.items() if not key.startswith(".")}
        assert all(want[key] == value for key, value in whole.items()), (signo, set(whole))
        done = [r for r in records(folder) if r["state"] == "done"]
        assert len(done) <= len(whole), (signo, len(done), sorted(whole))
        result = json.loads(rig.out(*BATCH, "-o", "json", cwd=folder))
        assert result["n_kept"] >= len(done) and result["n_kept"] + result["n_done"] == 6, (signo, result)
        assert outputs(folder) == want and not litter(folder), (signo, litter(folder))
        n_kept.append(result["n_kept"])
    tap.note(f"a batch of {length:.2f} s: {n_kept} of 6 were kept")
    assert any(0 < n < 6 for n in n_kept), n_kept


def test_a_daemon_of_a_batch_is_killed():
    """mixctl says so, and the next call goes on."""
    folder = batch_folder()
    process = start(BATCH, folder)
    interrupting.wait_for(lambda: [r for r in records(folder) if r["state"] == "done"] or process.poll() is not None)
    daemons = interrupting.processes()
    for pid in daemons:
        try:
            interrupting.os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    _, err = process.communicate(timeout=60 * rig.PATIENCE)
    assert process.returncode == 8 and "signal 9" in err, (process.returncode, err)
    settled()
    result = json.loads(rig.out(*BATCH, "-o", "json", cwd=folder))
    assert result["n_kept"] >= 1 and result["n_kept"] + result["n_done"] == 6, result
    assert not litter(folder), litter(folder)


tap.run(globals(), rig.done)
