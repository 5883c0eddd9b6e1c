#!/usr/bin/env python3
"""What `mixctl help formats` says that each format carries: written with everything, read back; and the
warnings of verbs about what is lost.

Environment: as rig.py; MEDIA_TOOL.
"""

import re

import media_rig
import rig
import tap

TEXTS = (
    "TITLE ARTIST ALBUM ALBUMARTIST TRACKNUMBER TRACKTOTAL DATE GENRE COMMENT COPYRIGHT COMPOSER LABEL ISRC"
    " LANGUAGE MIX"
).split()
KINDS = ("chapters and cue points", "a picture", "ReplayGain", "a broadcast extension", "iXML")


def table():
    """format -> (set of names or None for any, set of kinds)"""
    rows = {}
    for block in re.findall(r"^  (\w+) +\S.*?\(\.\w+\)\n((?: {8}.*\n?)+)", rig.out("help", "formats"), re.M):
        words = [w.strip() for w in " ".join(block[1].split()).split(",")]
        names = {w for w in words if w.isupper()}
        assert names or words[0] == "any text", block
        rows[block[0]] = (names or None, {w for w in words if w in KINDS})
        assert len(names) + len(rows[block[0]][1]) + (not names) == len(words), words
    return rows


def test_the_table_is_whole():
    assert set(table()) == set(media_rig.FORMATS), table().keys()
    choices = re.search(r"--format FORMAT .*?\(wav, ([^)]*)\)", " ".join(rig.out("help", "render").split()))[1]
    assert {"wav", *re.split(", | or ", choices)} == set(table())
    assert ".SH FORMATS" in rig.out("help", "--man")


def test_what_is_said_to_be_carried_is_read_back():
    rows, n = table(), 0
    for name, path in media_rig.files().items():
        got = media_rig.read(path)
        has = {
            "chapters and cue points": "mark" in got,
            "a picture": got["picture"] != ["0"],
            "ReplayGain": got["replay_gain"] == ["1"],
            "a broadcast extension": "bext.description" in got,
            "iXML": got.get("ixml", [""])[0].startswith("<?xml"),
        }
        assert {kind for kind in KINDS if has[kind]} == rows[name][1], (name, has, rows[name])
        for text in TEXTS:
            want = rows[name][0] is None or text in rows[name][0]
            assert (text in got) == want, (name, text, got)
        n += 1
    assert n >= 9, n


def test_what_is_lost_is_named_with_what_has_it():
    rig.write_wav(rig.FOLDER / "in.wav", [0.1, -0.1] * 48000)
    tags = ["--tag", "TITLE=A", "--tag", "ISRC=DEXXX2400001", "--tag", "mood=calm"]
    for name in ("wav", "w64", "aiff", "caf", "flac", "ogg", "opus", "mp3"):
        rig.mixctl("render", through(), "-i", "in.wav", "-o", f"out.{name}", *tags)
        said = rig.err("render", through(), "-i", "in.wav", "-o", f"out.{name}", *tags, "--quiet")
        want = "w64 has no place for ISRC, MOOD: not written; wav, rf64, aiff, caf, flac, alac, ogg, opus, mp3, m4a have"
        assert (f"warning: out.{name}: {want}" in said) if name == "w64" else "no place" not in said, said
    said = rig.err("render", through(), "-i", "in.wav", "-o", "a.w64", "-o", "out=b.w64", "-o", "c.flac", *tags, "--quiet")
    assert said.count("no place") == 1 and "warning: a.w64: w64 has" in said, said
    said = rig.err("master", "in.wav", "-o", "m.w64", "--spec", "ebu-r128")  # ReplayGain: unasked, so no warning
    assert "mixctl: m.w64: w64 has no place for ReplayGain: not written; wav, rf64, aiff, caf" in said, said
    assert not rig.err("master", "in.wav", "-o", "m.w64", "--spec", "ebu-r128", "--quiet")
    said = rig.err("master", "in.wav", "-o", "m.caf", "--spec", "ebu-r128", "--bext", "--tag", "TITLE=A")
    assert "m.caf: caf has no place for a broadcast extension, iXML: not written; wav, rf64 have" in said, said


def through():
    (rig.FOLDER / "through.yaml").write_text(
        "mixd: 1\nnodes:\n  in: {type: input, layout: mono}\n  out: {type: output}\nlinks: [in -> out]\n",
        encoding="utf-8",
    )
    return "through.yaml"


def test_an_episode_says_what_wave64_loses():
    rig.speech(rig.FOLDER / "voice.wav", "A source is a small place. Nobody has ever seen it grow any larger than this.")
    (rig.FOLDER / "ep.yaml").write_text(
        "title: Rivers\nvoices: [voice.wav]\nchapters:\n  - {at: 0s, title: Begin}\n  - {at: 2s, title: End}\n",
        encoding="utf-8",
    )
    said = rig.err("podcast", "ep.yaml", "-o", "ep.w64", "-o", "ep.wav")
    assert re.search(r"ep\.w64: w64 has no place for chapters and cue points: not written; wav, rf64", said), said
    assert "ep.wav:" not in said, said


def test_a_bit_rate_that_no_output_has_is_told():
    rig.write_wav(rig.FOLDER / "in.wav", [0.1, -0.1] * 48000)
    said = rig.err("master", "in.wav", "-o", "r.wav", "--target", "-30", "--bitrate", "192kbps")
    assert "--bitrate does nothing: wav has none to choose; mp3, m4a, ogg and opus have" in said, said
    (rig.FOLDER / "wire.yaml").write_text(
        "mixd: 1\nnodes:\n  in: {type: input, layout: mono}\n  out: {type: output, layout: mono}\nlinks: [in -> out]\n"
    )
    render = ("render", "wire.yaml", "-i", "in.wav", "-o", "out=q.flac", "--quality", "3")
    assert "--quality does nothing: flac has none" in rig.err(*render)
    assert "does nothing" not in rig.err(*render, "-o", "out=q.mp3")


def test_master_writes_the_broadcast_extension():
    rig.write_wav(rig.FOLDER / "in.wav", [0.1, -0.1] * 5 * 48000)
    rig.out("master", "in.wav", "-o", "b.wav", "--spec", "ebu-r128", "--bext", "--tag", "TITLE=Tone")
    text = rig.tool("mediainfo", "b.wav")
    assert re.search(r"LoudnessValue +: -23\.00", text) and re.search(r"Description +: Tone", text), text
    got = media_rig.read(rig.FOLDER / "b.wav")
    assert got["ixml"][0].startswith("<?xml") and got["bext.originator"][0].startswith("mixd "), got
    assert got["bext.date"] == [""], got  # the same call gives the same bytes
    once = (rig.FOLDER / "b.wav").read_bytes()
    rig.out("master", "in.wav", "-o", "b.wav", "--spec", "ebu-r128", "--bext", "--tag", "TITLE=Tone")
    assert (rig.FOLDER / "b.wav").read_bytes() == once


tap.run(globals(), rig.done)
