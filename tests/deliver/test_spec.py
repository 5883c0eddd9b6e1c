"""spec ls, show and add; a spec of one's own in a check."""

import numpy

import rig
import tap

STATION = """mixd_spec: 1
specs:
  my-station:
    title: "My Station: on air"
    like: ebu-r128
    clauses:
      - {id: true-peak, max: -3dBTP, text: "our transmitter"}
      - {id: head, max: 200ms, level: advice}
"""


def write(name, text):
    (rig.FOLDER / name).write_text(text, encoding="utf-8")


def test_all_that_are_shipped_can_be_shown():
    listed = rig.ask("spec", "ls")["items"]
    assert len(listed) >= 47
    for row in listed:
        assert row["source"] and row["grade"] and row["origin"] == "shipped", row
    for name in ("ebu-r128", "acx", "netflix", "spotify", "cd", "apple-tv"):
        shown = rig.ask("spec", "show", name)
        assert shown["name"] == name and shown["items"]
        assert all(c["source"] and c["grade"] and c["limit"] for c in shown["items"])
        text = rig.out("spec", "show", name)
        assert all(c["clause"] in text and c["limit"] in text for c in shown["items"])


def test_own_spec_is_added_used_and_replaced():
    write("station.yaml", STATION)
    said = rig.out("spec", "add", "station.yaml")
    assert "added my-station: My Station: on air" in said
    kept = rig.FOLDER / "config/mixd/specs/station.yaml"
    assert kept.read_text(encoding="utf-8") == STATION
    shown = rig.ask("spec", "show", "my-station")
    assert shown["max_dbtp"] == -3 and shown["target_lufs"] == -23
    assert shown["origin"] == str(kept)
    assert "(your own)" in rig.out("spec", "ls")
    grades = {c["clause"]: c["grade"] for c in shown["items"]}
    assert grades["true-peak"] == grades["head"] == "OWN" and grades["integrated"] == "PRIMARY-QUOTED", grades
    assert rig.out("spec", "show", "my-station").count("(your own)") == 2
    t = numpy.arange(48000 * 5) / 48000
    rig.write_wav(
        rig.FOLDER / "a.wav",
        numpy.repeat((10 ** (-23 / 20) * numpy.sin(2 * numpy.pi * 997 * t))[:, None], 2, axis=1),
    )
    assert rig.ask("check", "a.wav", "--spec", "my-station")["is_met"]
    assert "is there already" in rig.err("spec", "add", "station.yaml", code=6)
    write("station.yaml", STATION.replace("-3dBTP", "-30dBTP"))
    rig.out("spec", "add", "station.yaml", "--replace")
    assert not rig.ask("check", "a.wav", "--spec", "my-station", code=1)["is_met"]
    write("second.yaml", STATION)
    assert "in another file" in rig.err("spec", "add", "second.yaml", code=6)
    kept.unlink()
    assert not rig.leftovers()


def test_faults_have_line_column_and_the_nearest_word():
    write("bad.yaml", STATION.replace("id: head", "id: haed"))
    said = rig.err("spec", "add", "bad.yaml", code=5)
    assert "bad.yaml:8:14" in said and "did you mean head" in said, said
    assert not (rig.FOLDER / "config/mixd/specs/bad.yaml").exists()
    write("bad.yaml", STATION.replace("my-station", "netflix"))
    assert "netflix" in rig.err("spec", "add", "bad.yaml", code=5)
    rig.err("spec", "add", "missing.yaml", code=4)
    rig.err("spec", "add", ".", code=5)
    rig.err("spec", "add", code=2)
    rig.err("spec", "show", code=2)
    rig.err("spec", "ls", "more", code=2)
    assert "did you mean show" in rig.err("spec", "shwo", "acx", code=2)
    assert "did you mean acx" in rig.err("spec", "show", "axc", code=4)


def test_a_faulty_file_takes_nothing_with_it():
    folder = rig.FOLDER / "config/mixd/specs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "broken.yaml").write_text("mixd_spec: 1\nspecs: {x: {like: nothing}}\n")
    done = rig.mixctl("spec", "ls")
    assert "broken.yaml:2" in done.stderr and "ebu-r128" in done.stdout
    assert "broken.yaml" in rig.err("spec", "show", "something-unheard-of", code=4)
    (folder / "broken.yaml").unlink()


tap.run(globals(), rig.done)
