"""mixctl measure: 20 programmes of 9 kinds beside ffmpeg's ebur128, what is printed, what is refused."""

import csv
import io
import json
import math
import os
import re
from concurrent.futures import ThreadPoolExecutor

import numpy
from scipy import signal

import rig
import tap

RATE = 48000
RNG = numpy.random.default_rng(20)


def noise(n, channels=2):
    return RNG.uniform(-1, 1, (n, channels))


def pink(n):
    shape = 1 / numpy.sqrt(numpy.maximum(1, numpy.arange(n // 2 + 1)))
    spectrum = RNG.normal(size=n // 2 + 1) + 1j * RNG.normal(size=n // 2 + 1)
    x = numpy.fft.irfft(shape * spectrum, n)
    return x / numpy.abs(x).max()


def envelope(n, steps_s, lowest_db):
    """Levels that change every STEPS_S seconds, without steps in the wave."""
    points = RNG.uniform(lowest_db, 0, int(n / RATE / steps_s) + 2)
    at = numpy.arange(n) / RATE / steps_s
    return 10 ** (numpy.interp(at, numpy.arange(len(points)), points) / 20)


def syllables(n):
    """A buzz through two resonances, four times a second, with pauses."""
    t = numpy.arange(n) / RATE
    pitch = 120 * (1 + 0.1 * numpy.sin(2 * numpy.pi * 0.7 * t))
    x = signal.sawtooth(2 * numpy.pi * numpy.cumsum(pitch) / RATE)
    y = 0
    for hz, q in ((600, 6), (1700, 8)):
        b, a = signal.iirpeak(hz, q, fs=RATE)
        y = y + signal.lfilter(b, a, x)
    gate = numpy.maximum(0, numpy.sin(2 * numpy.pi * 2 * t)) * (numpy.sin(0.9 * t) > -0.6)
    return 0.6 * y / numpy.abs(y).max() * gate


def programme(kind, n):
    t = numpy.arange(n) / RATE
    two = numpy.ones((1, 2))
    if kind == "sine":
        return 0.3 * numpy.sin(2 * numpy.pi * RNG.uniform(60, 6000) * t)[:, None] * two
    if kind == "sweep":
        return 0.5 * signal.chirp(t, 30, t[-1], 18000, "log")[:, None] * two
    if kind == "white":
        return 0.2 * noise(n)
    if kind == "pink":
        return numpy.stack([0.7 * pink(n), 0.4 * pink(n)], 1)
    if kind == "dynamic":
        return 0.8 * noise(n) * envelope(n, 2.5, -50)[:, None]
    if kind == "speech":
        return syllables(n)[:, None] * two
    if kind == "chords":
        x = sum(numpy.sin(2 * numpy.pi * 55 * h * t + h * h) / h for h in range(1, 40))
        return numpy.stack([x, numpy.roll(x, 700)], 1) * 0.2 * envelope(n, 1.1, -20)[:, None]
    if kind == "drums":
        hit = numpy.exp(-12 * (t % 0.5))[:, None]
        return numpy.clip(1.6 * hit * noise(n), -0.95, 0.95)
    x = 0.2 * noise(n, 6) * envelope(n, 3, -30)[:, None]  # surround
    x[:, 3] *= 3
    return x


KINDS = ("sine", "sweep", "white", "pink", "dynamic", "speech", "chords", "drums", "surround")


def programmes():
    """Made once: path, name."""
    if not programmes.made:
        for k in range(20):
            kind = KINDS[k % len(KINDS)]
            path = rig.FOLDER / f"{k:02}-{kind}.wav"
            x = programme(kind, RATE * (12 + k // 2))
            fade = numpy.linspace(0, 1, 960)[:, None]
            x[:960] *= fade
            x[-960:] *= fade[::-1]
            rig.write_wav(path, x)
            programmes.made.append(path)
    return programmes.made


programmes.made = []


def test_loudness_beside_ffmpeg():
    paths = programmes()
    items = rig.ask("measure", *paths)["items"]
    worst = {"i": 0.0, "lra": 0.0, "peak": 0.0}
    with ThreadPoolExecutor(2) as pool:
        wanted = list(pool.map(rig.ebur128, paths))
    for path, item, want in zip(paths, items, wanted):
        assert item["file"] == str(path)
        worst["i"] = max(worst["i"], abs(item["integrated_lufs"] - want["i"]))
        worst["lra"] = max(worst["lra"], abs(item["range_lu"] - want["lra"]))
        worst["peak"] = max(worst["peak"], abs(item["true_peak_dbtp"] - want["peak"]))
        assert abs(item["integrated_lufs"] - want["i"]) <= 0.1, (path, item, want)
        # ffmpeg counts windows of 3 s that began before the programme; exact: the next test.
        assert abs(item["range_lu"] - want["lra"]) <= 1.0, (path, item, want)
        # ffmpeg's peak is that of 4 points per sample, and of another filter.
        assert abs(item["true_peak_dbtp"] - want["peak"]) <= 0.8, (path, item, want)
    tap.note(f"worst difference: I {worst['i']:.3f} LU, LRA {worst['lra']:.3f} LU, "
             f"true peak {worst['peak']:.3f} dB")


def k_weighted(x):
    shelf = ([1.53512485958697, -2.69169618940638, 1.19839281085285],
             [1, -1.69065929318241, 0.73248077421585])
    high = ([1, -2, 1], [1, -1.99004745483398, 0.99007225036621])
    return signal.lfilter(*high, signal.lfilter(*shelf, x, axis=0), axis=0)


def test_loudness_by_the_recommendation():
    """BS.1770-4 and Tech 3342 written out, in double, from the coefficients as printed."""
    for path in programmes()[3:9]:
        x = rig.read_float(path)
        weights = [1, 1, 1, 0, 1.41, 1.41][: x.shape[1]] if x.shape[1] > 2 else [1, 1]
        power = (k_weighted(x) ** 2) @ numpy.array(weights)
        total = numpy.concatenate(([0], numpy.cumsum(power)))

        def means(length, hop):
            ends = numpy.arange(length, len(power) + 1, hop)
            return (total[ends] - total[ends - length]) / length

        def lufs(energy):
            return -0.691 + 10 * numpy.log10(numpy.maximum(energy, 1e-15))

        blocks = means(19200, 4800)
        loud = blocks[lufs(blocks) > -70]
        gated = loud[lufs(loud) > lufs(loud.mean()) - 10]
        shortterm = means(144000, 4800)
        s = shortterm[lufs(shortterm) > -70]
        s = numpy.sort(lufs(s[lufs(s) > lufs(s.mean()) - 20]))
        spread = s[int((len(s) - 1) * 0.95 + 0.5)] - s[int((len(s) - 1) * 0.1 + 0.5)]
        item = rig.ask("measure", path)["items"][0]
        assert abs(item["integrated_lufs"] - lufs(gated.mean())) < 0.01, path
        assert abs(item["range_lu"] - spread) < 0.045, path
        assert abs(item["momentary_max_lufs"] - lufs(means(19200, 480).max())) < 1e-4
        assert abs(item["shortterm_max_lufs"] - lufs(means(144000, 480).max())) < 1e-4


LOW = signal.ellip(10, 0.1, 80, 18000, fs=RATE, output="sos")


def test_true_peak_by_a_finer_meter():
    """32 points per sample, by a transform of the whole: no filter at all."""
    for path in programmes()[:8]:
        x = signal.sosfilt(LOW, rig.read_float(path)[:24768], axis=0)
        x[-960:] *= numpy.linspace(1, 0, 960)[:, None]
        x = numpy.pad(x, ((4000, 4000), (0, 0)))
        short = rig.write_wav(rig.FOLDER / "short.wav", x)
        fine = signal.resample(rig.read_float(short), 32 * len(x), axis=0)
        want = 20 * math.log10(numpy.abs(fine).max())
        item = rig.ask("measure", short, "--only", "peaks")["items"][0]
        # A grid of 8 reads up to 0.1 dB low at 18 kHz.
        assert -0.12 < item["true_peak_dbtp"] - want < 0.03, (path, item["true_peak_dbtp"], want)


def test_table_details_and_formats():
    paths = programmes()[:3]
    table = rig.out("measure", *paths, "--album").splitlines()
    assert table[0].split()[:3] == ["FILE", "LENGTH", "LUFS"] and len(table) == 5
    assert max(map(len, table)) <= 120 and table[-1].startswith("all together")
    one = rig.out("measure", paths[0])
    for word in ("integrated", "true peak", "dBTP", "RMS", "clipped runs", "24 bits"):
        assert word in one, one
    assert rig.out("measure", *paths, "-v").count("integrated") == 3
    whole = rig.ask("measure", *paths, "--album")
    assert whole["schema"] == 1 and len(whole["items"]) == 3 and "integrated_lufs" in whole["album"]
    rows = list(csv.DictReader(io.StringIO(rig.out("measure", *paths, "-o", "csv"))))
    for row, item in zip(rows, whole["items"]):
        assert row["file"] == item["file"]
        assert float(row["integrated_lufs"]) == item["integrated_lufs"]
    assert json.loads(rig.out("measure", paths[0], "-o", "jsonl").splitlines()[-1])["items"]


def test_channels_that_are_wrong_are_told():
    x = programme("white", 2 * RATE)[:, :1] * 0.5
    kinds = {"left": [0, 1], "right": [1, 0], "turned": [1, -1], "both": [1, 1], "mono": [1]}
    for name, gains in kinds.items():
        rig.write_wav(rig.FOLDER / f"{name}.wav", x * gains)
    rig.write_wav(rig.FOLDER / "offset.wav", x * [1, 1] + [0, 0.02])
    rig.write_wav(rig.FOLDER / "faint.wav", 10 ** (-75 / 20) * noise(2 * RATE), bits=24)
    names = [f"{name}.wav" for name in (*kinds, "offset", "faint")]
    table = rig.out("measure", *names).splitlines()[1:]
    ends = [line[91:].strip() for line in table]
    assert ends == ["left is silent", "right is silent", "cancels in mono", "", "", "DC", ""], table
    assert "look for turned polarity" in rig.out("measure", "turned.wav")


def test_other_streams_are_told():
    """A film with two languages, a take of eight mono tracks: what is measured is one of them."""
    rig.write_wav(rig.FOLDER / "tone.wav", programme("sine", 2 * RATE))
    for name, inputs in (("one.mka", ["-i", "tone.wav"]), ("two.mka", ["-i", "tone.wav", "-i", "tone.wav", "-map", 1])):
        rig.tool("ffmpeg", "-v", "error", "-y", *inputs, "-map", 0, "-c:a", "flac", name)
    for verb in (("measure",), ("check", "--spec", "youtube"), ("master", "--target", -20, "-o", "t.wav")):
        said = rig.mixctl(verb[0], "two.mka", *verb[1:], code=None).stderr
        if "mixd-av" in said:
            return  # FFmpeg was not there to be built with
        assert "has 2 streams of sound" in said, (verb, said)
    assert "streams" not in rig.mixctl("measure", "one.mka").stderr


def test_long_names_keep_the_table_straight():
    path = rig.FOLDER / ("ein sehr langer Name mit Ümlauten und <Zeichen> & mehr" + ".wav")
    rig.write_wav(path, programme("white", RATE))
    table = rig.out("measure", path, programmes()[0]).splitlines()
    assert max(map(len, table)) <= 120
    assert table[1].index("0:01") + len("0:01") == table[0].index("LENGTH") + len("LENGTH")


def test_equal_names_of_two_folders():
    for disc in ("disc1", "disc2"):
        (rig.FOLDER / disc).mkdir()
        rig.write_wav(rig.FOLDER / disc / "01.wav", programme("white", RATE))
    rows = rig.out("measure", "disc1/01.wav", "disc2/01.wav", programmes()[0]).splitlines()[1:]
    assert [row.split()[0] for row in rows] == ["disc1/01.wav", "disc2/01.wav", programmes()[0].name], rows


def test_only_what_was_asked_for():
    item = rig.ask("measure", programmes()[0], "--only", "peaks")["items"][0]
    assert item["integrated_lufs"] is None and item["true_peak_dbtp"] is not None
    item = rig.ask("measure", programmes()[0], "--only", "loudness,levels")["items"][0]
    assert item["true_peak_dbtp"] is None and item["rms_dbfs"] is not None
    item = rig.ask("measure", programmes()[0], "--only", "series")["items"][0]
    assert len(item["momentary_lufs"]) == 120 and item["series_hz"] == 10
    assert "did you mean loudness" in rig.err("measure", programmes()[0], "--only", "loudnes", code=2)


def test_a_part_of_a_file():
    x = numpy.concatenate([0.5 * programme("white", RATE * 4), 0.05 * programme("white", RATE * 6)])
    path = rig.write_wav(rig.FOLDER / "part.wav", x)
    late = rig.write_wav(rig.FOLDER / "late.wav", x[RATE * 5 :])
    part = rig.ask("measure", path, "--start", "5s")["items"][0]
    whole = rig.ask("measure", late)["items"][0]
    for key in ("integrated_lufs", "true_peak_dbtp", "rms_dbfs", "duration_s"):
        assert part[key] == whole[key], key
    assert rig.ask("measure", path, "--start", "1s", "--end", "0:02.5")["items"][0]["frames"] == 72000
    assert "before it starts" in rig.err("measure", path, "--start", "5s", "--end", "4s", code=5)
    assert "nothing from 11 s" in rig.err("measure", path, "--start", "11s", code=5)


def test_dual_mono_and_album():
    mono = rig.write_wav(rig.FOLDER / "mono.wav", 0.5 * programme("white", RATE * 4)[:, 0])
    one = rig.ask("measure", mono)["items"][0]["integrated_lufs"]
    two = rig.ask("measure", mono, "--dual-mono")["items"][0]["integrated_lufs"]
    assert abs(two - one - 10 * math.log10(2)) < 1e-5
    paths = programmes()[4:6]
    both = numpy.concatenate([rig.read_float(path) for path in paths])
    joined = rig.ask("measure", rig.write_wav(rig.FOLDER / "joined.wav", both))["items"][0]
    album = rig.ask("measure", *paths, "--album")["album"]
    assert abs(album["integrated_lufs"] - joined["integrated_lufs"]) < 0.05
    assert album["true_peak_dbtp"] == max(
        item["true_peak_dbtp"] for item in rig.ask("measure", *paths)["items"]
    )


def test_dialogue_by_ranges_and_by_a_stem():
    voice = syllables(RATE * 30)
    voice[: RATE * 8] = 0
    voice[RATE * 20 :] = 0
    bed = 0.05 * programme("white", RATE * 30)
    mix = rig.write_wav(rig.FOLDER / "mix.wav", bed + voice[:, None])
    stem = rig.write_wav(rig.FOLDER / "stem.wav", voice)
    ranges = rig.ask("measure", mix, "--speech", "8s-0:20")["items"][0]
    assert abs(ranges["speech_share"] - 0.4) < 0.01 and not ranges["is_speech_detected"]
    # BS.1770-1 over blocks at least half of which is speech.
    x = k_weighted(rig.read_float(mix))
    power = (x**2).sum(1)
    blocks = [
        power[at : at + 19200].mean()
        for at in range(0, len(power) - 19199, 4800)
        if min(at + 19200, RATE * 20) - max(at, RATE * 8) >= 9600
    ]
    want = -0.691 + 10 * math.log10(numpy.mean(blocks))
    assert abs(ranges["dialogue_lufs"] - want) < 0.01, (ranges["dialogue_lufs"], want)
    heard = rig.ask("measure", mix, "--speech", stem)["items"][0]
    assert abs(heard["dialogue_lufs"] - want) < 1.5 and 0.2 < heard["speech_share"] < 0.5
    rig.err("measure", mix, "--speech", "20s-8s", code=2)
    assert "nosuch" in rig.err("measure", mix, "--speech", "nosuch.wav", code=4)


def test_dialogue_by_the_detector():
    words = "This is the news of the evening. The weather will be fine tomorrow, and cold at night. " * 3
    spoken = rig.read_float(rig.speech(rig.FOLDER / "spoken.wav", words))[:, 0]
    chords = 0.3 * programme("chords", RATE * 30)
    mix = numpy.concatenate([chords, 0.3 * numpy.stack([spoken, spoken], 1), chords])
    path = rig.write_wav(rig.FOLDER / "magazine.wav", mix)
    found = rig.ask("measure", path, "--speech", "auto")["items"][0]
    share = len(spoken) / len(mix)
    tap.note(f"speech is {share:.2f}, found {found['speech_share']:.2f}")
    assert found["is_speech_detected"] and 0.5 * share < found["speech_share"] < 1.2 * share
    alone = rig.write_wav(rig.FOLDER / "alone.wav", 0.3 * numpy.stack([spoken, spoken], 1))
    want = rig.ask("measure", alone, "--speech", "0-1000")["items"][0]["dialogue_lufs"]
    assert abs(found["dialogue_lufs"] - want) < 1.5, (found["dialogue_lufs"], want)
    assert "approximate" in rig.out("measure", path, "--speech", "auto")
    music = rig.write_wav(rig.FOLDER / "music.wav", chords)
    assert rig.ask("measure", music, "--speech", "auto")["items"][0]["speech_share"] < 0.1


def test_effective_bits_and_padding():
    x = 0.5 * programme("white", RATE)
    coarse = numpy.rint(x * 32768) / 32768
    padded = rig.write_wav(rig.FOLDER / "padded.wav", coarse, bits=24)
    item = rig.ask("measure", padded)["items"][0]
    assert item["effective_bits"] == 16 and item["is_padded"]
    item = rig.ask("measure", rig.write_wav(rig.FOLDER / "full.wav", x, bits=24))["items"][0]
    assert item["effective_bits"] == 24 and not item["is_padded"]


def test_bad_files_are_told_and_the_others_measured():
    good = programmes()[0]
    empty = rig.FOLDER / "empty.wav"
    empty.write_bytes(b"")
    text = rig.FOLDER / "text.wav"
    text.write_text("no sound")
    cut = rig.FOLDER / "cut.wav"
    cut.write_bytes(good.read_bytes()[:100000])
    done = rig.mixctl("measure", empty, good, "nosuch.wav", text, cut, good, "-o", "json", code=8)
    items = json.loads(done.stdout)["items"]
    assert [("error" in item) for item in items] == [True, False, True, True, True, False]
    assert items[1]["integrated_lufs"] == items[5]["integrated_lufs"]
    assert "4 of 6 files" in done.stderr
    for name in ("empty.wav", "nosuch.wav", "text.wav", "cut.wav"):
        assert name in done.stderr, done.stderr
    table = rig.mixctl("measure", good, "nosuch.wav", code=8)
    assert "not measured" in table.stdout
    assert rig.mixctl("measure", "nosuch.wav", code=None).returncode in (4, 8)
    rig.err("measure", code=2)
    os.mkdir(rig.FOLDER / "folder.wav")
    rig.err("measure", rig.FOLDER / "folder.wav", code=None)


def test_threads_change_nothing():
    paths = programmes()[:6]
    one = rig.ask("measure", *paths, "--jobs", "1")
    assert one == rig.ask("measure", *paths, "--jobs", "5")


def test_silence_and_nothing():
    path = rig.write_wav(rig.FOLDER / "silence.wav", numpy.zeros((RATE * 4, 2)))
    text = rig.out("measure", path)
    assert "-inf LUFS" in text and "nan" not in text.lower().replace("nano", "")
    item = rig.ask("measure", path)["items"][0]
    assert item["integrated_lufs"] is None and item["head_s"] == 4
    for frames in (1, 100, 19199):
        short = rig.write_wav(rig.FOLDER / "tiny.wav", numpy.full((frames, 2), 0.25))
        item = rig.ask("measure", short)["items"][0]
        assert item["frames"] == frames and item["integrated_lufs"] is None
        assert abs(item["sample_peak_dbfs"] + 12.0412) < 1e-3


def test_report_page():
    page = rig.FOLDER / "page.html"
    rig.mixctl("measure", programmes()[5], "--report", page)
    assert b"<html" in page.read_bytes()[:500].lower()
    assert not rig.leftovers(), rig.leftovers()


def test_bandwidth_is_said_without_an_edge():
    noise = numpy.random.default_rng(3).uniform(-0.3, 0.3, (4 * RATE, 2))
    bins = numpy.fft.rfft(noise, axis=0)
    bins[10000 * 4 :] = 0
    for name, x, want in (
        ("all", noise, r"bandwidth +- +no edge up to 24\.0 kHz"),
        ("low", numpy.fft.irfft(bins, axis=0), r"bandwidth +(9|10|11)\.\d kHz"),
        ("none", 0 * noise, None),
    ):
        path = rig.write_wav(rig.FOLDER / f"band-{name}.wav", x)
        text = rig.out("measure", path)
        assert re.search(want, text) if want else "bandwidth" not in text, (name, text)
        assert "bandwidth" not in rig.out("measure", path, "--only", "peaks")


def test_places_above_full_scale_are_drawn_to_the_end():
    """More of them than a list holds: two loud stretches, seconds apart, and the drawing marks both, and nothing between."""
    t = numpy.arange(12 * RATE) / RATE
    loud = (t < 3) | ((t >= 9) & (t < 11))
    tone = numpy.sin(numpy.pi / 2 * numpy.arange(len(t)) + numpy.pi / 4) * numpy.where(loud, 1.4, 0.5)  # samples of 0.99
    path = rig.write_wav(rig.FOLDER / "overs.wav", numpy.stack([tone, tone], axis=1))
    rig.out("measure", path, "--plots", rig.FOLDER / "overs")
    svg = next((rig.FOLDER / "overs").glob("*.peaks.svg")).read_text()
    dots = [float(x) for x in re.findall(r'<circle[^>]* cx="([\d.]+)"', svg)]
    left, span = min(dots), (max(dots) - min(dots)) / 11  # a second
    seconds = {int((x - left) / span) for x in dots}  # 3, 11: what rings on in the tenth behind
    assert {0, 1, 2, 9, 10} <= seconds and not seconds & {4, 5, 6, 7, 8}, sorted(seconds)


tap.run(globals(), rig.done)
