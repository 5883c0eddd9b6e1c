#!/usr/bin/env python3
"""The pages of systemd/examples/deliver, with sound made for every file they name; and what `mixctl help` has
for an example, word by word: of verbs that work on files it is done, of the others it is read.

Environment: as rig.py.
"""

import os
import re
import shutil
import subprocess
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


# ---- what `mixctl help VERB` shows ----


def verbs(with_files):
    parts = out("help").split("\n\n")
    (part,) = [p for p in parts if p.startswith("verbs that work on files" if with_files else "verbs\n")]
    return [line.split()[0] for line in part.splitlines()[1:]]


def examples(verb):
    """Its lines under "examples"; comments go with the shell's."""
    text = out("help", verb)
    lines = text.partition("\nexamples\n")[2].partition("\n\n")[0].splitlines()
    assert all(line.startswith("  mixctl " + verb) for line in lines), (verb, text[-600:])
    return [line.strip() for line in lines]


def typed(line, cwd, seconds=120):
    """LINE as a shell has it; exit code (None: went on for SECONDS) and what was said."""
    programs = FOLDER / "programs"
    if not programs.exists():
        programs.mkdir()
        (programs / "mixctl").symlink_to(os.path.abspath(rig.MIXCTL))
    done = subprocess.Popen(
        ["sh", "-c", line], cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**rig.ENV, "PATH": f"{programs}:{os.environ['PATH']}", "XDG_RUNTIME_DIR": str(FOLDER / "nobody")},
        text=True, start_new_session=True,
    )  # fmt: skip
    try:
        said = done.communicate(timeout=seconds * rig.PATIENCE)[0]
        return done.returncode, said
    except subprocess.TimeoutExpired:
        os.killpg(done.pid, 9)
        done.communicate()
        return None, ""


def test_examples_of_the_desk_are_right_words():
    """No daemon runs: words that are right get as far as that, or to a file that is not there."""
    folder = FOLDER / "desk"
    folder.mkdir()
    shutil.copy(EXAMPLES.parent / "onair.yaml", folder)
    (folder / "changes.txt").write_text("limit.ceiling=-1dBTP\n")
    (folder / "song.yaml").write_text("mixd: 1\ntracks: {vox: vox.wav}\n")
    (folder / "HD 600 ParametricEQ.txt").write_text("Preamp: -6 dB\nFilter 1: ON PK Fc 100 Hz Gain 2 dB Q 1.0\n")
    (FOLDER / "home/.local/share/bash-completion/completions").mkdir(parents=True)
    checked = 0
    for verb in verbs(with_files=False):
        if verb == "help":
            continue
        for line in examples(verb):
            # jq is the reader's; a wait or a watch goes on
            code, said = typed(line.partition(" | ")[0], folder, seconds=1)
            assert code in (None, 0, 3, 4, 124), (line, code, said)
            checked += 1
    assert checked > 60, checked


def sound(name, seconds=4, rate=48000, channels=2, level=0.08):
    name.parent.mkdir(parents=True, exist_ok=True)
    wave = NOISE.normal(0, level, (int(seconds * rate), channels)).clip(-1, 1)
    if name.suffix == ".wav":
        rig.write_wav(name, wave, rate, 24)
        return
    rig.write_wav(FOLDER / "convert.wav", wave, rate, 24)
    rig.tool("ffmpeg", "-nostdin", "-v", "error", "-y", "-i", FOLDER / "convert.wav", name)


def speech(name, text="The source of a river is a small place. Nobody has ever seen it grow larger."):
    name.parent.mkdir(parents=True, exist_ok=True)
    rig.speech(name, text)


def page(folder, name, into, **replaced):
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    for wav in sorted(set(re.findall(r"[\w/-]+\.wav", "".join(l for l in text.splitlines(True) if l[0] != "#")))):
        if replaced.get(wav) == "speech":
            speech(folder / wav)
        else:
            sound(folder / wav, *((7, 44100) if name == "album.yaml" else (4, 48000)))
    (folder / into).write_text(text, encoding="utf-8")


def prepare(verb, folder):
    """Every file that the examples of VERB name."""
    names = {
        "measure": ["master.wav", "one.flac", "two.flac", "film.wav", "dialogue.wav", "a.wav"],
        "check": ["ep42.mp3", "chapters/1.mp3", "chapters/2.mp3", "film.wav", "dialogue.wav", "a.wav"],
        "master": ["mix.wav", "talk.wav", "that.flac"],
        "render": ["mix.wav", "v.wav", "b.flac"],
        "series": ["ep1.mp3", "ep2.mp3"],
        "batch": ["stems/kick.wav", "stems/bass.wav", "in/one.wav"],
    }
    for name in names.get(verb, ()):
        sound(folder / name)
    if verb in ("render", "master"):
        for chain in ("master.yaml", "chain.yaml"):
            shutil.copy(EXAMPLES.parent / "master.yaml", folder / chain)
    if verb == "render":
        page(folder, "song.yaml", "song.yaml")
        (folder / "song.yaml").write_text((folder / "song.yaml").read_text().replace("chorus: 40s", "chorus: 10s"))
        (folder / "show.yaml").write_text(
            "mixd: 1\nnodes:\n  vox: {type: input}\n  bed: {type: input}\n  mix: {type: bus, inputs: 2}\n"
            "  out: {type: output}\n"
            "links: [vox -> mix:in1, bed -> mix:in2, mix -> out]\n"
        )
    if verb == "spec":
        (folder / "station.yaml").write_text(
            "mixd_spec: 1\nspecs: {my-station: {like: ebu-r128, clauses: [{id: true-peak, max: -3dBTP}]}}\n"
        )
    if verb in ("album", "ddp"):
        page(folder, "album.yaml", "album.yaml")
    if verb == "ddp":
        mixctl("album", "album.yaml", "-o", ".", "--ddp", cwd=folder)
    if verb == "podcast":
        page(folder, "episode.yaml", "ep12.yaml", **{"anna.wav": "speech", "ben.wav": "speech"})
    if verb == "audiobook":
        for name in ("takes/ch1.wav", "takes/ch2.wav"):
            speech(folder / name)
        for name in ("ch1.wav", "ch2.wav"):
            wave, room = rig.read_float(folder / "takes" / name), numpy.zeros((48000, 1))
            wave = numpy.concatenate([room, wave[:, :1], room])
            rig.write_wav(folder / name, wave + NOISE.normal(0, 10 ** (-75 / 20), wave.shape))
    if verb == "series":
        mixctl("series", "add", "talk", "ep1.mp3", cwd=folder)
    if verb == "batch":
        page(folder, "jobs.yaml", "jobs.yaml")


# Noise is no broadcast, and a farm is not everywhere; what else says no is wrong.
OTHERWISE = {"mixctl check": (0, 1), "mixctl batch jobs.yaml": (0, 1), "--engine slurm": (0, 1, 8)}


def test_examples_of_work_on_files_work():
    checked = 0
    for verb in verbs(with_files=True):
        folder = FOLDER / ("help-" + verb)
        folder.mkdir()
        prepare(verb, folder)
        for line in examples(verb):
            if "'Episode 3'" in line:
                line = line.replace("Episode 3", "ep2.mp3")
            code, said = typed(line, folder)
            allowed = next((codes for words, codes in reversed(OTHERWISE.items()) if words in line), (0,))
            assert code in allowed, (line, code, said)
            checked += 1
    assert checked > 40, checked
    assert (FOLDER / "help-render/backing.wav").exists() and (FOLDER / "help-master/spotify.flac").exists()
    assert (FOLDER / "help-podcast/ep12.m4a").exists() and (FOLDER / "help-ddp/tracks/track03.wav").exists()


def test_mistakes_are_told_before_the_work():
    folder = FOLDER / "mistakes"
    folder.mkdir()
    sound(folder / "mix.wav")
    (folder / "out.wav").mkdir()
    (folder / "ep.yaml").write_text("title: Rivers\nvoices: [mix.wav]\n")
    shutil.copy(EXAMPLES.parent / "master.yaml", folder)
    for line, code, words in (
        ("master mix.wav -o no/x.wav --spec spotify", 4, "mkdir -p"),
        ("master mix.wav -o out.wav --spec spotify", 5, "is a folder"),
        ("master mix.wav -o {spec}.wav -o no/{spec}.flac --spec spotify --spec tidal", 4, "mkdir -p"),
        ("podcast ep.yaml -o no/x.mp3", 4, "mkdir -p"),
        ("render master.yaml -i mix.wav -o no/x.wav", 4, "mkdir -p"),
        ("render master.yaml -i mix.wav -o out.wav", 5, "name a file in it"),
        ("render master.yaml -i vox=mix.wav -o x.wav", 4, "the input is mix"),
        ("render master.yaml -i mix.wav -o x.mp3 --rate 44.1q", 2, "number in Hz"),
        ("render mix.wav -o x.wav", 5, "page of YAML"),
    ):
        done = mixctl(*line.split(), cwd=folder, code=code)
        assert words in done.stderr and not done.stdout, (line, done)
    assert sorted(path.name for path in folder.iterdir()) == ["ep.yaml", "master.yaml", "mix.wav", "out.wav"]


def test_what_is_read_is_never_written_over():
    folder = FOLDER / "precious"
    folder.mkdir()
    page(folder, "song.yaml", "song.yaml")
    page(folder, "episode.yaml", "ep.yaml", **{"anna.wav": "speech", "ben.wav": "speech"})
    os.link(folder / "vox.wav", folder / "same.wav")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for line in (
        "render song.yaml -o vox.wav --end 1s",
        "render song.yaml -o same.wav --end 1s",
        "render song.yaml -o mix.wav --stems . --end 1s",
        "measure vox.wav --report vox.wav",
        "check vox.wav kick.wav --spec spotify --report ./kick.wav",
        "master vox.wav -o out.wav --spec spotify --report vox.wav",
        "master vox.wav -o out.wav --spec spotify --report out.wav",
        "master vox.wav -o kick.wav --reference kick.wav",
        "master vox.wav -o kick.wav --spec netflix --speech kick.wav",
        "podcast ep.yaml --session ep.yaml",
        "podcast ep.yaml --session anna.wav",
        "podcast ep.yaml -o jingle.wav",
    ):
        said = rig.err(*line.split(), cwd=folder, code=6)
        assert "replaced" in said, (line, said)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    mixctl("render", "song.yaml", "--stems", "stems", "--end", "1s", cwd=folder)
    mixctl("render", "song.yaml", "--stems", "stems", "--end", "1s", cwd=folder)  # its own it may replace
    mixctl("measure", "vox.wav", "--report", "vox.html", cwd=folder)
    mixctl("measure", "vox.wav", "--report", "vox.html", cwd=folder)


def test_nothing_is_left_behind():
    left = [path for path in rig.leftovers() if not path.endswith("/.mixd-batch")]  # a journal stays
    assert not left, left


tap.run(globals(), rig.done)
