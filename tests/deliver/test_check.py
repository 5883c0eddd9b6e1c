"""check and its pages: verdicts on files made here, encoded by others; reports read by another parser."""

import html.parser
import json
import struct
import xml.etree.ElementTree as tree

import numpy
import programmes
import rig
import tap

RATE = 48000


def tone(db, seconds=6.0, rate=RATE, channels=2, hz=997.0):
    """EBU Tech 3341: a stereo tone of -23 dBFS is -23 LUFS."""
    t = numpy.arange(int(seconds * rate)) / rate
    return numpy.repeat(
        (10 ** (db / 20) * numpy.sin(2 * numpy.pi * hz * t))[:, None], channels, axis=1
    )


def clause(answer, name, kind=None, item=0):
    return next(
        c
        for c in answer["items"][item]["clauses"]
        if c["clause"] == name and kind in (None, c["kind"])
    )


def judged(*args, code=0):
    return json.loads(rig.mixctl("check", *args, "-o", "json", code=code).stdout)


def test_yes_and_no():
    rig.write_wav(rig.FOLDER / "good.wav", tone(-23))
    rig.write_wav(rig.FOLDER / "loud.wav", tone(-20))
    good = judged("good.wav", "--spec", "ebu-r128")
    assert good["schema"] == 1 and good["kind"] == "check" and good["is_met"] is True
    assert clause(good, "integrated")["state"] == "pass"
    assert abs(good["items"][0]["integrated_lufs"] + 23) < 0.05
    loud = judged("loud.wav", "--spec", "ebu-r128", code=1)
    assert loud["is_met"] is False and loud["items"][0]["failed"] == 1
    verdict = clause(loud, "integrated")
    assert verdict["state"] == "fail" and verdict["beyond"] == "3.0 LU above", verdict
    assert "turn it down by 3.0 LU" in verdict["remedy"] and verdict["limit"] == "-23.0 ±0.2 LUFS"
    said = rig.out("check", "loud.wav", "--spec", "ebu-r128", code=1)
    assert "✗ loud.wav does not meet ebu-r128: 1 clause" in said and "3.0 LU above" in said


def test_edges_are_where_the_spec_has_them():
    for db, code in ((-22.77, 0), (-22.73, 1), (-23.23, 0), (-23.27, 1)):
        rig.write_wav(rig.FOLDER / "edge.wav", tone(db))
        answer = judged("edge.wav", "--spec", "ebu-r128", code=None)
        value = answer["items"][0]["integrated_lufs"]
        assert abs(value - db) < 0.03, (value, db)
        assert answer["is_met"] == (abs(round(value * 10) / 10 + 23) < 0.201), (db, value, code)


def test_several_files_and_specs_keep_their_order():
    names = [f"{n}.wav" for n in "dbac"]
    for i, name in enumerate(names):
        rig.write_wav(rig.FOLDER / name, tone(-23 + i))
    answer = judged(*names, "--spec", "ebu-r128-live", "--spec", "spotify", code=1)
    assert [row["file"] for row in answer["items"]] == [n for n in names for _ in range(2)]
    assert [row["is_met"] for row in answer["items"][::2]] == [True, True, False, False]
    assert all(row["is_met"] for row in answer["items"][1::2])  # advice alone fails nothing
    said = rig.out("check", *names, "--spec", "ebu-r128-live", code=1)
    assert "2 of 4 files meet ebu-r128-live" in said and said.index("d.wav") < said.index("a.wav")
    same = judged("a.wav", "--spec", "spotify", "--spec", "spotify")
    assert len(same["items"]) == 1


def test_one_bad_file_does_not_hide_the_others():
    rig.write_wav(rig.FOLDER / "fine.wav", tone(-23))
    (rig.FOLDER / "bad.wav").write_bytes(b"RIFF, said the file")
    done = rig.mixctl(
        "check", "bad.wav", "fine.wav", "missing.wav", "--spec", "ebu-r128", code=8
    )
    assert "bad.wav" in done.stdout + done.stderr and "missing.wav" in done.stdout + done.stderr
    assert "fine.wav meets ebu-r128" in done.stdout, done.stdout
    rig.mixctl("check", "missing.wav", "--spec", "ebu-r128", code=None)


def test_refusals():
    rig.write_wav(rig.FOLDER / "fine.wav", tone(-23, 1))
    assert "--spec" in rig.err("check", "fine.wav", code=2)
    assert "did you mean ebu-r128" in rig.err("check", "fine.wav", "--spec", "ebu-r129", code=4)
    rig.err("check", code=2)
    every = [row["name"] for row in rig.ask("spec", "ls")["items"]]
    many = [word for name in every[:33] for word in ("--spec", name)]
    assert "up to 32" in rig.err("check", "fine.wav", *many, code=2)
    said = rig.err("check", "fine.wav", "--spec", "netflix", "--speech", "nowhere.wav", code=4)
    assert "nowhere.wav" in said
    said = rig.err("check", "fine.wav", "--spec", "cd", "--report", "no/such/r.html", code=None)
    assert "no/such" in said
    assert not (rig.FOLDER / "no").exists() and not rig.leftovers()


def room_tone(seconds):
    return 10 ** (-72 / 20) * numpy.random.default_rng(5).standard_normal(int(seconds * 44100))


def chapter(path, rms_db=-20.0, head=0.7, tail=2.0):
    """Something like a read chapter: words and pauses over room tone."""
    t = numpy.arange(int(20 * 44100)) / 44100
    words = numpy.sin(2 * numpy.pi * 220 * t) * (numpy.sin(2 * numpy.pi * 0.5 * t) > -0.6)
    body = numpy.concatenate([numpy.zeros(int(head * 44100)), words, numpy.zeros(int(tail * 44100))])
    body *= 10 ** (rms_db / 20) / numpy.sqrt(numpy.mean(body**2))
    body = body + room_tone(len(body) / 44100 + 1)[: len(body)]
    rig.write_wav(path, body, rate=44100, bits=16)


def encode(source, goal, *how):
    rig.tool("lame", "--silent", *how, source, goal)


def test_acx_looks_at_the_mp3_itself():
    wav, mp3 = rig.FOLDER / "chapter.wav", rig.FOLDER / "chapter.mp3"
    chapter(wav)
    encode(wav, mp3, "--cbr", "-b", "192", "-m", "m")
    answer = judged("chapter.mp3", "--spec", "acx", code=None)
    states = {c["clause"]: (c["state"], c["measured"]) for c in answer["items"][0]["clauses"]}
    for name in ("rms", "sample-peak", "noise-floor", "head", "tail", "codec", "bitrate", "cbr"):
        assert states[name][0] == "pass", (name, states)
    assert answer["is_met"], states
    samples = rig.read_float(mp3)
    rms = 10 * numpy.log10(numpy.mean(samples**2))
    assert abs(clause(answer, "rms")["value"] - rms) < 0.1, (clause(answer, "rms"), rms)
    encode(wav, mp3, "--cbr", "-b", "128", "-m", "m")
    low = judged("chapter.mp3", "--spec", "acx", code=1)
    assert clause(low, "bitrate")["state"] == "fail" and "64 kbps below" in str(low)
    encode(wav, mp3, "-V", "2", "-m", "m")
    assert clause(judged("chapter.mp3", "--spec", "acx", code=1), "cbr")["state"] == "fail"
    lossless = judged("chapter.wav", "--spec", "acx", code=1)
    assert clause(lossless, "codec")["state"] == "fail"
    assert clause(lossless, "bitrate")["state"] == "apart"


def test_a_gated_voice_has_no_noise_floor():
    """Its pauses are digital silence: what is left is the voice, and no noise to be taken out."""
    voice = programmes.voice(numpy.random.default_rng(2), 20 * RATE)
    rig.write_wav(rig.FOLDER / "gated.wav", voice[:, None])
    verdict = clause(judged("gated.wav", "--spec", "findaway", code=None), "noise-floor")
    assert verdict["state"] == "pass" and verdict["measured"] == "digital silence", verdict
    assert "its pauses are digital silence" in rig.out("measure", "gated.wav")
    noisy = voice + 0.004 * numpy.random.default_rng(3).standard_normal(len(voice))
    rig.write_wav(rig.FOLDER / "noisy.wav", noisy[:, None])
    verdict = clause(judged("noisy.wav", "--spec", "findaway", code=1), "noise-floor")
    assert verdict["state"] == "fail" and "reduce noise" in verdict["remedy"], verdict


def test_audiobooks_are_all_mono_or_all_stereo():
    for name, mode in (("one.mp3", "m"), ("two.mp3", "s")):
        chapter(rig.FOLDER / "source.wav")
        source = rig.FOLDER / "source.wav"
        if mode == "s":
            samples = rig.read_float(source)
            rig.write_wav(source, numpy.repeat(samples, 2, axis=1), rate=44100, bits=16)
        encode(source, rig.FOLDER / name, "--cbr", "-b", "192", "-m", mode)
    answer = judged("one.mp3", "two.mp3", "--spec", "acx", code=1)
    assert all(row["is_met"] for row in answer["items"]), answer["items"]
    together = answer["together"][0]
    assert not together["is_met"]
    assert any(c["clause"] == "same-channels" and c["state"] == "fail" for c in together["clauses"])
    assert judged("one.mp3", "one.mp3", "--spec", "acx")["is_met"]


def test_dialogue_by_ranges_by_stem_and_by_guess():
    quiet, loud = tone(-27, 8), tone(-21, 8)
    stem = numpy.concatenate([quiet, 0 * loud])
    rig.write_wav(rig.FOLDER / "film.wav", numpy.concatenate([quiet, loud]))
    rig.write_wav(rig.FOLDER / "stem.wav", stem)
    for where in ("0s-8s", "stem.wav"):
        answer = judged("film.wav", "--spec", "netflix", "--speech", where)
        verdict = clause(answer, "dialogue")
        assert abs(verdict["value"] + 27) < 0.6 and verdict["state"] == "pass", (where, verdict)
        assert verdict["is_approximate"] is False
    guess = judged("film.wav", "--spec", "netflix", code=None)
    verdicts = guess["items"][0]["clauses"]
    said = [c for c in verdicts if c["clause"] in ("dialogue", "integrated") and c["is_approximate"]]
    assert said and all("approximate" in c["text"] for c in said), verdicts
    assert "intelligence" not in rig.out("check", "film.wav", "--spec", "netflix", code=None).lower()


def test_a_remedy_that_names_master_holds():
    """What is only for information lies below what a master aims at: the remedy says so."""
    t = numpy.arange(6 * RATE) / RATE
    loud = 0.05 * numpy.sin(2 * numpy.pi * 997 * t)[:, None] * [1, 1]
    loud[RATE : RATE + 480] *= 0.785 / 0.05  # -2.1 dBTP for 10 ms
    rig.write_wav(rig.FOLDER / "near.wav", loud, bits=24)
    answer = judged("near.wav", "--spec", "netflix", "--speech", "0s-6s", code=None)
    info = [c for c in answer["items"][0]["clauses"] if c["clause"] == "true-peak" and c["level"] == "info"]
    assert info[0]["remedy"].endswith("mixctl master does it: --spec netflix --ceiling -2.3"), info
    words = info[0]["remedy"].split("does it: ")[1].split()
    rig.mixctl("master", "near.wav", "-o", "below.wav", "--speech", "0s-6s", *words, code=None)
    answer = judged("below.wav", "--spec", "netflix", "--speech", "0s-6s", code=None)
    info = [c for c in answer["items"][0]["clauses"] if c["clause"] == "true-peak" and c["level"] == "info"]
    assert not info[0]["beyond"], info


def test_what_players_will_do():
    rig.write_wav(rig.FOLDER / "hot.wav", tone(-9))
    answer = judged("hot.wav", "--spec", "spotify-normal")
    assert "turned down by 5.0 dB: plays at -14.0 LUFS" in clause(answer, "integrated")["text"]
    rig.write_wav(rig.FOLDER / "soft.wav", tone(-19))
    album = judged("hot.wav", "soft.wav", "--spec", "spotify-normal", "--album")
    assert "by the album's loudness" in clause(album, "integrated", item=1)["text"]
    assert "turned down" in clause(album, "integrated", item=1)["text"]


class Page(html.parser.HTMLParser):
    """Text, and whether every tag is closed by its own end."""

    SINGLE = {"meta", "br", "polyline", "polygon", "circle", "rect"}

    def __init__(self, text):
        super().__init__()
        self.stack, self.words, self.addresses, self.ids, self.tags = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.stack, self.stack

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attrs = dict(attrs)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.addresses += [attrs[key] for key in ("href", "src", "xlink:href") if key in attrs]
        if tag not in self.SINGLE:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.stack and self.stack[-1] == tag, (tag, self.stack)
        self.stack.pop()

    def handle_data(self, data):
        self.words.append(data)


def test_report_is_one_whole_page():
    name = 'a <b> & "c" \'d\'.wav'
    rig.write_wav(rig.FOLDER / name, tone(-20.3, 12))
    rig.write_wav(rig.FOLDER / "other.wav", 0 * tone(-20, 2))
    answer = judged(name, "other.wav", "--spec", "ebu-r128", "--report", "page.html", code=1)
    assert answer["report"] == "page.html"
    text = (rig.FOLDER / "page.html").read_text(encoding="utf-8")
    page = Page(text)
    words = " ".join(page.words)
    assert name in words and "-20.3" in words and "2.7 LU above" in words
    assert f"{answer['items'][0]['true_peak_dbtp']:.1f}" in words
    assert all(a.startswith("#") and a[1:] in page.ids for a in page.addresses), page.addresses
    assert "script" not in page.tags and "link" not in page.tags and "img" not in page.tags
    for fetch in ("url(", "@import", "src="):
        assert fetch not in text
    assert page.tags.count("svg") >= 6 and "nan" not in words.split()
    assert not rig.leftovers()


def test_plots_are_svg_and_png():
    rig.write_wav(rig.FOLDER / "plot.wav", tone(-20, 8) * [1.0, 0.7])
    said = rig.mixctl(
        "check", "plot.wav", "--spec", "cd", "--plots", "plots", "-o", "json", code=None
    )
    if "mixd-png" in said.stderr:
        raise tap.Skip("built without cairo")
    names = sorted(p.name for p in (rig.FOLDER / "plots").iterdir())
    kinds = {name.split(".")[2] for name in names}
    assert {"loudness", "peaks", "spectrum", "channels", "correlation"} <= kinds, kinds
    assert json.loads(said.stdout)["plots"] == len(names) == 2 * len(kinds)
    for kind in kinds:
        root = tree.parse(rig.FOLDER / "plots" / f"plot.wav.{kind}.svg").getroot()
        assert root.tag.endswith("svg") and len(list(root.iter())) > 10
        data = (rig.FOLDER / "plots" / f"plot.wav.{kind}.png").read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", data[16:24])
        assert (width, height) == (2 * int(root.get("width")), 2 * int(root.get("height")))


tap.run(globals(), rig.done)
