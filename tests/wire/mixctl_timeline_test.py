#!/usr/bin/env python3
"""The time line over the wire: transport, markers, tracks, edits of clips, by mixctl and by the binding.

Environment: MIXD, MIXCTL, MIXD_NODE_PATH, PYTHONPATH with the binding.
"""

import asyncio
import json
import math
import os
import struct
import sys
import wave

sys.path.insert(0, os.path.dirname(__file__))
import mixctl_rig as rig  # noqa: E402
import mixd  # noqa: E402
import tap  # noqa: E402
from mixctl_rig import ENV, FOLDER, err, mixctl, out, start  # noqa: E402

os.environ.update(XDG_RUNTIME_DIR=FOLDER, MIXD_INSTANCE="test")
for name in ("RUNTIME_DIRECTORY", "MIXD_ENDPOINT"):
    os.environ.pop(name, None)

SONGS = FOLDER + "/songs"
SONG = """mixd: 1
markers: {verse: 1.5s, end: 0:03}
tracks:
  vox:
    clips: [{file: vox.wav, at: 1s, name: lead}, {file: vox.wav, at: 6s}]
    strip: [{type: eq, band1: {gain: 3dB}}, comp]
    gain: -3dB
    pan: L20
    sends: {fx: -12dB}
  drums: drums.wav
buses: {mix: {}, fx: {strip: [reverb]}}
envelopes:
  - {address: vox/fader.gain, on: timeline, curve: linear, points: [0s=-inf, verse=-3dB]}
"""


def write_wav(name, seconds, sound):
    """Mono, 48 kHz; SOUND: from second to second."""
    with wave.open(f"{SONGS}/{name}", "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        tone = [
            int(16000 * math.cos(0.05 * i)) if sound[0] * 48000 <= i < sound[1] * 48000 else 0
            for i in range(int(48000 * seconds))
        ]
        file.writeframes(struct.pack(f"<{len(tone)}h", *tone))


def song():
    if not os.path.isdir(SONGS):
        os.mkdir(SONGS)
        write_wav("vox.wav", 2, (0.25, 1.5))
        write_wav("drums.wav", 1, (0, 1))
    start()
    with open(SONGS + "/song.yaml", "w", encoding="utf-8") as file:
        file.write(SONG)
    mixctl("apply", "-f", SONGS + "/song.yaml")


def status():
    return json.loads(mixctl("status", "-o", "json").stdout)


def clips(player="vox"):
    return json.loads(out("edit", player, "-o", "json"))["items"]


def texts(player="vox"):
    return [clip["text"] for clip in clips(player)]


def test_tracks_are_nodes_and_links():
    song()
    names = out("ls", "-o", "name").split()
    for name in ("vox/player", "vox/eq", "vox/comp", "vox/fader", "vox/pan", "drums/fader", "mix/bus", "out"):
        assert name in names, names
    assert out("get", "vox/pan->fx/bus.level") == "-12dB\n"
    # relative names begin at the file, in a running daemon they are absolute
    assert clips("drums")[0]["file"] == SONGS + "/drums.wav"
    assert clips("vox/player") == clips()
    first = clips()[0]
    assert (first["number"], first["name"], first["at_s"], first["end_s"]) == (1, "lead", 1, 3), first
    assert first["at"] == "0:01.000" and first["end"] == "0:03.000"
    # what is written is read again as the same
    text = out("export")
    assert "      - {file: " in text and "tracks:" not in text
    mixctl("diff", "-f", "-", stdin=text)
    as_json = out("export", "-o", "json")
    assert isinstance(json.loads(as_json)["nodes"]["vox/player"]["clips"], list)
    mixctl("diff", "-f", "-", stdin=as_json)
    bad = SONG.replace("gain: 3dB", "gian: 3dB")
    said = err("apply", "-f", "-", code=5, stdin=bad)
    assert "-:6:32" in said and "gain" in said, said
    said = err("apply", "-f", "-", code=5, stdin=SONG.replace("at: 6s", "att: 6s"))
    assert "-:5:66" in said and 'mean "at"' in said, said


def test_transport_stands_moves_and_loops():
    song()
    mixctl("locate", "start")
    mixctl("loop", "off")
    before = status()
    assert before["transport"]["state"] == "stopped" and before["transport"]["position_s"] == 0
    assert out("locate", "1:23.456") == "stopped at 1:23.456 (end)\n"
    assert out("locate", "verse") == "stopped at 0:01.500 (verse)\n"
    assert out("locate", "+=500ms") == "stopped at 0:02.000 (verse)\n"
    assert out("locate", "-=10s") == "stopped at 0:00.000\n"
    assert out("locate", "48000fr") == "stopped at 0:01.000\n"
    assert out("locate") == out("loop") == "stopped at 0:01.000\n"
    assert out("loop", "verse", "end") == "stopped at 0:01.000, loop 0:01.500 to 0:03.000\n"
    state = json.loads(out("loop", "10s", "+=4s", "-o", "json"))
    assert (state["loop_start_s"], state["loop_end_s"], state["loop"]) == (10, 14, True), state
    assert out("loop", "off") == "stopped at 0:01.000\n"
    # no clock runs in this test: it waits for one
    played = mixctl("play", "verse", code=8)
    assert "locating at 0:01.500" in played.stdout, played
    assert "play: there is no clock, so nothing moves" in played.stderr and "--no-pipewire" in played.stderr, played
    fault = json.loads(err("play", "-o", "json", code=8))
    assert fault["code"] == 8 and fault["hint"], fault
    assert "transport locating at 0:01.500" in out("status")
    assert "stopped at 0:01.500" in out("stop")
    assert status()["revision"] == before["revision"]
    assert 'mean "verse"' in err("locate", "vers", code=4)
    assert "neither a time" in err("locate", "5dB", code=5)
    assert "not behind" in err("loop", "end", "verse", code=5)
    assert "where does it end" in err("loop", "verse", code=2)
    mixctl("stop", "now", code=2)
    mixctl("wait", "transport.position", ">=1s", "--timeout", "5s")
    mixctl("wait", "transport.position", "<1:00", "--timeout", "5s")
    mixctl("wait", "transport.state", "=stopped", "--timeout", "5s")
    assert "stopped at 0:01.500" in err("wait", "transport.position", ">end", "--timeout", "50ms", code=124)
    assert "no place on the time line" in err("wait", "transport.position", ">soon", code=5)
    assert "did you mean stopped" in err("wait", "transport.state", "=stoped", code=5)
    assert "have no order" in err("wait", "transport.state", ">stopped", code=5)
    assert "no such value" in err("wait", "transport.speed", "=1", code=4)


def test_get_reads_the_transport():
    song()
    mixctl("locate", "2s")
    mixctl("loop", "verse", "end")
    assert out("get", "transport.position") == "0:02.000\n"
    assert out("get", "-n", "transport.position") == "2\n"
    assert out("get", "transport.state") == "stopped\n" and out("get", "transport.marker") == "verse\n"
    mixctl("loop", *out("get", "transport.loop").split())  # what it prints is taken back
    items = json.loads(out("get", "transport.*", "drums/player.clips", "-o", "json"))["items"]
    assert [i["address"].split(".")[1] for i in items] == ["state", "position", "loop", "marker", "clips"]
    assert [i["value"] for i in items[:4]] == ["stopped", 2, True, "verse"] and items[1]["unit"] == "s", items
    assert items[2]["text"] == "0:01.500 0:03.000" and not any(i["meter"] for i in items)
    mixctl("locate", "start")
    mixctl("loop", "off")
    table = out("get", "transport.loop", "transport.marker")
    assert table.split() == ["ADDRESS", "VALUE", "transport.loop", "off", "transport.marker"], table
    assert "no such value" in err("get", "transport.speed", code=4)


def test_markers_are_in_history():
    song()
    assert [row["name"] for row in json.loads(out("marker", "-o", "json"))["items"]] == ["verse", "end"]
    mixctl("marker", "add", "chorus", "2s")
    mixctl("marker", "add", "chorus", "+=250ms")
    assert "chorus  0:02.250" in out("marker", "ls")
    assert "marker add chorus 2.25s" in out("history", "--limit", "1")
    mixctl("locate", "2.5s")
    mixctl("marker", "add", "here")
    assert "here    0:02.500" in out("marker"), out("marker")
    assert "marker rm here" in out("marker", "rm", "h*", "--dry-run")
    mixctl("marker", "rm", "h*", "chorus")
    mixctl("undo")
    assert "chorus" in out("marker") and "here" in out("marker")
    assert "chorus: 2.25s" in out("export")
    assert 'mean "verse"' in err("marker", "rm", "versse", code=4)
    assert "letter" in err("marker", "add", "1st", "1s", code=5)
    assert "neither a time" in err("marker", "add", "x", "soon", code=4)
    assert "did you mean add" in err("marker", "ad", "x", code=2)
    assert "which marker" in err("marker", "rm", code=2)
    rig.stop()  # they are kept
    start_again()
    assert "chorus" in out("marker")
    assert json.loads(out("locate", "-o", "json"))["position_s"] == 0


def start_again():
    rig.DAEMON.append(
        tap.start(
            [rig.MIXD, "--no-pipewire", "--state-dir", FOLDER + "/state", "--instance", "test"],
            env=ENV,
        )
    )
    mixctl("wait", "up", "--timeout", "10s")


def test_envelopes_follow_the_time_line():
    song()
    line = '{address: "vox/fader.gain", on: timeline, curve: linear, points: ["0ms=-inf", "1500ms=-3dB"]}'
    assert line in out("export")
    assert out("get", "vox/fader.gain") == "-3dB\n"  # the value is the track's
    mixctl("set", "vox/fader.gain=-9dB")
    assert line in out("export")
    assert "follows the time line" in err("automate", "vox/fader.gain", "0s=0dB", "1s=-6dB", code=6)
    mixctl("automate", "drums/fader.gain", "verse=0dB", "0:02.5=-6dB", "--timeline", "--curve", "log")
    assert "automate drums/fader.gain --timeline 1500ms=0dB 2500ms=-6dB --curve log" in out("history", "--limit", "1")
    rig.stop()  # a state: it comes back
    start_again()
    assert line in out("export") and "drums/fader.gain" in out("export")
    mixctl("automate", "drums/fader.gain", "--clear")
    assert "drums/fader.gain" not in out("export")
    mixctl("undo")
    assert 'address: "drums/fader.gain", on: timeline' in out("export")
    assert "write a marker" in err("automate", "drums/fader.gain", "vers=0dB", "--timeline", code=2)


def test_edits_are_changes():
    song()
    before = texts()
    mixctl("edit", "vox", "cut", "verse")
    assert len(texts()) == 3 and "offset: 500ms" in texts()[1]
    assert "edit vox cut verse" in out("history", "--limit", "1")
    mixctl("undo")
    assert texts() == before
    mixctl("edit", "vox", "trim", "lead", "--to-sound", "--pad", "0s")
    clip = clips()[0]
    assert abs(clip["at_s"] - 1.25) < 1e-3 and abs(clip["end_s"] - 2.5) < 1e-3, clip
    mixctl("edit", "vox", "nudge", "2", "-200ms")
    mixctl("edit", "vox", "gain", "2", "-3dB")
    assert "at: 5.8s" in texts()[1] and "gain: -3dB" in texts()[1], texts()
    mixctl("edit", "vox", "fade", "2", "out", "100ms", "equal-power")
    mixctl("edit", "vox", "name", "2", "answer")
    mixctl("edit", "vox", "move", "answer", "end")
    assert clips()[1]["at_s"] == 3
    # a file that is here is meant
    done = rig.subprocess.run([rig.MIXCTL, "edit", "drums", "add", "vox.wav"], cwd=SONGS, env=ENV, capture_output=True, check=False)
    assert done.returncode == 0 and clips("drums")[1]["file"] == SONGS + "/vox.wav"
    assert clips("drums")[1]["at_s"] == 1  # behind the other
    assert "clips=" in out("edit", "drums", "delete", "0s", "500ms", "--ripple", "--dry-run")
    mixctl("edit", "drums", "delete", "0s", "500ms", "--ripple")
    assert abs(clips("drums")[1]["at_s"] - 0.5) < 1e-9
    revision = status()["revision"]
    refusals = {
        ("vos", "cut", "1s"): (4, 'mean "vox'),
        ("vox/eq", "cut", "1s"): (5, "plays no clips"),
        ("vox", "cutt", "1s"): (2, 'mean "cut"'),
        ("vox", "cut", "1h"): (5, "no clip sounds"),
        ("vox", "cut"): (2, "takes AT"),
        ("vox", "rm", "9"): (4, 'no clip "9"'),
        ("vox", "nudge", "lead", "-9s"): (5, "before the time line"),
        ("vox", "silence", "1s", "2s", "--ripple"): (2, "no option ripple"),
        ("vox", "add", "/nowhere.wav", "1s"): (None, "nowhere.wav"),
    }
    for words, (code, text) in refusals.items():
        done = rig.subprocess.run(
            [rig.MIXCTL, "edit", *words], env=ENV, capture_output=True, text=True, check=False
        )
        assert done.returncode == code or (code is None and done.returncode > 2), (words, done)
        assert text in done.stderr, (words, done.stderr)
    assert status()["revision"] == revision


def test_what_happens_is_told():
    song()
    mixctl("locate", "0s")
    seen = []
    with mixd.Client(by="watcher") as client:
        events = client.events(timeout=5)
        mixctl("locate", "verse")
        mixctl("marker", "add", "x", "1s")
        mixctl("marker", "rm", "x")
        mixctl("loop", "1s", "2s")
        while len(seen) < 4:
            seen += next(events).changes
        events.close()
    assert [change.WhichOneof("change") for change in seen] == [
        "transport", "marker", "marker_removed", "transport"], seen
    assert seen[0].transport.marker == "verse" and seen[0].transport.by.startswith("mixctl")
    assert seen[1].marker.at_s == 1 and seen[2].marker_removed == "x" and seen[3].transport.loop


def test_the_binding_does_the_same():
    song()
    with mixd.Client(by="test") as client:
        assert client.locate("verse").position_s == 1.5
        assert client.locate(2.25).text == "0:02.250"
        assert client.loop(1, "end").loop_end_s == 3
        assert not client.unloop().loop
        assert client.play().state == "locating" and client.stop().state == "stopped"
        assert client.transport().position_frames == 108000
        assert client.markers() == {"verse": 1.5, "end": 3}
        client.marker("chorus", 2)
        client.marker("chorus", "+=1s")
        client.remove_marker("verse")
        assert client.markers() == {"chorus": 3, "end": 3}
        client.edit("vox", "delete", 0, "1.5s", ripple=True, fade="0s")
        assert [clip.at_s for clip in client.clips("vox")] == [0, 4.5]
        with client.transaction() as t:
            t.edit("vox", "gain", 1, "-3dB").marker("a", 1).automate(
                "drums/fader.gain", [(0, -6), (1000, 0)], timeline=True)
        assert "gain: -3dB" in client.clips("vox")[0].text
        try:
            client.apply(SONG, folder="/elsewhere")
            raise AssertionError("files that are not there")
        except mixd.MixdError as error:
            assert "/elsewhere/" in str(error), error

    async def together():
        async with mixd.AsyncClient(by="test") as client:
            await client.locate(1)
            return await client.transport(), await client.clips("drums")

    state, drums = asyncio.run(together())
    assert state.position_s == 1 and len(drums) == 1


CLIPS = ["lead", "2"]


def test_words_are_completed():
    song()

    def complete(*words):
        lines = out("__complete", str(len(words)), "mixctl", *words).splitlines()
        return [line.split("\t")[0] for line in lines]

    assert complete("edit", "v") == ["vox"] and complete("edit", "") == ["drums", "vox"]
    assert complete("edit", "vox", "cr") == ["crossfade"]
    assert complete("edit", "vox", "gain", "") == CLIPS
    assert complete("edit", "vox", "trim", "--to") == ["--to-sound"]
    assert complete("edit", "vox", "gain", "lead", "") == [] and complete("edit", "vox", "rm", "v") == []
    assert complete("edit", "vox", "cut", "") == ["verse", "end"] and complete("edit", "vox", "cut", "1s", "") == CLIPS
    assert complete("edit", "vox", "fade", "lead", "") == ["in", "out"]
    assert complete("edit", "vox", "fade", "lead", "in", "5ms", "e") == ["equal-power"]
    assert complete("edit", "vox", "crossfade", "lead", "") == CLIPS
    assert complete("edit", "vox", "delete", "1s", "verse", "--ri") == ["--ripple"]
    assert complete("get", "tr") == ["transport."]
    assert complete("get", "transport.s") == complete("wait", "transport.s") == ["transport.state"]
    assert complete("wait", "transport.state", "=") == ["=stopped", "=locating", "=rolling"]
    assert complete("wait", "transport.position", "") == []
    assert "formats" in complete("help", "f") and "formats" not in complete("f")
    assert complete("play", "v") == ["verse"] and complete("loop", "o") == ["off"]
    assert complete("marker", "a") == ["add"]
    assert "edit" in complete("e") and complete("e").count("edit") == 1
    assert "add NAME [AT]" in out("help", "marker")
    manual = out("help", "--man")
    for verb in ("play", "locate", "loop", "marker", "edit"):
        assert verb in manual


if __name__ == "__main__":
    tap.run(globals(), rig.done)
