"""mixctl render: files in, files out; read back by numpy, ffprobe and the wave module."""

import hashlib
import json
import os
import signal
import struct
import subprocess
import time
import wave

import numpy

import rig
import tap

RATE = 48000


def session(name, text):
    (rig.FOLDER / name).write_text("mixd: 1\n" + text)
    return name


WIRE = "nodes:\n  in: {type: input}\n  out: {type: output}\nlinks: [in -> out]\n"
CHAIN = (
    "nodes:\n  in: {type: input}\n  eq: {type: eq, band1: {on: on, type: bell, freq: 3kHz, gain: 4dB}}\n"
    "  comp: {type: comp, threshold: -30dBFS}\n  rev: {type: reverb}\n  lim: {type: limiter, ceiling: -3dBTP}\n"
    "  out: {type: output}\nlinks: [in -> eq -> comp -> rev -> lim -> out]\n"
)


def noise(frames, channels=2, seed=1, level=0.5):
    return numpy.random.default_rng(seed).uniform(-level, level, (frames, channels))


def digest(path):
    return hashlib.sha256((rig.FOLDER / path).read_bytes()).hexdigest()


def probe(path):
    return json.loads(
        rig.tool("ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", path)
    )["streams"][0]


def test_a_wire_is_the_file_to_the_bit():
    session("wire.yaml", WIRE)
    sound = noise(50001)
    for bits in (16, 24, 32):
        rig.write_wav(rig.FOLDER / "a.wav", sound, bits=bits)
        rig.out("render", "wire.yaml", "-i", "a.wav", "-o", "b.wav", "--bits", bits, "--threads", 1)
        given = rig.tool("ffmpeg", "-v", "error", "-i", "a.wav", "-f", "s32le", "-", text=False)
        got = rig.tool("ffmpeg", "-v", "error", "-i", "b.wav", "-f", "s32le", "-", text=False)
        if bits < 32:
            assert got == given, bits
        assert len(got) == len(given), (bits, len(got), len(given))


def test_twice_and_by_any_number_of_threads():
    session("chain.yaml", CHAIN)
    rig.write_wav(rig.FOLDER / "a.wav", noise(6 * RATE))
    for name, threads in (("one", 1), ("two", 2), ("again", 2), ("four", 4)):
        rig.out("render", "chain.yaml", "-i", "a.wav", "-o", name + ".wav", "--bits", 16, "--threads", threads)
    assert len({digest(n + ".wav") for n in ("one", "two", "again", "four")}) == 1
    rig.out("render", "chain.yaml", "-i", "a.wav", "-o", "seed.wav", "--bits", 16, "--seed", 7)
    assert digest("seed.wav") != digest("one.wav"), "dither has a seed"
    assert numpy.abs(rig.read_float(rig.FOLDER / "seed.wav") - rig.read_float(rig.FOLDER / "one.wav")).max() < 2e-4


def test_sixteen_stems_are_their_sum():
    """3 minutes, a linear session: gains, pans, a mono fold and a delay; against double precision."""
    frames, n = 180 * RATE, 16
    gains = [-18 - 0.5 * i for i in range(n)]
    pans = [(-90 + 12 * i) for i in range(n)]
    lines = ["nodes:"]
    for i in range(n):
        pan = f"L{-pans[i]}" if pans[i] < 0 else f"R{pans[i]}" if pans[i] else "C"
        lines += [
            f"  s{i}/in: {{type: input, layout: mono}}",
            f"  s{i}/fader: {{type: gain, gain: {gains[i]}dB}}",
            f"  s{i}/pan: {{type: pan, pan: {pan}}}",
        ]
    lines += [f"  mix: {{type: bus, inputs: {n}}}", "  out: {type: output}", "links:", "  - mix -> out"]
    lines += [f"  - s{i}/in -> s{i}/fader -> s{i}/pan -> mix:in{i + 1}" for i in range(n)]
    session("stems.yaml", "\n".join(lines) + "\n")
    total = numpy.zeros((frames, 2))
    tape = numpy.random.default_rng(5).bytes(3 * frames)
    raw = numpy.frombuffer(tape, "u1").reshape(-1, 3).astype(numpy.int32)
    base = ((raw[:, 0] << 8 | raw[:, 1] << 16 | raw[:, 2] << 24) >> 8) / 2.0**23
    words = []
    for i in range(n):
        place = i * 99991 * 3
        with wave.open(str(rig.FOLDER / f"stem{i}.wav"), "wb") as file:
            file.setparams((1, 3, RATE, frames, "NONE", ""))
            file.writeframes(tape[place:] + tape[:place])
        words += ["-i", f"s{i}/in=stem{i}.wav"]
        mono = numpy.roll(base, -i * 99991)
        angle = (pans[i] / 100 + 1) * numpy.pi / 4
        factor = 10 ** (gains[i] / 20)
        total[:, 0] += mono * (factor * numpy.cos(angle))
        total[:, 1] += mono * (factor * numpy.sin(angle))
    said = rig.ask("render", "stems.yaml", *words, "-o", "mix.wav", "--float", "--tail", "0s")
    assert said["frames"] == frames
    data = (rig.FOLDER / "mix.wav").read_bytes()
    mix = numpy.frombuffer(data, "<f4", offset=data.index(b"data") + 8, count=2 * frames)
    worst = numpy.abs(mix.reshape(-1, 2).astype(numpy.float64) - total).max()
    tap.note(f"16 stems, 3 min: {20 * numpy.log10(worst):.1f} dBFS from the sum, {said['speed']:.0f} x real time")
    assert worst < 1e-6, worst
    for i in range(n):
        (rig.FOLDER / f"stem{i}.wav").unlink()
    (rig.FOLDER / "mix.wav").unlink()


def test_stems_are_what_is_summed():
    session(
        "desk.yaml",
        "nodes:\n  a/in: {type: input}\n  a/fader: {type: gain, gain: -3dB}\n  a/pan: {type: balance}\n"
        "  b/in: {type: input}\n  b/fader: {type: gain, gain: -6dB}\n  fx/in: {type: gain}\n"
        "  fx/rev: {type: reverb, mix: 100%}\n  mix: {type: bus, inputs: 3}\n  lim: {type: limiter}\n"
        "  out: {type: output}\nlinks:\n  - a/in -> a/fader -> a/pan -> mix:in1\n  - b/in -> b/fader -> mix:in2\n"
        "  - {from: a/fader, to: fx/in, level: -6dB}\n  - {from: b/fader, to: fx/in, level: -9dB}\n"
        "  - fx/in -> fx/rev -> mix:in3\n  - mix -> lim -> out\n",
    )
    rig.write_wav(rig.FOLDER / "a.wav", noise(RATE, seed=1, level=0.2))
    rig.write_wav(rig.FOLDER / "b.wav", noise(RATE, seed=2, level=0.2))
    words = ["desk.yaml", "-i", "a/in=a.wav", "-i", "b/in=b.wav", "-o", "mix.wav", "--float", "--threads", 1, "--tail", "1s"]
    said = rig.ask("render", *words, "--stems", "out")
    names = sorted(p.name for p in (rig.FOLDER / "out").iterdir())
    assert names == ["a-fader.wav", "a-pan.wav", "b.wav", "fx.wav"], names
    assert len(said["items"]) == 5
    stems = [rig.read_float(rig.FOLDER / "out" / n) for n in ("a-pan.wav", "b.wav", "fx.wav")]
    mix = rig.read_float(rig.FOLDER / "mix.wav")
    assert len({len(s) for s in stems} | {len(mix)}) == 1
    assert numpy.abs(sum(stems) - mix).max() < 1e-5, "they are the mix, in time"
    before = digest("mix.wav")
    rig.out("render", *words)
    assert digest("mix.wav") == before, "stems change nothing"


def test_a_track_is_one_stem():
    session(
        "pre.yaml",
        "tracks:\n  vox: {layout: mono, file: v.wav, gain: -6dB, pan: L20, sends: {room: {level: -3dB, tap: pre}}}\n"
        "  bed: {file: v.wav, sends: {room: -9dB}}\nbuses: {room: {}, mix: {}}\n",
    )
    rig.write_wav(rig.FOLDER / "v.wav", noise(4800, 1))
    rig.out("render", "pre.yaml", "--stems", "pre", "--float")
    names = sorted(p.name for p in (rig.FOLDER / "pre").iterdir())
    assert names == ["bed.wav", "room.wav", "vox.wav"], names
    vox = rig.read_float(rig.FOLDER / "pre/vox.wav")
    power = numpy.sum(vox**2) / numpy.sum(rig.read_float(rig.FOLDER / "v.wav") ** 2)
    assert abs(10 * numpy.log10(power) + 6) < 0.01, "with its fader and pan"


def test_range_tail_and_times():
    session("chain.yaml", CHAIN)
    rig.write_wav(rig.FOLDER / "a.wav", noise(3 * RATE))
    run = ["render", "chain.yaml", "-i", "a.wav", "--float"]
    rig.out(*run, "-o", "whole.wav", "--tail", "1.5s")
    whole = rig.read_float(rig.FOLDER / "whole.wav")
    assert len(whole) == 4.5 * RATE
    rig.out(*run, "-o", "part.wav", "--start", "500ms", "--end", "0:02")
    assert numpy.array_equal(rig.read_float(rig.FOLDER / "part.wav"), whole[RATE // 2 : 2 * RATE])
    rig.out(*run, "-o", "part.wav", "--start", "500ms", "--end", "+=1.5s")
    assert numpy.array_equal(rig.read_float(rig.FOLDER / "part.wav"), whole[RATE // 2 : 2 * RATE])
    rig.out(*run, "-o", "tail.wav")
    tail = rig.read_float(rig.FOLDER / "tail.wav")
    n = min(len(tail), len(whole))
    assert numpy.array_equal(tail[:n], whole[:n])
    assert len(tail) > 3 * RATE and numpy.abs(tail[-1]).max() > 10 ** (-90 / 20)
    for end in ("0s", "0", "0fr", "start"):
        assert "nothing before 0 s" in rig.err(*run, "-o", "x.wav", "--end", end, code=5), end
    assert "no length" in rig.err(*run, "-o", "x.wav", "--tail", "-1s", code=5)
    assert "not behind the start" in rig.err(*run, "-o", "x.wav", "--start", "2s", "--end", "1s", code=5)
    assert "nothing to render" in rig.err(*run, "-o", "x.wav", "--start", "1:00", code=5)


def test_frames_are_those_of_the_render():
    session("wire.yaml", WIRE)
    sound = noise(3 * 44100)
    rig.write_wav(rig.FOLDER / "a.wav", sound, rate=44100, bits=24)
    cut = ["--start", "12345fr", "--end", "99999fr", "--float"]
    rig.out("render", "wire.yaml", "-i", "a.wav", "-o", "b.wav", *cut)
    whole, part = (rig.read_float(rig.FOLDER / name) for name in ("a.wav", "b.wav"))
    assert numpy.array_equal(part, whole[12345:99999])
    # a session that plays files runs at their rate; at 48 kHz when they differ, or when it is said
    session("play.yaml", "tracks: {a: a.wav}\n")
    rig.out("render", "play.yaml", "-o", "c.wav", *cut)
    assert probe(rig.FOLDER / "c.wav")["sample_rate"] == "44100"
    assert numpy.array_equal(rig.read_float(rig.FOLDER / "c.wav"), whole[12345:99999])
    rig.out("edit", "-f", "play.yaml", "a", "cut", "12345fr")
    rig.out("edit", "-f", "play.yaml", "a", "rm", "1")
    rig.out("render", "play.yaml", "-o", "c.wav", *cut)
    assert numpy.array_equal(rig.read_float(rig.FOLDER / "c.wav"), whole[12345:99999]), "edits count in the same"
    rig.out("render", "play.yaml", "-o", "c.wav", "--graph-rate", "48kHz")
    assert probe(rig.FOLDER / "c.wav")["sample_rate"] == "48000"
    rig.write_wav(rig.FOLDER / "d.wav", noise(4800), rate=32000)
    session("play.yaml", "tracks: {a: a.wav, d: d.wav}\n")
    rig.out("render", "play.yaml", "-o", "c.wav")
    assert probe(rig.FOLDER / "c.wav")["sample_rate"] == "48000"


def test_what_does_nothing_is_said():
    session("wire.yaml", WIRE)
    rig.write_wav(rig.FOLDER / "a.wav", noise(4800))
    run = ["render", "wire.yaml", "-i", "a.wav", "-o"]
    for words, text in (
        (["x.mp3", "--bits", "16"], "--bits does nothing: mp3"),
        (["x.mp3", "--float"], "--float does nothing: mp3"),
        (["x.ogg", "--dither", "shaped"], "--dither does nothing: ogg"),
        (["x.wav", "--float", "--dither", "tpdf"], "--dither does nothing: float"),
        (["x.wav", "--bitrate", "128"], "--bitrate does nothing: wav"),
        (["x.wav", "--quality", "2"], "--quality does nothing: wav"),
    ):
        assert text in rig.mixctl(*run, *words, code=0).stderr, words
    for words in (["x.wav", "-o", "y.mp3", "--bits", "16", "--bitrate", "128"], ["x.wav", "--float", "--bits", "32"]):
        assert "does nothing" not in rig.mixctl(*run, *words, code=0).stderr, words
    session(
        "bands.yaml",
        "nodes:\n  in: {type: input}\n  a: {type: eq, band1: {type: bell, freq: 3kHz, gain: 3dB}, band2: {on: on, gain: 1dB}}\n"
        "  b: {type: dyneq, band1: {on: on}, band3: {gain: 2dB}}\n  out: {type: output}\nlinks: [in -> a -> b -> out]\n",
    )
    run[1] = "bands.yaml"
    said = rig.mixctl(*run, "x.wav", code=0).stderr
    assert "bands.yaml: off, so what is set there is not heard: a.band1, b.band3;" in said, said
    said = rig.mixctl(*run, "x.wav", "--set", "a.band1.on=on", "--set", "b.band3.gain=0dB", code=0).stderr
    assert "not heard" not in said, said
    run[1] = "wire.yaml"
    assert "--float or --bits" in rig.err(*run, "x.wav", "--float", "--bits", "16", code=2)


def test_another_rate_by_soxr():
    session("wire.yaml", WIRE)
    at = numpy.arange(2 * RATE) / RATE
    rig.write_wav(rig.FOLDER / "a.wav", 0.5 * numpy.sin(2 * numpy.pi * 997 * at))
    rig.out("render", "wire.yaml", "-i", "a.wav", "-o", "b.wav", "--rate", "44100Hz", "--float", "--tail", "0s")
    got = rig.read_float(rig.FOLDER / "b.wav")[:, 0]
    assert len(got) == 2 * 44100
    want = 0.5 * numpy.sin(2 * numpy.pi * 997 * numpy.arange(len(got)) / 44100)
    assert numpy.abs(got - want)[2000:-2000].max() < 1e-6
    rig.out("render", "wire.yaml", "-i", "a.wav", "-o", "c.wav", "--graph-rate", "96kHz", "--float", "--tail", "0s")
    got = rig.read_float(rig.FOLDER / "c.wav")[:, 0]
    want = 0.5 * numpy.sin(2 * numpy.pi * 997 * numpy.arange(len(got)) / 96000)
    assert len(got) == 4 * RATE and numpy.abs(got - want)[4000:-4000].max() < 1e-6
    assert probe(rig.FOLDER / "c.wav")["sample_rate"] == "96000"


def test_formats_tags_and_opus_at_its_own_rate():
    session("wire.yaml", WIRE)
    rig.write_wav(rig.FOLDER / "a.wav", noise(RATE, level=0.1), rate=44100)
    words = sum((["-o", f"x.{e}"] for e in ("wav", "flac", "aiff", "mp3", "ogg", "opus", "caf")), [])
    said = rig.ask("render", "wire.yaml", "-i", "a.wav", *words, "--tag", "TITLE=Ein Stück", "--measure", "--tail", "0s")
    rates = {os.path.splitext(i["name"])[1]: i["rate_hz"] for i in said["items"]}
    assert rates.pop(".opus") == 48000 and set(rates.values()) == {44100}
    for item in said["items"]:
        figures = rig.ebur128(item["name"])
        assert abs(item["integrated_lufs"] - figures["i"]) < 0.15, item
    tags = json.loads(rig.tool("ffprobe", "-v", "error", "-show_format", "-of", "json", rig.FOLDER / "x.flac"))
    assert tags["format"]["tags"]["TITLE"] == "Ein Stück"


def test_masks_up_to_twelve_channels():
    """dwChannelMask of WAVE_FORMAT_EXTENSIBLE (Microsoft, ksmedia.h), read by hand."""
    masks = {"stereo": 0x3, "quad": 0x33, "5.1": 0x60F, "7.1": 0x63F, "7.1.4": 0x2D63F, "5.1.4": 0x2D60F}
    others = {"quad": {0x33, 0x603}, "5.1": {0x3F, 0x60F}}
    counts = {"stereo": 2, "quad": 4, "5.1": 6, "7.1": 8, "7.1.4": 12, "5.1.4": 10}
    rig.write_wav(rig.FOLDER / "m.wav", noise(4800, 1))
    for layout, mask in masks.items():
        session("wide.yaml", f"nodes:\n  in: {{type: input, layout: {layout}}}\n  out: {{type: output}}\nlinks: [in -> out]\n")
        rig.out("render", "wide.yaml", "-i", "m.wav", "-o", "w.wav", "--tail", "0s")
        data = (rig.FOLDER / "w.wav").read_bytes()
        at = data.index(b"fmt ") + 8
        tag, channels = struct.unpack_from("<HH", data, at)
        assert channels == counts[layout]
        if layout == "stereo":
            continue
        got = struct.unpack_from("<I", data, at + 20)[0]
        assert tag == 0xFFFE and got in others.get(layout, {mask}), (layout, hex(tag), hex(got))


def test_players_say_how_long_it_is():
    (rig.FOLDER / "songs").mkdir(exist_ok=True)
    sound = noise(RATE)
    rig.write_wav(rig.FOLDER / "songs" / "take.wav", sound)
    session(
        "songs/song.yaml",
        'nodes:\n  p: {type: player, layout: stereo, clips: "[{file: take.wav, at: 500ms}]"}\n'
        "  out: {type: output}\nlinks: [p -> out]\n",
    )
    said = rig.ask("render", "songs/song.yaml", "-o", "song.wav", "--float", cwd=rig.FOLDER)
    assert said["frames"] == RATE * 3 // 2, said
    got = rig.read_float(rig.FOLDER / "song.wav")
    assert not got[: RATE // 2].any()
    assert numpy.array_equal(got[RATE // 2 :], rig.read_float(rig.FOLDER / "songs" / "take.wav"))
    rig.out("render", "songs/song.yaml", "-o", "cut.wav", "--float", "--end", "1s", "--tail", "200ms")
    cut = rig.read_float(rig.FOLDER / "cut.wav")
    assert len(cut) == RATE * 12 // 10 and numpy.array_equal(cut[:RATE], got[:RATE])
    assert not cut[RATE + RATE // 50 :].any(), "players stop at the end of the range"


def test_markers_become_cue_points():
    session("marks.yaml", "markers: {intro: 0s, verse: 1s, chorus: 2.5s, end: 4s}\ntracks: {a: a.wav}\n")
    rig.write_wav(rig.FOLDER / "a.wav", noise(5 * RATE))
    words = ["--start", "500ms", "--end", "4s", "--markers", "--rate", "44100Hz"]
    said = rig.mixctl("render", "marks.yaml", "-o", "m.wav", "-o", "m.mp3", "-o", "m.w64", *words, code=0)
    assert "w64 has no place for chapters" in said.stderr
    data = (rig.FOLDER / "m.wav").read_bytes()
    at = data.index(b"cue ")
    (n,) = struct.unpack_from("<I", data, at + 8)
    assert [struct.unpack_from("<I", data, at + 32 + 24 * k)[0] for k in range(n)] == [22050, 88200]
    assert b"verse\0" in data and b"chorus\0" in data and b"intro" not in data
    show = ("ffprobe", "-v", "error", "-show_chapters", "-of", "json", "m.mp3")
    chapters = json.loads(rig.tool(*show))["chapters"]
    assert [(c["tags"]["title"], float(c["start_time"]), float(c["end_time"])) for c in chapters] == [
        ("verse", 0.5, 2.0), ("chorus", 2.0, 3.5)
    ]  # fmt: skip
    rig.out("render", "marks.yaml", "-o", "m.wav", "--end", "1s")
    assert b"cue " not in (rig.FOLDER / "m.wav").read_bytes(), "only when asked for"


def test_a_recorder_writes_beside_the_session():
    (rig.FOLDER / "desk").mkdir()
    rig.write_wav(rig.FOLDER / "desk/a.wav", noise(RATE))
    session(
        "desk/rec.yaml",
        "tracks: {a: {file: a.wav, bus: rec}}\nnodes:\n  rec: {type: recorder, record: on, bits: \"32\"}\n"
        "  two: {type: recorder, record: on, file: takes/b.wav}\n  out: {type: output}\nlinks: [rec -> two -> out]\n",
    )
    rig.out("render", "desk/rec.yaml", "-o", "out.wav", "--float", "--tail", "0s")
    assert numpy.array_equal(rig.read_float(rig.FOLDER / "desk/take-001.wav"), rig.read_float(rig.FOLDER / "out.wav"))
    assert (rig.FOLDER / "desk/takes/b.wav").exists()


def test_a_recorder_begins_a_file_at_a_marker():
    (rig.FOLDER / "parts").mkdir()
    rig.write_wav(rig.FOLDER / "parts/a.wav", noise(4 * RATE))
    session(
        "parts/rec.yaml",
        "markers: {verse: 1.5s, chorus: 3s}\ntracks: {a: {file: a.wav, strip: [comp, {type: recorder, record: on, "
        'bits: "32", split_marker: on, file: "{n}-{marker}.wav"}]}}\n',
    )
    rig.out("render", "parts/rec.yaml", "-o", "a=parts.wav", "--float", "--tail", "0s")
    whole = rig.read_float(rig.FOLDER / "parts.wav")
    names = ["001-start.wav", "002-verse.wav", "003-chorus.wav"]
    found = [rig.read_float(rig.FOLDER / "parts" / name) for name in names]
    assert sorted(path.name for path in (rig.FOLDER / "parts").glob("0*.wav")) == names
    assert [len(part) for part in found] == [1.5 * RATE, 1.5 * RATE, RATE], [len(part) for part in found]
    assert numpy.array_equal(numpy.concatenate(found), whole)


def test_meters_and_what_is_said():
    session(
        "meter.yaml",
        "nodes:\n  in: {type: input}\n  m: {type: loudness}\n  g: {type: gain, gain: 12dB}\n  out: {type: output}\n"
        "links: [in -> m, in -> g -> out]\n",
    )
    rig.write_wav(rig.FOLDER / "a.wav", noise(3 * RATE))
    done = rig.mixctl("render", "meter.yaml", "-i", "a.wav", "-o", "b.wav", "--tail", "0s", "--meter", "m.i", "-o", "json")
    said = json.loads(done.stdout)
    assert abs(said["meters"]["m.i"] - rig.ebur128(rig.FOLDER / "a.wav")["i"]) < 0.11
    assert said["items"][0]["clipped_samples"] > 1000 and "over full scale" in done.stderr
    text = rig.out("render", "meter.yaml", "-i", "a.wav", "-o", "b.wav", "--set", "g.gain=0dB", "--measure")
    assert "times real time" in text and "LUFS" in text and "dBTP" in text and "over" not in text


def test_refusals():
    session("wire.yaml", WIRE)
    rig.write_wav(rig.FOLDER / "a.wav", noise(4800))
    rig.write_wav(rig.FOLDER / "six.wav", noise(4800, 6))
    (rig.FOLDER / "link.wav").symlink_to("a.wav")
    cases = [
        (["nosuch.yaml", "-o", "x.wav"], 4, "nosuch.yaml"),
        (["wire.yaml", "-i", "a.wav"], 2, "nothing to write"),
        (["wire.yaml", "-i", "nosuch.wav", "-o", "x.wav"], 4, "nosuch.wav"),
        (["wire.yaml", "-i", "wire.yaml", "-o", "x.wav"], 5, "wire.yaml"),
        (["wire.yaml", "-i", "inn=a.wav", "-o", "x.wav"], 4, "inn"),
        (["wire.yaml", "-i", "out=a.wav", "-o", "x.wav"], 5, "not an input"),
        (["wire.yaml", "-i", "a.wav", "-o", "nix/x.wav"], 4, "nix"),
        (["wire.yaml", "-i", "a.wav", "-o", "x.xyz"], 5, "xyz"),
        (["wire.yaml", "-i", "a.wav", "-o", "x.wav", "-o", "out=./x.wav"], 6, "two outputs"),
        (["wire.yaml", "-i", "a.wav", "-o", "./wire.yaml", "--format", "wav"], 6, "is the session, and would be replaced"),
        (["wire.yaml", "-i", "a.wav", "-o", "out=link.wav"], 6, "is an input, and would be replaced"),
        (["wire.yaml", "-i", "a.wav", "-o", "x.wav", "-o", "out=x.wav"], 6, "two outputs"),
        (["wire.yaml", "-i", "a.wav", "-o", "x.wav", "--bits", "20"], 2, "--bits"),
        (["wire.yaml", "-i", "a.wav", "-o", "x.mp3", "--bitrate", "192kbps", "--quality", "2"], 2, "--quality"),
        (["wire.yaml", "-i", "a.wav", "-o", "x.wav", "--tag", "TITLE"], 2, "--tag"),
        (["wire.yaml", "-i", "a.wav", "-o", "x.wav", "--set", "in.gain=1"], 4, "in.gain"),
        (["wire.yaml", "-i", "a.wav", "--stems", "s"], 5, "no stems"),
        (["wire.yaml", "-o", "x.wav"], 5, "--end"),
        (["wire.yaml", "-i", "six.wav", "-o", "x.wav", "--set", "in.layout=stereo"], 5, "has 2 channels"),
        (["wire.yaml", "-i", "a.wav", "-o", "x.wav", "--meter", "in.nix"], 4, "nix"),
    ]
    for words, code, text in cases:
        (rig.FOLDER / "x.wav").unlink(missing_ok=True)
        said = rig.mixctl("render", *words, code=code)
        assert text in said.stderr, (words, said.stderr)
        assert code is None or not (rig.FOLDER / "x.wav").exists(), words
    rig.write_wav(rig.FOLDER / "v.wav", noise(4800, 1))
    tracks = "tracks:\n  vox: {file: v.wav, strip: [eq]}\n"
    for text, words, code, wanted in (
        ("tracks: {vox: nosuch.wav, b: v.wav}\nbuses: {mix: {}}\n", ["--stems", "new"], 4, ("vox/player", "beside the session file", str(rig.FOLDER))),
        (tracks, ["-o", "x.wav", "--set", "vox.gain=1dB"], 4, ("its nodes are vox/eq, vox/fader, vox/player",)),
        (tracks + "envelopes: [{address: vox/fader.gain, on: timeline, points: [vers=0dB]}]\nmarkers: {verse: 1s}\n",
         ["-o", "x.wav"], 5, ("bad.yaml:4:", "neither a time nor a marker", "did you mean \"verse\"")),
        ("markers: {a: 44100fr}\n" + tracks, ["-o", "x.wav"], 5, ("bad.yaml:2:14", "no rate", "in seconds")),
        (tracks + "buses: {mix: {layout: 5.1}}\n", ["-o", "x.wav"], 5, ("does not fit", "layout: 5.1")),
        (tracks + "  b: v.wav\nbuses: {mix: {}}\n", ["-o", "new/vox.wav", "--stems", "new"], None, ("folder is not there",)),
        (tracks + "  b: v.wav\nbuses: {mix: {}}\n", ["-o", "x.wav", "-o", "b=s/vox.wav", "--stems", "s"], 6, ("two outputs", "one is a stem")),
    ):  # fmt: skip
        session("bad.yaml", text)
        (rig.FOLDER / "s").mkdir(exist_ok=True)
        said = rig.mixctl("render", "bad.yaml", *words, code=code).stderr
        assert all(word in said for word in wanted), (text, said)
        assert not (rig.FOLDER / "new").exists(), "a folder for nothing"
    session("bad.yaml", "nodes:\n  in: {type: input}\n  g: {type: gian}\n")
    said = rig.err("render", "bad.yaml", "-i", "a.wav", "-o", "x.wav", code=5)
    assert "bad.yaml:4:" in said and "gain" in said
    assert not rig.leftovers(), rig.leftovers()


def test_cancelled_at_any_time_there_is_no_file():
    session("chain.yaml", CHAIN)
    rig.write_wav(rig.FOLDER / "a.wav", noise(20 * RATE))
    (rig.FOLDER / "old.wav").write_bytes(b"as it was")
    for delay in (0.02, 0.05, 0.1, 0.2):
        process = subprocess.Popen(
            [rig.MIXCTL, "render", "chain.yaml", "-i", "a.wav", "-o", "old.wav", "-o", "new.flac"],
            cwd=rig.FOLDER, env=rig.ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(delay)  # any time will do
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30 * rig.PATIENCE)
        assert process.returncode in (130, -signal.SIGINT, 0), (process.returncode, said)
        if process.returncode:
            assert (rig.FOLDER / "old.wav").read_bytes() == b"as it was"
            assert not (rig.FOLDER / "new.flac").exists()
        else:
            (rig.FOLDER / "old.wav").write_bytes(b"as it was")
            (rig.FOLDER / "new.flac").unlink()
        assert not rig.leftovers(), rig.leftovers()


tap.run(globals(), rig.done)
