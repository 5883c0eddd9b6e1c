"""mixctl master: targets met on the decoded file, by our meter and by ffmpeg's; refusals; references."""

import json
import os
import struct

import numpy
import programmes
import rig
import tap

RATE = 48000


def music(seconds=30, seed=1, level=0.25, rate=RATE):
    """Notes with edges, a beat and some noise; louder in the second half."""
    random = numpy.random.default_rng(seed)
    t = numpy.arange(int(seconds * rate)) / rate
    wave = numpy.zeros((len(t), 2))
    for k in range(int(seconds * 4)):
        begin = int(k * rate / 4)
        note = 110 * 2 ** (random.integers(0, 36) / 12)
        n = min(len(t) - begin, rate // 2)
        envelope = numpy.exp(-numpy.arange(n) / rate / 0.12)
        tone = numpy.sin(2 * numpy.pi * note * t[:n]) + 0.4 * numpy.sin(6 * numpy.pi * note * t[:n])
        place = random.random()
        wave[begin : begin + n, 0] += tone * envelope * (1 - place)
        wave[begin : begin + n, 1] += tone * envelope * place
        wave[begin : begin + n // 8] += (random.normal(0, 0.6, (n // 8, 2))) * envelope[: n // 8, None]
    wave *= numpy.where(t < seconds / 2, 0.5, 1.0)[:, None]
    return wave * (4 * level / numpy.abs(wave).max())  # peaks at 4 x level


def wav(name, samples, **more):
    path = rig.FOLDER / name
    if not path.exists():
        rig.write_wav(path, samples, **more)
    return path


def master(*args, **more):
    return rig.ask("master", *args, **more)


def test_a_gain_where_the_peaks_allow_it():
    wav("soft.wav", music(level=0.1))
    item = master("soft.wav", "-o", "soft-out.wav", "--target", "-30", "--ceiling", "-1")["items"][0]
    assert item["limit_dbtp"] is None and item["passes"] == 1, item
    before, after = rig.read_float("soft.wav"), rig.read_float("soft-out.wav")
    gain = 10 ** (item["gain_db"] / 20)
    assert before.shape == after.shape
    assert numpy.abs(after - before * gain).max() <= 1.01 * 1.5 / 2**23  # half a step and TPDF
    assert abs(rig.ebur128(rig.FOLDER / "soft-out.wav")["i"] + 30) <= 0.1


def test_a_limiter_where_they_do_not():
    wav("hot.wav", music(level=0.25))
    for spec, target, ceiling in (("spotify", -14, -1), ("ebu-r128", -23, -1), ("apple-music", -16, -1)):
        result = master("hot.wav", "-o", f"hot-{spec}.wav", "--spec", spec)
        item = result["items"][0]
        assert item["is_met"] and abs(item["integrated_lufs"] - target) <= 0.05, item
        assert item["true_peak_dbtp"] <= ceiling, item
        seen = rig.ebur128(rig.FOLDER / f"hot-{spec}.wav")
        assert abs(seen["i"] - target) <= 0.1 and seen["peak"] <= ceiling + 0.1, (spec, seen)
        checked = rig.ask("check", f"hot-{spec}.wav", "--spec", spec)
        assert checked["items"], checked


def test_what_is_decoded_counts():
    wav("warm.wav", music(seconds=8, level=0.25))
    for name in ("hot.mp3", "hot.flac", "hot.ogg", "hot.opus", "hot.m4a"):
        item = master("warm.wav", "-o", name, "--target", "-17", "--ceiling", "-1")["items"][0]
        assert abs(item["integrated_lufs"] + 17) <= 0.05, (name, item)
        assert item["true_peak_dbtp"] <= -1, (name, item)
        seen = rig.ebur128(rig.FOLDER / name)
        assert abs(seen["i"] + 17) <= 0.1 and seen["peak"] <= -0.9, (name, seen)


def test_moments_of_an_mp3_are_lowered_while_it_is_proved():
    """A few moments stand out behind the encoder; what is said of the file is what is measured of it."""
    wav("moments.wav", music(seconds=60, seed=2, level=0.15))
    lowered = 0
    for options in (["--bitrate", 96], ["--quality", 2]):
        item = master(
            "moments.wav", "-o", "moments.mp3", "--target", "-14", "--ceiling", "-1", "--force", *options
        )["items"][0]
        assert abs(item["integrated_lufs"] + 14) <= 0.05 and item["true_peak_dbtp"] <= -1, item
        lowered += item["lowered_granules"]
        seen = rig.ask("measure", "moments.mp3")["items"][0]
        for key in ("integrated_lufs", "true_peak_dbtp"):
            assert seen[key] == item[key], (key, seen[key], item[key])
        peer = rig.ebur128(rig.FOLDER / "moments.mp3")
        assert abs(peer["i"] - item["integrated_lufs"]) <= 0.1, (peer, item)
        assert abs(peer["peak"] - item["true_peak_dbtp"]) <= 0.2, (peer, item)
    assert lowered > 0


def test_several_specs_from_one_pass_of_the_chain():
    wav("hot.wav", music(level=0.25))
    (rig.FOLDER / "chain.yaml").write_text(
        "mixd: 1\nnodes:\n  in: {type: input, layout: stereo}\n"
        "  comp: {type: comp, threshold: -24dBFS, ratio: 2:1, attack: 1ms}\n  out: {type: output, layout: stereo}\n"
        "links: [in -> comp -> out]\n"
    )
    os.makedirs(rig.FOLDER / "many", exist_ok=True)
    result = master(
        "hot.wav", "-s", "chain.yaml", "-o", "many/{spec}.flac", "--spec", "apple-music", "--spec", "ebu-r128",
        "--max-limiting", 30,
    )
    assert [item["spec"] for item in result["items"]] == ["apple-music", "ebu-r128"]
    assert result["chained"]["range_lu"] < result["before"]["range_lu"]  # the chain was heard
    for item, target in zip(result["items"], (-16, -23)):
        assert item["is_met"] and abs(item["integrated_lufs"] - target) <= 0.05, item
    assert sorted(os.listdir(rig.FOLDER / "many")) == ["apple-music.flac", "ebu-r128.flac"]


def test_all_deliverables_or_none():
    wav("hot.wav", music(level=0.25))
    (rig.FOLDER / "quiet.wav").write_bytes(b"what was there before")
    said = rig.err(
        "master", "hot.wav", "-o", "quiet.wav", "--spec", "ebu-r128", "-o", "loud.wav", "--spec", "spotify",
        "--max-limiting", 0.1, code=5,
    )
    assert "loud.wav" in said and "limiting" in said, said
    assert (rig.FOLDER / "quiet.wav").read_bytes() == b"what was there before"
    assert not (rig.FOLDER / "loud.wav").exists() and not rig.leftovers(), rig.leftovers()


def test_what_the_chain_plays_is_not_written_over():
    wav("jingle.wav", music(level=0.1))
    (rig.FOLDER / "played.yaml").write_text(
        "mixd: 1\nnodes:\n  play: {type: player, layout: stereo, clips: jingle.wav}\n"
        "  out: {type: output, layout: stereo}\nlinks: [play -> out]\n"
    )
    before = (rig.FOLDER / "jingle.wav").read_bytes()
    wav("hot.wav", music(level=0.25))
    said = rig.err("master", "hot.wav", "-s", "played.yaml", "-o", "jingle.wav", "--target", "-20", code=6)
    assert "is read by play of the session" in said and "another file" in said, said
    assert (rig.FOLDER / "jingle.wav").read_bytes() == before


def test_tags_say_what_was_delivered():
    wav("hot.wav", music(level=0.25))
    master("hot.wav", "-o", "tags.flac", "--spec", "spotify", "--tag", "TITLE=Größe", "--tag", "ARTIST=A, B")
    tags = rig.tool("metaflac", "--export-tags-to=-", "tags.flac")
    assert "TITLE=Größe" in tags and "ARTIST=A, B" in tags
    gain = next(line for line in tags.splitlines() if line.startswith("REPLAYGAIN_TRACK_GAIN"))
    assert abs(float(gain.split("=")[1].split()[0]) + 4) <= 0.06, gain  # -18 - -14
    rig.tool("flac", "-t", "-s", "tags.flac")


def test_the_same_bytes_whatever_the_threads():
    wav("hot.wav", music(level=0.25))
    for threads in (1, 2):
        master("hot.wav", "-o", f"t{threads}.wav", "--spec", "spotify", "--bits", 16, "--threads", threads)
    assert (rig.FOLDER / "t1.wav").read_bytes() == (rig.FOLDER / "t2.wav").read_bytes()


def spectrum(samples, rate=RATE):
    power = numpy.zeros(4097)
    for at in range(0, len(samples) - 8192, 4096):
        for c in range(samples.shape[1]):
            power += numpy.abs(numpy.fft.rfft(samples[at : at + 8192, c] * numpy.hanning(8192))) ** 2
    hz = numpy.arange(4097) * rate / 8192
    octaves = [(hz >= f / 2**0.5) & (hz < f * 2**0.5) for f in (125, 250, 500, 1000, 2000, 4000, 8000)]
    level = numpy.array([10 * numpy.log10(power[band].sum()) for band in octaves])
    return level - level.mean()


def test_a_reference_gives_colour_width_and_loudness():
    wav("hot.wav", music(level=0.25))
    dark = music(seed=5, level=0.2)
    bright = dark + 2 * numpy.diff(dark, axis=0, prepend=0)  # up to 14 dB at the top
    bright = bright / numpy.abs(bright).max() * 0.5
    wav("bright.wav", bright)
    result = master("hot.wav", "-o", "like.wav", "--reference", "bright.wav", "--strength", 100)
    item = result["items"][0]
    wanted = rig.ebur128(rig.FOLDER / "bright.wav")["i"]
    assert abs(item["integrated_lufs"] - wanted) <= 0.1, (item, wanted)
    far = numpy.abs(spectrum(music(level=0.25)) - spectrum(bright)).mean()
    near = numpy.abs(spectrum(rig.read_float("like.wav")) - spectrum(bright)).mean()
    assert near < 0.35 * far, (near, far)


def test_dialogue_is_looked_for_as_check_does():
    """A spec that counts dialogue: what one verb makes, the other must not send back to it."""
    voice = programmes.voice(numpy.random.default_rng(3), 20 * RATE)[:, None] * [1, 1]
    voice[12 * RATE :] = 0.15 * programmes.noise(numpy.random.default_rng(4), 8 * RATE)  # a louder river
    wav("film.wav", voice * 0.5)
    item = master("film.wav", "-o", "heard.wav", "--spec", "atsc-a85-long")["items"][0]
    dialogue = next(c for c in item["clauses"] if c["clause"] == "dialogue")
    assert item["is_met"] and dialogue["is_approximate"] and abs(dialogue["value"] + 24) < 0.06, dialogue
    assert item["integrated_lufs"] > -23, item["integrated_lufs"]
    said = rig.out("check", "heard.wav", "--spec", "atsc-a85-long")
    assert "approximate: by a detector" in said, said
    told = master("film.wav", "-o", "told.wav", "--spec", "atsc-a85-long", "--speech", "0s-12s")["items"][0]
    assert told["is_met"] and not any(c["is_approximate"] for c in told["clauses"]), told


def test_a_surround_mix_stays_one():
    """Its layout goes into the file, and the LFE, the loudest of all, is not counted."""
    random = numpy.random.default_rng(5)
    mix = random.standard_normal((3 * RATE, 6)) * [0.03, 0.03, 0.05, 0.2, 0.02, 0.02]
    wav("surround.wav", mix)
    for name, more in (("five.wav", ()), ("five96.wav", ("--rate", 96000)), ("five.flac", ("--target", -30))):
        item = master("surround.wav", "-o", name, "--spec", "ebu-r128-live", *more, code=None)["items"][0]
        want = more[1] if "--target" in more else -23
        assert item["measured"]["channels"] == 6 and abs(item["integrated_lufs"] - want) <= 0.05, item
        assert abs(rig.ebur128(rig.FOLDER / name)["i"] - want) <= 0.1, (name, rig.ebur128(rig.FOLDER / name))
        assert rig.ask("measure", name)["items"][0]["layout"] == "5.1", name
        streams = rig.tool("ffprobe", "-v", "error", "-show_entries", "stream=channel_layout", "-of", "csv", name)
        assert "5.1" in streams, (name, streams)


def test_formats_get_a_rate_that_they_have():
    wav("soft96.wav", music(5, level=0.1, rate=96000), rate=96000)
    wav("soft441.wav", music(5, level=0.1, rate=44100), rate=44100)
    for source, output, rate in (("soft96.wav", "r.mp3", 48000), ("soft441.wav", "r.opus", 48000)):
        said = rig.mixctl("master", source, "-o", output, "--target", -20)
        assert "has no rate of" in said.stderr and "it is written at 48 kHz" in said.stderr, said.stderr
        assert rig.ask("measure", output)["items"][0]["rate_hz"] == rate
    assert "has no rate of" in rig.err("master", "soft96.wav", "-o", "r2.mp3", "--target", -20, "--rate", 96000, code=5)
    # a spec's own rates come first
    assert "has no rate of" in rig.err("master", "soft441.wav", "-o", "r2.opus", "--spec", "acx", code=5)


def test_what_is_asked_without_a_spec_is_judged_too():
    wav("soft.wav", music(level=0.1))
    asked = ("soft.wav", "-o", "asked.wav", "--target", "-24.25", "--ceiling", "-3")
    clauses = master(*asked)["items"][0]["clauses"]
    assert [(c["clause"], c["state"], c["limit"]) for c in clauses] == [
        ("integrated", "pass", "-24.25 ±0.10 LUFS"),
        ("true-peak", "pass", "at most -3.0 dBTP"),
    ], clauses
    said = rig.out("master", "soft.wav", "-o", "like.wav", "--reference", "asked.wav", "--report", "asked.html")
    assert "--strength does nothing" in rig.err("master", *asked, "--strength", 50)
    assert "own: met" in said and "±0.10 LUFS" in said and "at most -1.0 dBTP" in said, said
    page = (rig.FOLDER / "asked.html").read_text()
    assert "the loudness of the reference" in page and "what was asked for" in page


def test_harm_is_refused_unless_told():
    spiky = music(level=0.01)
    spiky[::9600] = 0.9
    wav("spiky.wav", spiky)
    said = rig.err("master", "spiky.wav", "-o", "no.wav", "--spec", "spotify", "--max-limiting", 3, code=5)
    assert "dB of limiting; 3.0 dB are allowed" in said and "--force" in said, said
    assert not (rig.FOLDER / "no.wav").exists()
    item = master("spiky.wav", "-o", "yes.wav", "--target", "-24", "--force")["items"][0]
    assert abs(item["integrated_lufs"] + 24) <= 0.05 and item["deepest_limiting_db"] > 3, item


def test_refusals():
    wav("hot.wav", music(level=0.25))
    wav("silent.wav", numpy.zeros((RATE, 2)))
    wav("tiny.wav", numpy.full((10, 1), 0.5))
    refused = [
        (("hot.wav", "-o", "x.wav"), 2, "--spec: is missing"),
        (("hot.wav", "--spec", "spotify"), 2, "--output: is missing"),
        (("hot.wav", "-o", "x.wav", "--spec", "spotfy"), 4, "spotify"),
        (("hot.wav", "-o", "hot.wav", "--spec", "spotify"), 6, "is the input"),
        (("hot.wav", "-o", "x.wav", "--spec", "spotify", "--spec", "ebu-r128"), 2, "the same file"),
        (("hot.wav", "-o", "a.wav", "-o", "b.wav", "--spec", "spotify"), 2, "more outputs than specs"),
        (("hot.wav", "-o", "x.xyz", "--spec", "spotify"), 5, "x.xyz"),
        (("hot.wav", "-o", "nowhere/x.wav", "--spec", "spotify"), 8, "nowhere"),
        (("none.wav", "-o", "x.wav", "--spec", "spotify"), 8, "none.wav"),
        (("silent.wav", "-o", "x.wav", "--spec", "spotify"), 5, "is silent"),
        (("hot.wav", "-o", "x.wav", "--spec", "spotify", "-s", "nochain.yaml"), 8, "nochain.yaml"),
        (("hot.wav", "-o", "x.wav", "--spec", "spotify", "--tag", "TITLE"), 2, "--tag TITLE="),
        (("hot.wav", "-o", "x.wav", "--spec", "netflix", "--speech", "9-2"), 2, "no range"),
        (("hot.wav", "-o", "x.wav", "--spec", "netflix", "--speech", "silent.wav"), 5, "no dialogue"),
        (("hot.wav", "-o", "x.wav", "--reference", "tiny.wav"), 5, "loud enough"),
        (("hot.wav", "-o", "x.wav", "--reference", "hot.wav", "-s", "chain.yaml"), 2, "chain of its own"),
    ]
    for args, code, words in refused:
        said = rig.err("master", *args, code=None)
        done = rig.mixctl("master", *args, code=None)
        assert done.returncode in (code, {8: 4, 4: 8}.get(code, code)), (args, done.returncode, said)
        assert words in said, (args, said)
        assert not (rig.FOLDER / "x.wav").exists(), args
    assert not rig.leftovers(), rig.leftovers()


def test_a_report():
    wav("hot.wav", music(level=0.25))
    rig.mixctl("master", "hot.wav", "-o", "r.wav", "--spec", "spotify", "--report", "r.html")
    page = (rig.FOLDER / "r.html").read_text()
    assert "spotify" in page and "Loudness over time" in page and "Spectrum" in page, page[:2000]
    assert page.count("<svg") >= 6, page.count("<svg")
    assert json.loads(rig.out("check", "r.wav", "--spec", "spotify", "-o", "json"))


def test_lossy_and_short():
    wav("short.wav", music(seconds=3, level=0.25))
    item = master("short.wav", "-o", "short.mp3", "--target", "-17", "--ceiling", "-1")["items"][0]
    assert abs(item["integrated_lufs"] + 17) <= 0.05 and item["true_peak_dbtp"] <= -1, item


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def chunks(path):
    data, at, found = path.read_bytes(), 12, {}
    while at < len(data):
        name, n = struct.unpack("<4sI", data[at : at + 8])
        found[name + (data[at + 8 : at + 12] if name == b"LIST" else b"")] = data[at + 8 : at + 8 + n]
        at += 8 + n + n % 2
    return found


def test_what_the_input_says_stays_with_it():
    plain = wav("plain.wav", music(seconds=4, level=0.1)).read_bytes()
    bext = b"Interview, roll 7".ljust(256, b"\0") + b"Recorder".ljust(32, b"\0") + b"REF7".ljust(32, b"\0")
    bext += b"2024-05-1712:34:56" + struct.pack("<QH", 48000 * 3600, 1) + bytes(254) + b"A=PCM,F=48000,W=24\r\n"
    cue = struct.pack("<I", 3)
    cue += b"".join(struct.pack("<II4sIII", i, f, b"data", 0, 0, f) for i, f in ((1, 0), (2, 96000), (3, 192000)))
    adtl = b"adtl" + chunk(b"labl", struct.pack("<I", 2) + "Größe\0".encode())
    info = b"INFO" + chunk(b"INAM", "Là où\0".encode()) + chunk(b"ISFT", b"another program\0")
    body = plain[12:] + chunk(b"bext", bext) + chunk(b"cue ", cue) + chunk(b"LIST", adtl) + chunk(b"LIST", info)
    (rig.FOLDER / "told.wav").write_bytes(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body)
    master("told.wav", "-o", "tells.wav", "--target", "-30", "--rate", "44100", "--tag", "ARTIST=Björk")
    found = chunks(rig.FOLDER / "tells.wav")
    cue, bext = found[b"cue "], found[b"bext"]
    assert [struct.unpack("<I", cue[24 + 24 * i : 28 + 24 * i])[0] for i in range(3)] == [0, 88200, 176399], cue
    assert "Größe".encode() in found[b"LISTadtl"]
    assert "Là où".encode() in found[b"LISTINFO"] and "Björk".encode() in found[b"LISTINFO"]
    assert b"another program" not in found[b"LISTINFO"]
    assert bext[:17] == b"Interview, roll 7" and bext[256:264] == b"Recorder" and bext[288:292] == b"REF7"
    assert struct.unpack("<Q", bext[338:346])[0] == 44100 * 3600
    assert abs(struct.unpack("<h", bext[412:414])[0] / 100 + 30) <= 0.06, bext[412:414]
    history = bext[602:].rstrip(b"\0").decode().splitlines()
    assert history[0] == "A=PCM,F=48000,W=24" and history[1].startswith("A=PCM,F=44100"), history


tap.run(globals(), rig.done)
