#!/usr/bin/env python3
"""The pages of systemd/examples/deliver, with sound made for every file they name.

Environment: as rig.py.
"""

import re
import shutil
from pathlib import Path

import numpy

import rig
import tap
from rig import FOLDER, mixctl, out

EXAMPLES = Path(__file__).resolve().parents[2] / "systemd/examples/deliver"
NOISE = numpy.random.default_rng(11)


def given(name, seconds, rate=48000, channels=2, bits=24):
    """The page NAME in a folder of its own, and all the recordings it names."""
    folder = FOLDER / name
    folder.mkdir()
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    shutil.copy(EXAMPLES / name, folder)
    names = sorted(set(re.findall(r"[\w/-]+\.wav", "".join(l for l in text.splitlines(True) if l[0] != "#"))))
    assert names, name
    for wav in names:
        (folder / wav).parent.mkdir(exist_ok=True)
        rig.write_wav(folder / wav, NOISE.normal(0, 0.08, (int(seconds * rate), channels)).clip(-1, 1), rate, bits)
    return folder, names


def test_a_song_is_mixed():
    folder, names = given("song.yaml", 10)
    mixctl("render", "song.yaml", "-o", "mix.wav", "--stems", "stems", cwd=folder)
    mix = rig.read_float(folder / "mix.wav")
    assert len(mix) >= 18 * 48000, len(mix)  # the keys come at 8 s, and ring on
    assert 20 * numpy.log10(numpy.abs(mix).max()) <= -0.99
    assert len(list((folder / "stems").iterdir())) >= len(names)
    assert "keys.wav" in out("edit", "-f", "song.yaml", "keys", "ls", cwd=folder)
    mixctl("render", "song.yaml", "-o", "backing.wav", "--set", "vox/fader.mute=on", cwd=folder)
    assert numpy.abs(rig.read_float(folder / "backing.wav")[: len(mix)] - mix[: len(mix)]).max() > 0.01


def test_an_album_is_planned_and_delivered():
    folder, names = given("album.yaml", 6, rate=44100)
    sheet = out("album", "album.yaml", "--plan", cwd=folder)
    assert "Harbour Lights" in sheet and "4006381333931" in sheet, sheet
    mixctl("album", "album.yaml", "-o", "out", "--tracks", "flac", "--cue", "--pq", "--ddp", cwd=folder)
    assert len(list((folder / "out").rglob("*.flac"))) == len(names)
    mixctl("ddp", "check", "out/DDP", cwd=folder)


def test_jobs_are_listed_and_done():
    folder, _ = given("jobs.yaml", 4)
    assert "single" in out("batch", "jobs.yaml", "--dry-run", cwd=folder)
    said = rig.mixctl("batch", "jobs.yaml", "-o", "json", cwd=folder, code=None)
    assert said.returncode == 1, said.stderr  # the check: noise as it comes is no broadcast
    assert (folder / "out/single.flac").exists() and (folder / "out/single.mp3").exists()


def test_an_episode_is_made():
    folder, _ = given("episode.yaml", 5)
    rig.speech(folder / "anna.wav", "The source of a river is a small place. Nobody has ever seen it grow larger.")
    rig.speech(folder / "ben.wav", "Its mouth is wide, and the tide comes in twice a day, as it always has done.")
    mixctl("podcast", "episode.yaml", "-o", "episode.mp3", "--session", "session.yaml", cwd=folder)
    figures = rig.ebur128(folder / "episode.mp3")
    assert abs(figures["i"] + 16) < 1.1 and figures["peak"] <= -0.9, figures
    assert "anna.wav" in (folder / "session.yaml").read_text()


def test_nothing_is_left_behind():
    assert not rig.leftovers(), rig.leftovers()


tap.run(globals(), rig.done)
