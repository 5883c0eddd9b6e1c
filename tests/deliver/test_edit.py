#!/usr/bin/env python3
"""mixctl edit -f: clips in a session file; comments stay, files stay whole.

Environment: as rig.py.
"""

import json
import os
import stat

import numpy
import rig
import tap
import yaml
from rig import FOLDER, mixctl, out

RATE = 48000

SESSION = """# the song
mixd: 1
markers: {verse: 1.5s, "the end": 0:03.5}   # places
tracks:
  vox:
    # takes of the second day
    clips:
      - {file: vox.wav, at: 1s, name: lead}   # the good one
      - file: "vox.wav"   # the other
        at: 6s
        gain: -6dB
      - {file: vox.wav, at: 12s}
    gain: -3dB   # was -4
  drums: drums.wav   # as it came
  keys: {file: drums.wav, bus: mix}
  pad: {clips: [{file: drums.wav}, {file: drums.wav, at: 5s}], bus: mix}
buses: {mix: {}}
nodes:
  bell: {type: player, clips: ""}
  gong: {type: gain}
"""


def session(text=SESSION, name="song.yaml"):
    path = FOLDER / name
    path.write_text(text, encoding="utf-8")
    return path


def sounds():
    t = numpy.arange(4 * RATE) / RATE
    tone = 0.5 * numpy.sin(2 * numpy.pi * 440 * t)
    tone[: RATE // 2] = 0
    tone[3 * RATE :] = 0
    rig.write_wav(FOLDER / "vox.wav", tone, RATE)
    rig.write_wav(FOLDER / "drums.wav", 0.3 * numpy.ones((2 * RATE, 2)), RATE)


def edited(*words, text=SESSION, **more):
    path = session(text)
    mixctl("edit", "-f", "song.yaml", *words, **more)
    return path.read_text(encoding="utf-8")


def refused(*words, code, text=SESSION):
    path = session(text)
    done = mixctl("edit", "-f", "song.yaml", *words, code=code)
    assert path.read_text(encoding="utf-8") == text, "a refused edit changed the file"
    return done.stderr


def changed(before, after):
    """Lines that went, lines that came."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


def test_only_what_changes_is_written_anew():
    gone, come = changed(SESSION, edited("vox", "cut", "verse"))
    assert gone == ["      - {file: vox.wav, at: 1s, name: lead}   # the good one"], gone
    assert come == [
        "      - {file: vox.wav, at: 1s, length: 500ms, name: lead}",
        "      - {file: vox.wav, at: 1.5s, offset: 500ms, name: lead}   # the good one",
    ], come
    gone, come = changed(SESSION, edited("vox/player", "nudge", "3", "-200ms"))
    assert gone == ["      - {file: vox.wav, at: 12s}"] and come == ["      - {file: vox.wav, at: 11.8s}"]
    gone, come = changed(SESSION, edited("vox", "add", "new.wav", "20s"))
    assert not gone and come == ["      - {file: new.wav, at: 20s}"], (gone, come)
    gone, come = changed(SESSION, edited("vox", "rm", "3"))
    assert gone == ["      - {file: vox.wav, at: 12s}"] and not come
    gone, come = changed(SESSION, edited("pad", "gain", "2", "-3dB"))
    assert come == ["  pad: {clips: [{file: drums.wav}, {file: drums.wav, at: 5s, gain: -3dB}], bus: mix}"], come
    gone, come = changed(SESSION, edited("pad", "rm", "1"))
    assert come == ["  pad: {clips: [{file: drums.wav, at: 5s}], bus: mix}"], come
    gone, come = changed(SESSION, edited("pad", "rm", "2"))
    assert come == ["  pad: {clips: [{file: drums.wav}], bus: mix}"], come
    gone, come = changed(SESSION, edited("pad", "add", "x.wav", "9s"))
    assert come == ["  pad: {clips: [{file: drums.wav}, {file: drums.wav, at: 5s}, {file: x.wav, at: 9s}], bus: mix}"]


def test_short_forms_become_lists():
    _, come = changed(SESSION, edited("drums", "gain", "1", "-3dB"))
    assert come == ["  drums: {clips: [{file: drums.wav, at: 0s, gain: -3dB}]}   # as it came"], come
    _, come = changed(SESSION, edited("keys", "fade", "1", "in", "100ms"))
    assert come == ["  keys: {clips: [{file: drums.wav, at: 0s, fade_in: 100ms}], bus: mix}"], come
    _, come = changed(SESSION, edited("bell", "add", "bell.wav", "2s", "--gain", "-6dB"))
    assert come == ["  bell: {type: player, clips: [{file: bell.wav, at: 2s, gain: -6dB}]}"], come
    yaml.safe_load(edited("bell", "add", "bell.wav", "2s"))


def test_a_comment_is_not_lost():
    assert "would be lost" in refused("vox", "gain", "2", "-3dB", code=5)
    assert "would be lost" in refused("vox", "silence", "0s", "30s", code=5)
    # an edit beside it is fine
    assert "# the other" in edited("vox", "gain", "1", "-3dB")


def test_files_are_looked_at_from_the_sessions_folder():
    sounds()
    _, come = changed(SESSION, edited("vox", "trim", "lead", "--to-sound", "--pad", "0s"))
    clip = yaml.safe_load("".join(come))[0]
    at, offset, length = (float(clip[key].removesuffix("s")) for key in ("at", "offset", "length"))
    assert abs(offset - 0.5) < 2e-4 and abs(length - 2.5) < 4e-4, clip
    assert abs(at - 1 - offset) < 1e-9
    _, come = changed(SESSION, edited("keys", "cut", "1s"))
    assert "length: 1s" in come[0] and "offset: 1s" in come[0], come
    assert "no clip sounds" in refused("keys", "cut", "2.5s", code=5)  # it is 2 s long
    text = SESSION.replace("vox.wav", "gone.wav")
    assert "gone.wav" in refused("vox", "trim", "1", "--to-sound", code=4, text=text)


def test_a_file_that_is_not_there_is_said():
    sounds()
    (FOLDER / "add.yaml").write_text(SESSION)
    done = mixctl("edit", "-f", "add.yaml", "vox", "add", "vx.wav", "20s")
    assert "warning" in done.stderr and "vx.wav" in done.stderr and "vx.wav" in (FOLDER / "add.yaml").read_text()
    assert not mixctl("edit", "-f", "add.yaml", "vox", "add", "drums.wav", "30s").stderr


def test_json_stays_json():
    text = json.dumps({"mixd": 1, "tracks": {"vox": {"clips": [{"file": "a b.wav", "at": "1s"}]}}})
    after = json.loads(edited("vox", "cut", "2s", text=text))
    assert after["tracks"]["vox"]["clips"] == [
        {"file": "a b.wav", "at": "1s", "length": "1s"},
        {"file": "a b.wav", "at": "2s", "offset": "1s"},
    ], after
    text = json.dumps({"mixd": 1, "tracks": {"vox": "a \"b\".wav"}})
    after = json.loads(edited("vox", "gain", "1", "-3dB", text=text))
    assert after["tracks"]["vox"]["clips"][0]["file"] == 'a "b".wav', after


def test_umlauts_do_not_shift_places():
    text = SESSION.replace("# the song", "# das Stück „Für Élise“ 🎹")
    _, come = changed(text, edited("vox", "nudge", "3", "1s", text=text))
    assert come == ["      - {file: vox.wav, at: 13s}"], come


def test_ls_and_dry_run():
    session()
    listed = json.loads(out("edit", "-f", "song.yaml", "vox", "-o", "json"))["items"]
    assert [(row["number"], row["name"], row["at"]) for row in listed] == [
        (1, "lead", "1s"), (2, "", "6s"), (3, "", "12s")], listed
    assert "lead" in out("edit", "vox", "ls", "--file", "song.yaml")
    assert edited("vox", "nudge", "3", "1s", "--dry-run") == SESSION
    assert edited("vox", "move", "3", "12s") == SESSION  # it is so already


def test_refusals_name_the_place():
    assert "\"vox\"" in refused("vos", "cut", "1s", code=4)
    assert "song.yaml:20:9" in refused("gong", "cut", "1s", code=5)
    assert "did you mean \"cut\"" in refused("vox", "cutt", "1s", code=2)
    assert "did you mean \"verse\"" in refused("vox", "cut", "vers", code=4)
    assert "no clip \"9\"" in refused("vox", "gain", "9", "-3dB", code=4)
    assert "before the time line" in refused("vox", "nudge", "1", "-5s", code=5)
    assert "song.yaml:8:" in refused("vox", "cut", "1s", code=5, text=SESSION.replace("at: 1s", "att: 1s"))
    assert mixctl("edit", "-f", "nowhere.yaml", "vox", "cut", "1s", code=4).stderr.count("nowhere.yaml") == 1
    mixctl("edit", "-f", "song.yaml", code=2)


def test_the_file_is_whole_or_as_before():
    path = session()
    folder = FOLDER / "locked"
    folder.mkdir()
    locked = folder / "song.yaml"
    locked.write_text(SESSION, encoding="utf-8")
    if os.geteuid() != 0:
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
        mixctl("edit", "-f", locked, "vox", "nudge", "3", "1s", code=8)
        folder.chmod(stat.S_IRWXU)
        assert locked.read_text(encoding="utf-8") == SESSION
    mixctl("edit", "-f", "song.yaml", "vox", "nudge", "3", "1s")
    assert path.read_text(encoding="utf-8") != SESSION
    assert sorted(p.name for p in folder.iterdir()) == ["song.yaml"]


tap.run(globals(), rig.done)
