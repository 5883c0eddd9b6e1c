"""mixctl audiobook, podcast and series: voices made by espeak-ng, spoiled in known ways, and read back by others."""

import json
import os
import re
import signal
import struct
import subprocess
import time

import numpy

import rig
import tap

RATE = 44100
TEXT = "It was a bright cold day in the valley. Peter, please put the paper back. Nobody expected the bells."
SPOKEN = {}


def spoken(rate=RATE, text=TEXT):
    if (rate, text) not in SPOKEN:
        path = rig.speech(rig.FOLDER / "spoken.wav", text, rate)
        SPOKEN[rate, text] = rig.read_float(path)[:, 0]
    return SPOKEN[rate, text].copy()


def noise(n, level_db, seed=1):
    return 10 ** (level_db / 20) * numpy.random.default_rng(seed).normal(size=n)


def chapter(name, level=0.3, floor=-75, hum=None, head=0.1, tail=0.2, channels=1, rate=RATE):
    """Two sentences with a pause of 1.2 s, in a room of FLOOR dBFS, with HUM dBFS at 50 Hz and harmonics."""
    path = rig.FOLDER / name
    path.parent.mkdir(exist_ok=True)
    voice = spoken(rate)
    voice *= level / numpy.abs(voice).max()
    wave = numpy.concatenate(
        [numpy.zeros(int(rate * head)), voice, numpy.zeros(int(rate * 1.2)), voice, numpy.zeros(int(rate * tail))]
    )
    wave += noise(len(wave), floor)
    if hum is not None:
        t = numpy.arange(len(wave)) / rate
        for k in (1, 2, 3, 5):
            wave += 10 ** (hum / 20) / 2**0.5 * numpy.sin(2 * numpy.pi * 50 * k * t + k)
    return rig.write_wav(path, numpy.stack([wave] * channels, axis=1), rate=rate, bits=24)


def db(x):
    return 20 * numpy.log10(max(x, 1e-12))


def look(path):
    """What ACX asks for, by numpy from ffmpeg's decoder: RMS, peak, quietest half second, head, tail."""
    x = rig.read_float(path)
    power = (x**2).mean(axis=1)
    size = RATE // 100
    ticks = power[: len(power) // size * size].reshape(-1, size).mean(axis=1)
    half = numpy.convolve(ticks, numpy.ones(50) / 50, "valid")
    short = numpy.convolve(ticks, numpy.ones(5) / 5, "valid")
    loud = numpy.nonzero(short > 1e-6)[0]
    return {
        "rms": 10 * numpy.log10(power.mean()),
        "peak": db(numpy.abs(x).max()),
        "floor": 10 * numpy.log10(half.min()),
        "head": loud[0] / 100,
        "tail": (len(ticks) - loud[-1] - 5) / 100,
        "channels": x.shape[1],
    }


def test_a_book_meets_acx():
    chapter("takes/ch1.wav", level=0.5, head=0.1, tail=0.2)
    chapter("takes/ch2.wav", level=0.15, floor=-72, head=2.5, tail=6)
    chapter("takes/ch10.wav", floor=-62, hum=-52, head=0.7, tail=2)
    chapter("takes/ch11.wav", level=0.4, floor=-55, tail=0, channels=2)
    result = rig.ask("audiobook", "takes", "-o", "book", "--title", "The Valley", "--author", "A. Writer")
    items = result["items"]
    assert [os.path.basename(i["source"]) for i in items] == ["ch1.wav", "ch2.wav", "ch10.wav", "ch11.wav"]
    assert result["chapters_met"] == 4 and result["level_spread_db"] <= 0.11, [(i["clauses"], i["why"]) for i in items]
    for item in items:
        seen = look(item["file"])
        assert abs(seen["rms"] + 20.5) <= 0.1 and seen["peak"] <= -3, (item["file"], seen)
        assert seen["floor"] <= -60 and 0.5 <= seen["head"] <= 1 and 1 <= seen["tail"] <= 5, seen
        assert seen["channels"] == 1, seen
        assert item["quiet"] and not item["made_room_tone"], item
    assert "dehum 50 Hz" in items[2]["repair"] and "denoise" in items[3]["repair"], items
    assert items[0]["repair"] == "nothing", items[0]
    rig.mixctl("check", *[f"book/ch{n}.mp3" for n in (1, 2, 10, 11)], "--spec", "acx")
    probe = json.loads(rig.tool("ffprobe", "-v", "error", "-show_format", "-of", "json", "book/ch10.mp3"))
    tags = {k.lower(): v for k, v in probe["format"]["tags"].items()}
    assert tags["album"] == "The Valley" and tags["artist"] == "A. Writer" and tags["track"] == "3/4", tags
    assert abs(int(probe["format"]["bit_rate"]) - 192000) < 4000, probe
    page = (rig.FOLDER / "book/report.html").read_text()
    assert all(f"ch{n}.mp3" in page for n in (1, 2, 10, 11))
    assert not rig.leftovers()


def test_what_is_right_stays():
    chapter("right.wav", level=0.4, head=0.7, tail=2)
    plan = rig.ask("audiobook", "right.wav", "-o", "plan", "--dry-run")
    assert plan["items"][0]["repair"] == "nothing" and not (rig.FOLDER / "plan").exists()
    item = rig.ask("audiobook", "right.wav", "-o", "right")["items"][0]
    assert item["head_change_s"] == 0 and item["tail_change_s"] == 0, item


def test_room_tone_is_the_recordings_own():
    """What is put in front has the room's spectrum: dark noise stays dark."""
    path = chapter("dark.wav", level=0.5, floor=-140, head=0, tail=0)
    wave = rig.read_float(path)[:, 0]
    dark = noise(len(wave) + 4096, -54)
    spectrum = numpy.fft.rfft(dark)
    spectrum[numpy.fft.rfftfreq(len(dark), 1 / RATE) > 400] = 0
    rig.write_wav(path, wave + numpy.fft.irfft(spectrum)[: len(wave)], rate=RATE)
    item = rig.ask("audiobook", "dark.wav", "-o", "dark")["items"][0]
    assert item["head_change_s"] > 0.5 and not item["made_room_tone"], item
    head = rig.read_float(rig.FOLDER / "dark/dark.mp3")[2000:24000, 0]
    power = numpy.abs(numpy.fft.rfft(head)) ** 2
    hz = numpy.fft.rfftfreq(len(head), 1 / RATE)
    assert power[hz < 500].sum() > 50 * power[hz > 800].sum()


def test_noise_is_made_only_without_a_room():
    wave = spoken() * 0.5
    quiet = numpy.abs(wave) < 0.004
    wave[quiet] = 0
    rig.write_wav(rig.FOLDER / "dry.wav", wave, rate=RATE)
    item = rig.ask("audiobook", "dry.wav", "-o", "dry")["items"][0]
    seen = look(rig.FOLDER / "dry/dry.mp3")
    assert 0.5 <= seen["head"] <= 1 and 1 <= seen["tail"] <= 5 and item["is_met"], (seen, item)


def test_master_frames_too():
    chapter("one.wav", level=0.5, head=0, tail=9)
    text = rig.out("master", "one.wav", "-o", "one.mp3", "--spec", "acx")
    assert "acx: met" in text and "room tone" in text, text
    rig.mixctl("check", "one.mp3", "--spec", "acx")


def test_speech_is_not_taken_for_noise():
    """Without a pause of half a second there is no noise floor to see: nothing is repaired for it."""
    path = chapter("breathless.wav", floor=-80, head=0, tail=0)
    wave = rig.read_float(path)[:, 0]
    size = RATE // 20
    loud = numpy.array([db(numpy.abs(part).max()) > -45 for part in wave[: len(wave) // size * size].reshape(-1, size)])
    rig.write_wav(path, wave[: len(loud) * size].reshape(-1, size)[loud].reshape(-1), rate=RATE, bits=24)
    result = rig.ask("audiobook", "breathless.wav", "-o", "fast", "--spec", "findaway", code=1)
    item = result["items"][0]
    assert item["repair"] == "nothing" and item["rounds"] == 1, item
    text = rig.out("audiobook", "breathless.wav", "-o", "fast", "--spec", "findaway", code=1)
    assert "no pause" in text and "nan" not in text, text
    assert " \n" not in text, text


def test_books_that_are_refused():
    (rig.FOLDER / "empty").mkdir()
    assert "no sound files" in rig.err("audiobook", "empty", "-o", "x", code=4)
    assert "cannot be read" in rig.err("audiobook", "nowhere", "-o", "x", code=4)
    rig.write_wav(rig.FOLDER / "silent.wav", numpy.zeros(RATE * 3), rate=RATE)
    assert "is silent" in rig.err("audiobook", "silent.wav", "-o", "x", code=5)
    rig.write_wav(rig.FOLDER / "four.wav", noise(RATE * 4, -20).reshape(-1, 4), rate=RATE)
    assert "4 channels" in rig.err("audiobook", "four.wav", "-o", "x", code=5)
    chapter("a/one.wav")
    chapter("b/one.wav")
    said = rig.err("audiobook", "a/one.wav", "b/one.wav", "-o", "x", code=6)
    assert "b/one.wav: would be written to the same file as a/one.wav" in said, said
    assert "there is no such file or folder" in rig.err("audiobook", "no-takes", "-o", "x", code=4)
    said = rig.err("audiobook", "a", "-o", "a/", code=6)
    assert "folder of the recordings" in said and "-o OUTDIR" in said, said
    assert os.listdir(rig.FOLDER / "a") == ["one.wav"]
    assert "no level" in rig.err("audiobook", "a", "-o", "x", "--spec", "cd", code=5)
    assert "--output" in rig.err("audiobook", "a", code=2)
    assert "JPEG" in rig.err("audiobook", "a", "-o", "x", "--cover", "a/one.wav", code=5)
    (rig.FOLDER / "front.png").write_bytes(b"precious")
    said = rig.err("audiobook", "a", "-o", "x", "--cover", "front.png", "--report", "./front.png", code=6)
    assert "is the file of --cover" in said and (rig.FOLDER / "front.png").read_bytes() == b"precious", said
    # 121 minutes, most of them a hole in the file: refused by the header, before anything is read
    size = 2 * 8000 * 60 * 121
    with open(rig.FOLDER / "long.wav", "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt ")
        file.write(struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data" + struct.pack("<I", size))
        file.truncate(44 + size)
    said = rig.err("audiobook", "long.wav", "-o", "x", code=5)
    assert "121 minutes" in said and "split it" in said, said
    assert not (rig.FOLDER / "x").exists()


def episode(name="ep.yaml", **replaced):
    rate = 48000
    a, b = spoken(rate), spoken(rate, TEXT[::-1].replace(".", " "))
    n = len(a) + len(b) + rate
    anna, ben = numpy.zeros(n), numpy.zeros(n)
    anna[: len(a)] = 0.5 * a / numpy.abs(a).max()
    ben[len(a) + rate // 2 : len(a) + rate // 2 + len(b)] = 0.06 * b / numpy.abs(b).max()
    rig.write_wav(rig.FOLDER / "anna.wav", anna + noise(n, -72), rate=rate)
    rig.write_wav(rig.FOLDER / "ben.wav", ben + noise(n, -62, 2), rate=rate)
    t = numpy.arange(rate * 5) / rate
    music = numpy.stack([numpy.sin(2 * numpy.pi * 220 * t), numpy.sin(2 * numpy.pi * 277 * t)], axis=1) * 0.2
    rig.write_wav(rig.FOLDER / "music.wav", music, rate=rate)
    rig.write_wav(rig.FOLDER / "ding.wav", music[: rate * 2], rate=rate)
    rig.tool("ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", "color=red:s=64x64",
             "-frames:v", 1, "cover.png")  # fmt: skip
    text = """title: Rivers
episode: 12
show: The Valley
artist: Anna
date: 2026-01-31
cover: cover.png
voices:
  - {file: anna.wav, name: Anna, pan: L20}
  - {file: ben.wav, name: Ben, gain: 1dB}
intro: {file: music.wav, overlap: 2s}
outro: {file: music.wav, overlap: 1s}
bed: {file: music.wav, gain: -20dB, depth: 10dB}
inserts:
  - {at: 4s, file: ding.wav, push: on, gain: -6dB}
chapters:
  - {at: 0, title: Hello}
  - {at: 6s, title: Banks}
"""
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    (rig.FOLDER / name).write_text(text)
    return n / rate


def test_an_episode():
    length = episode()
    result = rig.ask("podcast", "ep.yaml", "-o", "ep.mp3", "-o", "ep.m4a", "--session", "session.yaml")
    assert result["talk_at_s"] == 3 and abs(result["duration_s"] - (3 + length + 2 - 1 + 5)) < 1e-3, result
    assert [c["at_s"] for c in result["chapters"]] == [0, 11], result["chapters"]
    for name in ("ep.mp3", "ep.m4a"):
        seen = rig.ebur128(rig.FOLDER / name)
        assert abs(seen["i"] + 16) <= 0.1 and seen["peak"] <= -0.9, (name, seen)
        probe = json.loads(
            rig.tool("ffprobe", "-v", "error", "-show_format", "-show_chapters", "-show_streams", "-of", "json", name)
        )
        assert [(round(float(c["start_time"])), c["tags"]["title"]) for c in probe["chapters"]] == [
            (0, "Hello"), (11, "Banks")], probe["chapters"]  # fmt: skip
        tags = {k.lower(): v for k, v in probe["format"]["tags"].items()}
        assert tags["title"] == "Rivers" and tags["album"] == "The Valley" and tags["artist"] == "Anna", tags
        assert any(s["codec_type"] == "video" for s in probe["streams"]), name
        assert 128e3 <= int(probe["streams"][0]["bit_rate"]) <= 200e3, probe["streams"][0]
    rig.mixctl("check", "ep.mp3", "ep.m4a", "--spec", "apple-podcasts")
    assert not rig.leftovers()
    # the session that was written is the one that was run: people can go on from it
    rig.mixctl("render", "session.yaml", "-o", "again.wav")
    assert abs(len(rig.read_float(rig.FOLDER / "again.wav")) / 48000 - result["duration_s"]) < 0.01


def test_two_names_of_one_output():
    episode("twice.yaml")
    for other in ("./twice.wav", "way/../twice.wav", "door/twice.wav"):
        (rig.FOLDER / "way").mkdir(exist_ok=True)
        (rig.FOLDER / "door").exists() or (rig.FOLDER / "door").symlink_to(".")
        assert "named twice" in rig.err("podcast", "twice.yaml", "-o", "twice.wav", "-o", other, code=2)
    said = rig.err("master", "anna.wav", "--spec", "spotify", "-o", "m.wav", "--spec", "tidal", "-o", "door/m.wav", code=2)
    assert "two specs would write the same file" in said
    assert not (rig.FOLDER / "twice.wav").exists() and not rig.leftovers()


def test_the_bed_makes_room():
    """Behind speech the bed is lower than in the pause, by its depth."""
    episode("bed.yaml", **{"depth: 10dB": "depth: 20dB", "  - {at: 4s, file: ding.wav, push: on, gain: -6dB}\n": "",
                           "inserts:\n": ""})  # fmt: skip
    rig.mixctl("podcast", "bed.yaml", "--session", "bed-session.yaml")
    rig.mixctl("render", "bed-session.yaml", "-o", "bed/duck=bed.wav", "-o", "bed/fader=full.wav")
    low, full = rig.read_float(rig.FOLDER / "bed.wav"), rig.read_float(rig.FOLDER / "full.wav")
    n = 48000
    gain = [db(numpy.abs(low[k : k + n // 10]).max() / max(1e-9, numpy.abs(full[k : k + n // 10]).max()))
            for k in range(6 * n, 10 * n, n // 10)]  # fmt: skip
    assert min(gain) < -19 and min(gain) > -20.5, gain


def test_faults_of_an_episode_have_places():
    cases = (
        ({"title: Rivers\n": ""}, r"bad\.yaml:1:1", "title"),
        ({"pan: L20": "pam: L20"}, r"bad\.yaml:8:\d+", "pam"),
        ({"anna.wav": "nobody.wav"}, r"bad\.yaml:8:12", "nobody.wav"),
        ({"gain: 1dB": "gain: loud"}, r"bad\.yaml:9:\d+", "dB"),
        ({"gain: 1dB": "denoise: much"}, r"bad\.yaml:9:\d+", "12dB"),
        ({"pan: L20": "pan: left"}, r"bad\.yaml:8:\d+", "L30"),
        ({"pan: L20": "pan: L120"}, r"bad\.yaml:8:\d+", "R100"),
        ({"at: 6s": "at: 0s"}, r"bad\.yaml:17:5", "before it"),
        ({"at: 6s": "at: 1h"}, r"bad\.yaml:17:5", "after the end"),
        ({"cover: cover.png": "cover: anna.wav"}, r"bad\.yaml:6:8", "JPEG"),
    )
    for replaced, place, word in cases:
        episode("bad.yaml", **replaced)
        said = rig.mixctl("podcast", "bad.yaml", "-o", "bad.mp3", code=None)
        assert said.returncode in (4, 5), (replaced, said)
        assert re.search(place, said.stderr) and word in said.stderr, (replaced, said.stderr)
    assert not (rig.FOLDER / "bad.mp3").exists()
    assert "--output" in rig.err("podcast", "ep.yaml", code=2)
    said = rig.err("podcast", "anna.wav", "-o", "bad.mp3", code=5)
    assert "page of YAML" in said or "map" in said, said
    episode("late.yaml", **{"overlap: 2s": "overlap: 60s"})
    assert "all of it" in rig.err("podcast", "late.yaml", "--session", "late-session.yaml")
    episode("gap.yaml", **{"at: 4s": "at: 90s"})
    said = rig.err("podcast", "gap.yaml", "--session", "gap-session.yaml")
    assert re.search(r"gap\.yaml:14:\d+: begins at 90 s", said) and "nobody speaks for" in said, said
    episode("flat.yaml", **{"title: Rivers": "title: Rivers\nchannels: mono"})
    said = rig.err("podcast", "flat.yaml", "--session", "flat-session.yaml")
    assert re.search(r"flat\.yaml:9:\d+: pan does nothing", said) and "begins at" not in said, said
    episode("book.yaml")
    made = rig.ask("podcast", "book.yaml", "-o", "book.mp3", "--spec", "acx", code=None)["items"][0]
    wrong = [c["clause"] for c in made["clauses"] if c["state"] == "fail"]
    assert not {"rate", "bitrate", "cbr", "codec"} & set(wrong), wrong
    episode("over.yaml")
    assert "recordings" in rig.err("podcast", "over.yaml", "-o", "anna.wav", code=6)


def test_a_series_remembers_and_warns():
    x = spoken(48000) * 0.5
    for name, wave in (("e1", x), ("e2", x * 1.02)):
        rig.write_wav(rig.FOLDER / f"{name}.wav", wave, rate=48000)
    rig.mixctl("series", "add", "talk", "e1.wav", "e2.wav")
    shown = rig.ask("series", "show", "talk")["items"]
    assert [i["episode"] for i in shown] == ["e1.wav", "e2.wav"], shown
    spectrum = numpy.fft.rfft(x)
    hz = numpy.fft.rfftfreq(len(x), 1 / 48000)
    spectrum[(hz > 2000) & (hz < 5000)] *= 10 ** (9 / 20)
    bright = numpy.fft.irfft(spectrum, len(x))
    rig.write_wav(rig.FOLDER / "bright.wav", bright * 0.9 / numpy.abs(bright).max(), rate=48000)
    before = (rig.FOLDER / "data/mixd/series/talk.json").read_bytes()
    result = rig.ask("measure", "bright.wav", "--series", "talk")
    drifts = result["series"][0]["drifts"]
    bands = [d for d in drifts if d["what"] == "spectrum" and d["difference"] > 0]
    assert bands and any(1900 <= d["at_hz"] <= 5200 for d in bands), drifts
    assert (rig.FOLDER / "data/mixd/series/talk.json").read_bytes() == before
    same = rig.ask("measure", "e2.wav", "--series", "talk")["series"][0]
    assert same["drifts"] == [] and same["compared_with"] == 1, same
    assert rig.ask("series", "ls")["items"][0]["episodes"] == 2
    rig.mixctl("series", "rm", "talk", "e1.wav")
    assert len(rig.ask("series", "show", "talk")["items"]) == 1
    assert "no episode" in rig.err("series", "rm", "talk", "e1.wav", code=4)
    rig.write_wav(rig.FOLDER / "blip.wav", x[:48000], rate=48000)  # no short-term loudness in 1 s
    rig.mixctl("series", "add", "talk", "blip.wav")
    assert rig.ask("series", "show", "talk")["items"][1]["shortterm_max_lufs"] is None
    drifts = rig.ask("measure", "e2.wav", "--series", "talk")["series"][0]["drifts"]
    assert not [d for d in drifts if d["what"].startswith("the loudest") or "range" in d["what"]], drifts
    rig.mixctl("series", "rm", "talk", "e2.wav", "blip.wav")
    assert "nan" not in rig.out("series", "ls") + rig.out("series", "show", "talk")
    rig.mixctl("series", "rm", "talk")
    assert "no such series" in rig.err("series", "show", "talk", code=4)
    assert "no name" in rig.err("series", "show", "../talk", code=2)
    assert "is not understood" in rig.err("series", "sing", code=2)


def test_a_broken_series_is_said_so():
    folder = rig.FOLDER / "data/mixd/series"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "broken.json").write_text('{"schema": 7}')
    assert "no series of this program" in rig.err("series", "show", "broken", code=5)
    rig.mixctl("series", "rm", "broken")


def test_interrupted_leaves_nothing():
    for n in range(1, 5):
        chapter(f"slow/ch{n}.wav", floor=-55, tail=20, head=20)
    running = subprocess.Popen(
        [rig.MIXCTL, "audiobook", "slow", "-o", "slow-out"], cwd=rig.FOLDER, env=rig.ENV,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    out = rig.FOLDER / "slow-out"
    while running.poll() is None and not out.exists():
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 130, running.stderr.read()
    assert not rig.leftovers()
    assert [p for p in out.iterdir() if p.suffix != ".mp3"] == []


tap.run(globals(), rig.done)
