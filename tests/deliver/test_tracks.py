#!/usr/bin/env python3
"""A multitrack as a page of YAML: what tracks render to, by a sum of the test's own, and that edits that change
nothing change no bit.

Environment: as rig.py.
"""

import numpy
import rig
import tap
from rig import FOLDER, mixctl

RATE = 48000
NOISE = numpy.random.default_rng(7)

SONG = """mixd: 1
markers: {{verse: 0.75s}}
tracks:
  one: {{clips: [{one}], gain: -3dB}}
  two: {{clips: [{{file: two.wav, at: 0.5s, offset: 100ms, length: 700ms, gain: -6dB}}, {{file: two.wav, at: 1.1s, reverse: on}}], bus: band}}
  three: {{file: three.wav, gain: -12dB, sends: {{band: -20dB}}}}
  off: {{file: one.wav, mute: on}}
  left: {{file: one.wav, bus: none}}
buses:
  mix: {{}}
  band: {{gain: -1dB}}
"""
ONE = "{file: one.wav, at: 0.25s, name: lead}"


def sounds():
    """Two mono files and a stereo one, on the grid of 24 bits."""
    made = {}
    for name, seconds, channels in (("one", 1.5, 1), ("two", 1.0, 1), ("three", 2.0, 2)):
        noise = NOISE.uniform(-0.5, 0.5, (int(seconds * RATE), channels))
        rig.write_wav(FOLDER / f"{name}.wav", noise, RATE)
        made[name] = numpy.rint(noise * 2**23) / 2**23
    return made


FILES = sounds()


def render(name="mix.wav", song=None):
    if song is not None:
        (FOLDER / "song.yaml").write_text(song, encoding="utf-8")
    mixctl("render", "song.yaml", "-o", name, "--float", "--quiet")
    return rig.read_float(FOLDER / name)


def gain(db):
    return 10 ** (db / 20)


def put(into, sound, at, factor):
    at = round(at * RATE)
    end = min(at + len(sound), len(into))
    into[at:end] += sound[: end - at] * factor


def difference_db(a, b):
    n = min(len(a), len(b))
    rest = numpy.concatenate([a[n:].ravel(), b[n:].ravel(), [0.0]])
    worst = max(numpy.abs(a[:n] - b[:n]).max(), numpy.abs(rest).max())
    return 20 * numpy.log10(worst) if worst > 0 else -numpy.inf


def test_tracks_render_to_their_sum():
    got = render(song=SONG.format(one=ONE))
    wanted = numpy.zeros((len(got), 2))
    put(wanted, FILES["one"], 0.25, gain(-3))
    band = numpy.zeros_like(wanted)
    put(band, FILES["two"][4800 : 4800 + 33600], 0.5, gain(-6))
    put(band, FILES["two"][::-1], 1.1, 1)
    put(band, FILES["three"], 0, gain(-12 - 20))
    put(wanted, FILES["three"], 0, gain(-12))
    wanted += band * gain(-1)
    assert len(got) >= round(2.1 * RATE), len(got)
    away = difference_db(got, wanted)
    tap.note(f"{away:.1f} dBFS from the sum in double precision")
    assert away < -120, away


def test_a_cut_changes_no_bit():
    before = render(song=SONG.format(one=ONE))
    for words in (("one", "cut", "verse"), ("one", "cut", "0:01.2"), ("two", "cut", "1.61234s"), ("three", "cut", "33333fr")):
        mixctl("edit", "-f", "song.yaml", *words)
    text = (FOLDER / "song.yaml").read_text()
    assert text.count("file: one.wav") == 5 and text.count("file: three.wav") == 2, text
    after = render("cut.wav")
    assert numpy.array_equal(before, after), difference_db(before, after)


def test_a_deletion_is_a_splice():
    (FOLDER / "song.yaml").write_text("mixd: 1\ntracks: {one: one.wav}\n", encoding="utf-8")
    mixctl("edit", "-f", "song.yaml", "one", "delete", "0.5s", "0.75s", "--ripple", "--fade", "0s")
    got = render()
    one = numpy.repeat(FILES["one"], 2, axis=1)
    wanted = numpy.concatenate([one[:24000], one[36000:]])
    assert difference_db(got[: len(wanted)], wanted) < -140
    # with a fade the joint is a crossfade; what is 5 ms before and behind it is as it was
    (FOLDER / "song.yaml").write_text("mixd: 1\ntracks: {one: one.wav}\n", encoding="utf-8")
    mixctl("edit", "-f", "song.yaml", "one", "delete", "0.5s", "0.75s", "--ripple")
    got = render()
    for part in (slice(0, 24000 - 240), slice(24000, len(wanted))):
        assert difference_db(got[part], wanted[part]) < -140
    joint = got[24000 - 240 : 24000, 0]
    assert numpy.abs(joint).max() < 1.0 and numpy.abs(joint - wanted[24000 - 240 : 24000, 0]).max() > 1e-3


def test_envelopes_follow_the_time_line():
    song = """mixd: 1
tracks: {t: {clips: [{file: flat.wav, at: 0s}]}}
envelopes:
  - {address: t/fader.gain, on: timeline, curve: log, points: [0s=-20dB, 1s=-20dB, 2s=0dB]}
"""
    rig.write_wav(FOLDER / "flat.wav", numpy.full((3 * RATE, 1), 0.5), RATE)
    got = render(song=song)
    for at_s, db in ((0.5, -20), (0.99, -20), (1.5, -10), (1.75, -5), (2.5, 0)):
        level = 20 * numpy.log10(got[round(at_s * RATE), 0] / 0.5)
        assert abs(level - db) < 0.2, (at_s, level, db)
    # from a place on the time line it is the value of that place
    mixctl("render", "song.yaml", "-o", "part.wav", "--float", "--start", "1.5s", "--quiet")
    part = rig.read_float(FOLDER / "part.wav")
    assert abs(20 * numpy.log10(part[4800, 0] / 0.5) + 8) < 0.3, part[4800, 0]


def test_tracks_and_buses_have_names_and_markers_are_times():
    whole = render(song=SONG.format(one=ONE))
    rig.out("render", "song.yaml", "-o", "mix=bus.wav", "-o", "one=track.wav", "-o", "one/fader=node.wav",
            "-o", "band=band.wav", "--float")  # fmt: skip
    assert difference_db(rig.read_float(FOLDER / "bus.wav"), whole) == -numpy.inf
    track, node = (rig.read_float(FOLDER / f"{name}.wav") for name in ("track", "node"))
    assert difference_db(track, node) == -numpy.inf and numpy.abs(track).max() > 0.1
    assert numpy.abs(rig.read_float(FOLDER / "band.wav")).max() > 0.1
    rig.out("render", "song.yaml", "-o", "part.wav", "--float", "--start", "verse", "--end", "1.25", "--tail", "0s")
    part = rig.read_float(FOLDER / "part.wav")
    assert len(part) == RATE // 2, len(part)
    assert difference_db(part, whole[36000:60000]) == -numpy.inf
    rig.out("render", "song.yaml", "-o", "part.wav", "--float", "--end", "verse", "--tail", "0s")
    assert difference_db(rig.read_float(FOLDER / "part.wav"), whole[:36000]) == -numpy.inf
    for words, hint in (
        (("-o", "x.wav", "--start", "vers"), 'did you mean "verse"'),
        (("-o", "x.wav", "--end", "chorus"), "name of a marker"),
        (("-o", "bend=x.wav"), "the output is out"),
    ):
        said = rig.err("render", "song.yaml", *words, code=4)
        assert hint in said, said
    assert not (FOLDER / "x.wav").exists()


def test_sixty_four_stems_are_a_page():
    lines = ["mixd: 1", "tracks:"]
    for i in range(64):
        lines.append(
            f"  s{i}: {{file: {('one', 'two')[i % 2]}.wav, strip: [{{type: eq, band1: {{freq: {80 + i}Hz}}}}, comp],"
            f" gain: -{20 + i % 9}dB, pan: L{i}, sends: {{fx: -20dB}}}}"
        )
    lines += ["buses: {mix: {}, fx: {}}", ""]
    got = render(song="\n".join(lines))
    assert len(got) >= 1.5 * RATE and numpy.isfinite(got).all() and numpy.abs(got).max() > 0.01


def test_a_file_that_ends_early_is_no_silence():
    whole = (FOLDER / "three.wav").read_bytes()
    for name, rate in (("cut.wav", RATE), ("cut2.wav", 44100)):
        rig.write_wav(FOLDER / name, NOISE.uniform(-0.5, 0.5, (2 * rate, 2)), rate)
        data = (FOLDER / name).read_bytes()
        (FOLDER / name).write_bytes(data[: len(data) // 2])
        (FOLDER / "cut.yaml").write_text(f"mixd: 1\ntracks: {{a: {name}, b: three.wav}}\n")
        said = rig.err("render", "cut.yaml", "-o", "cut-out.wav", code=5)
        assert "a/player: cannot read one of its files to the end" in said, said
        assert not (FOLDER / "cut-out.wav").exists()
    assert (FOLDER / "three.wav").read_bytes() == whole


def test_a_recorder_that_cannot_write_ends_the_render():
    (FOLDER / "rec.yaml").write_text(
        "mixd: 1\ntracks: {a: {file: three.wav, strip: [{type: recorder, file: /proc/none/x.wav, record: on}]}}\n"
    )
    said = rig.err("render", "rec.yaml", "-o", "rec-out.wav", code=8)
    assert "cannot write" in said and not (FOLDER / "rec-out.wav").exists(), said


tap.run(globals(), rig.done)
