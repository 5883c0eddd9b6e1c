#!/usr/bin/env python3
"""mixctl at the desk: sends, VCAs, solo, presets, imports, curves; the binding does the same.

Environment: MIXD, MIXCTL, MIXD_NODE_PATH, PYTHONPATH with the binding.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import mixctl_rig as rig  # noqa: E402
import tap  # noqa: E402
from mixctl_rig import ENV, FOLDER, err, mixctl, out, start  # noqa: E402

ENV["XDG_CONFIG_HOME"] = FOLDER + "/config"
os.environ.update(XDG_RUNTIME_DIR=FOLDER, MIXD_INSTANCE="test")
for name in ("RUNTIME_DIRECTORY", "MIXD_ENDPOINT"):
    os.environ.pop(name, None)

DESK = """mixd: 1
name: test
nodes:
  in: {type: input}
  vox/eq: {type: eq}
  vox/comp: {type: comp}
  vox/fader: {type: gain, gain: -6dB}
  band: {type: gain}
  fx/reverb: {type: gain}
  master: {type: bus}
  phones: {type: bus}
  out: {type: output}
links:
  - in -> vox/eq -> vox/comp -> vox/fader -> master -> out
  - in -> band
  - {from: band, to: "master:in2"}
  - {from: vox/fader, to: fx/reverb, level: -12dB, tap: pre, pan: L30, mute: on}
  - {from: fx/reverb, to: "master:in3"}
"""


def desk():
    start()
    mixctl("apply", "-f", "-", stdin=DESK)


def test_sends_are_links_with_settings():
    desk()
    listed = json.loads(out("ls", "links", "vox/fader", "-o", "json"))["items"]
    send = next(link for link in listed if link["to"] == "fx/reverb:in")
    assert send["gain_db"] == -12, send
    assert send["settings"] == {"pan": -30, "mute": True, "tap": "pre"}, send
    assert "pan=L30 mute=on tap=pre" in out("ls", "links")
    assert out("get", "vox/fader->fx/reverb.level") == "-12dB\n"
    mixctl("set", "vox/fader->fx/reverb.level+=6dB", "vox/fader->fx/reverb.mute=toggle")
    assert out("get", "vox/fader->fx/reverb.level", "-n") == "-6\n"
    assert "vox/fader->fx/reverb.mute" in out("get", "vox/*->**.mute")
    # the same link as the exported session has it
    text = out("export")
    assert '{from: "vox/fader", to: "fx/reverb", level: -6dB, pan: L30, tap: pre}' in text, text
    mixctl("diff", "-f", "-", stdin=text)
    assert out("history").splitlines()[1].split(None, 3)[-1].find("vox/fader->fx/reverb") >= 0
    mixctl("undo")
    assert out("get", "vox/fader->fx/reverb.mute") == "on\n"
    mixctl("unlink", "vox/fader", "fx/reverb")
    mixctl("link", "vox/fader", "fx/reverb", "level=-12dB", "tap=pre")
    assert out("get", "vox/fader->fx/reverb.tap") == "pre\n"
    mixctl("link", "vox/fader", "fx/reverb")  # as it is
    assert out("get", "vox/fader->fx/reverb.level") == "-12dB\n"
    assert "level" in err("set", "vox/fader->fx/reverb.levle=0dB", code=4)
    assert "no link" in err("get", "band->fx/reverb.level", code=4)
    assert "nothing before it" in err("link", "in", "out", "tap=pre", code=5)
    assert "no value" in err("link", "in", "out", "tap=", code=2)
    mixctl("unlink", "vox/fader->fx/reverb")  # as the settings of a link name it
    mixctl("link", "vox/fader->fx/reverb", "level=-6dB")
    assert out("get", "vox/fader->fx/reverb.level") == "-6dB\n"
    assert "two ends" in err("unlink", "vox/fader", code=2)
    mixctl("rm", "fx/reverb")


def test_vca_moves_members():
    desk()
    mixctl("add", "vca", "singers", "members=vox/*", "gain=-3dB")
    assert out("get", "vox/fader.gain") == "-6dB\n"
    assert "does not exist" in err("set", "singers.members=nobody", code=5)
    mixctl("mv", "vox/fader", "vox/lead")
    mixctl("set", "singers.members=vox/lead")
    mixctl("mv", "vox/lead", "vox/fader")
    assert out("get", "singers.members") == "vox/fader\n"


def test_solo_latches_and_is_no_revision():
    desk()
    revision = json.loads(out("status", "-o", "json"))["revision"]
    assert out("solo", "vox/fader") == ""
    mixctl("solo", "vox/fader", "--pfl", code=4)  # nobody listens
    assert "vox/fader  sip" in out("solo"), out("solo")
    assert "solo      sip vox/fader" in out("status")
    mixctl("solo", "band", "--for", "60s")
    rows = json.loads(out("solo", "-o", "json"))["items"]
    assert [row["name"] for row in rows] == ["band", "vox/fader"], rows
    assert 50000 < rows[0]["left_ms"] <= 60000
    mixctl("solo", "vox/**", "--only")
    assert [r["name"] for r in json.loads(out("solo", "-o", "json"))["items"]] == ["vox/fader"]
    assert "cannot be soloed" in err("solo", "vox/eq", code=5)
    assert "only one" in err("solo", "band", "--pfl", "--afl", code=2)
    mixctl("solo", "--clear")
    assert json.loads(out("solo", "-o", "json"))["items"] == []
    assert json.loads(out("status", "-o", "json"))["revision"] == revision
    mixctl("set", "phones.listen=on")
    mixctl("link", "master", "phones")
    mixctl("solo", "vox/fader", "--pfl")
    assert "pfl" in out("solo")
    rig.stop()  # a restart ends it
    start()
    assert json.loads(out("solo", "-o", "json"))["items"] == []


def test_presets():
    desk()
    listed = out("preset", "ls", "comp", "-o", "json")
    names = {preset["name"] for preset in json.loads(listed)["items"]}
    assert len(names) >= 2, listed
    name = sorted(names)[0]
    assert out("preset", "show", "comp/" + name) == out("preset", "show", "vox/comp", name)
    mixctl("set", "vox/comp.makeup=3dB", "vox/comp.bypass=on")
    mixctl("preset", "apply", "vox/comp", "comp/" + name)
    wanted = json.loads(out("preset", "show", "comp/" + name, "-o", "json"))["settings"]
    for key, value in wanted.items():
        mixctl("set", f"vox/comp.{key}={value}", "--dry-run")
        assert "no change" in out("set", f"vox/comp.{key}={value}", "--dry-run"), key
    if "makeup" not in wanted:
        assert out("get", "vox/comp.makeup") == out("set", "vox/comp.makeup=0dB", "-q") + "0dB\n"
    assert out("get", "vox/comp.bypass") == "on\n"
    assert f"preset apply vox/comp comp/{name}" in out("history")
    mixctl("undo")
    assert out("get", "vox/comp.makeup") == "3dB\n"
    # our own
    assert out("preset", "save", "vox/comp", "mine", "--doc", 'the "new" one') == "comp/mine\n"
    assert 'the "new" one (own)' in out("preset", "show", "comp/mine")
    mixctl("set", "vox/comp.makeup=9dB", "vox/comp.ratio=8:1")
    mixctl("preset", "apply", "vox/*", "comp/mine")
    assert out("get", "vox/comp.makeup") == "3dB\n"
    mixctl("set", "vox/comp.ratio=8:1")
    mixctl("preset", "apply", "vox/comp", "mine", "--merge")
    assert out("get", "vox/comp.ratio") == "8:1\n"
    rig.stop()  # it is kept
    start()
    mixctl("apply", "-f", "-", stdin=DESK)
    assert "comp/mine" in out("preset", "ls", "vox/comp")
    mixctl("preset", "rm", "comp", "mine")
    assert "comp/mine" not in out("preset", "ls")
    assert "there is no preset" in err("preset", "apply", "vox/comp", "mine", code=4)
    assert "is missing" in err("preset", "show", "comp/", code=2)
    assert "cannot be removed" in err("preset", "rm", "comp", name, code=4)
    assert "is not for it" in err("preset", "apply", "vox/comp", "eq/" + name, code=5)
    assert "no name" in err("preset", "save", "vox/comp", "My Own", code=5)
    assert "did you mean apply" in err("preset", "aply", "vox/comp", "x", code=2)


def test_presets_are_completed():
    desk()
    mixctl("preset", "save", "vox/comp", "mine")

    def complete(*words):
        lines = out("__complete", str(len(words)), "mixctl", *words).splitlines()
        return [line.split("\t")[0] for line in lines]

    assert complete("preset", "a") == ["apply"]
    assert complete("preset", "apply", "vox/c") == ["vox/comp"]
    assert "glue" in complete("preset", "apply", "vox/comp", "")
    assert complete("preset", "show", "comp/gl") == ["comp/glue"]
    assert complete("preset", "ls", "comp") == ["comp"]
    assert complete("preset", "rm", "comp", "") == ["mine"]
    mixctl("preset", "rm", "comp", "mine")


def test_presets_of_the_administrator_and_their_faults():
    desk()
    folder = FOLDER + "/config/mixd/presets"
    os.makedirs(folder)
    with open(folder + "/gain.yaml", "w", encoding="utf-8") as file:
        file.write("house:\n  doc: what this house uses\n  set: {gain: -12dB}\n")
    mixctl("preset", "apply", "band", "house")
    assert out("get", "band.gain") == "-12dB\n"
    assert "config" in out("preset", "ls", "gain")
    with open(folder + "/gain.yaml", "w", encoding="utf-8") as file:
        file.write("house:\n  set: {gian: -12dB}\n")
    done = mixctl("preset", "ls", "gain")
    assert "gain.yaml:2:9" in done.stderr and "gian" in done.stderr, done.stderr
    assert "gain.yaml:2:9" in err("preset", "apply", "band", "house", code=4)


AUTOEQ = """Preamp: -6.2 dB
Filter 1: ON LSC Fc 105 Hz Gain 6.5 dB Q 0.70
Filter 2: ON PK Fc 1000 Hz Gain -3.4 dB Q 0.53
"""


def test_a_group_of_params_is_a_pattern():
    desk()
    assert 'write "band1.*"' in err("get", "vox/eq.band1", code=4)
    assert "band1.freq" in out("get", "vox/eq.band1.*")


def test_tables_are_spared_long_texts():
    desk()
    text = "x" * 200
    mixctl("add", "output", "long", "label=" + text)
    assert "x" * 57 + "...\n" in out("ls", "nodes", "long")
    assert text in out("ls", "nodes", "long", "-o", "csv") and text in out("get", "long.label")
    mixctl("rm", "long")


def test_import():
    desk()
    mixctl("set", "vox/eq.band9.on=on")
    mixctl("set", "vox/eq", "--import", "-", stdin=AUTOEQ)
    assert out("get", "vox/eq.output") == "-6.2dB\n"
    assert out("get", "vox/eq.band1.type") == "lowshelf\n"
    assert out("get", "vox/eq.band2.gain") == "-3.4dB\n"
    assert out("get", "vox/eq.band9.on") == "off\n"
    mixctl("undo")
    assert out("get", "vox/eq.band9.on") == "on\n"
    assert out("get", "vox/eq.band2.gain") == "0dB\n"
    bad = err("set", "vox/eq", "--import", "-", stdin=AUTOEQ + "Filter 3: ON XY Fc 9 Hz\n", code=5)
    assert "-:4" in bad and "XY" in bad, bad
    bad = err("set", "vox/eq", "--import", "-",
              stdin=AUTOEQ + "Filter 3: ON PK Fc 5 Hz Gain 1 dB Q 1\n", code=5)
    assert "-:4" in bad and "band3.freq" in bad, bad
    assert out("get", "vox/eq.band2.gain") == "0dB\n"
    err("set", "--import", "-", stdin=AUTOEQ, code=2)
    err("set", "band", "--import", "-", stdin=AUTOEQ, code=4)


def test_response():
    desk()
    mixctl("set", "vox/eq.band1.on=on", "vox/eq.band1.freq=1kHz", "vox/eq.band1.gain=6dB")
    rows = json.loads(out("response", "vox/eq", "--points", "101", "-o", "json"))["items"]
    assert len(rows) == 101 and abs(rows[0]["hz"] - 20) < 1e-9
    peak = max(rows, key=lambda row: row["db"])
    assert abs(peak["db"] - 6) < 0.05 and 900 < peak["hz"] < 1100, peak
    lines = out("response", "vox/eq", "--points", "5", "-o", "csv").splitlines()
    assert len(lines) == 6 and lines[0].startswith("hz"), lines
    assert "no frequency response" in err("response", "band", code=5)
    err("response", "vox/eq", "--points", "1", code=5)


def test_python_does_the_same():
    desk()
    import mixd  # pylint: disable=import-outside-toplevel

    with mixd.Client(by="desk_test") as client:
        client.link("vox/fader", "fx/reverb", gain_db=-9, settings={"mute": False, "pan": "R10"})
        link = next(li for li in client.links() if li.to == "fx/reverb:in")
        assert link.gain_db == -9 and {s.id for s in link.settings} == {"pan", "tap"}
        assert [s.name for s in client.solo("band")] == ["band"]
        assert client.solo(mode="off") == []
        names = [p.name for p in client.presets("comp")]
        client.apply_preset("vox/comp", names[0])
        client.save_preset("vox/comp", "from-python", doc="x")
        assert "from-python" in [p.name for p in client.presets("vox/comp")]


def test_zz_the_daemon_ends_well():
    start()
    rig.stop()


if __name__ == "__main__":
    tap.run(globals(), rig.done)
