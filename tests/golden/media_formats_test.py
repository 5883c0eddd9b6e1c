"""Files that daemon/render writes, read by others: and files of others, read by daemon/render.

The other readers are ffmpeg, ffprobe, sox, flac, lame, opusinfo and Python's wave; samples are computed
here with numpy. $MEDIA_PIPE is tests/golden/media_pipe.c.
"""

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import tap  # noqa: E402  (the harness of Python tests)

TOOL = os.environ["MEDIA_PIPE"]
PATIENCE = float(os.environ.get("MIXD_TEST_PATIENCE", 1))  # see tests/deliver/rig.py
FOLDER = Path(tempfile.mkdtemp(prefix="mixd-media-"))
CHANNELS = {
    "mono": 1, "stereo": 2, "3.0": 3, "quad": 4, "5.0": 5, "5.1": 6, "6.1": 7, "7.1": 8,
    "5.1.2": 8, "5.1.4": 10, "7.1.2": 10, "7.1.4": 12, "5ch": 5, "24ch": 24,
}
LOSSLESS = ("wav", "rf64", "w64", "aiff", "caf", "flac")


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise tap.Skip(program + " is not installed")


def path_of(name):
    return str(FOLDER / name)


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def call(argv, data=None):
    done = subprocess.run([TOOL] + argv, input=data, capture_output=True, timeout=120 * PATIENCE)
    text = done.stderr.decode()
    if done.returncode:
        assert text.startswith("error") or "error" in text, (done.returncode, text)
        raise Refused(done.returncode, text[text.index("error"):])
    return done.stdout, [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def write(name, sound, layout="stereo", **words):
    """SOUND: frames x channels. Returns the path."""
    path = path_of(name)
    data = np.ascontiguousarray(sound, dtype="<f4").tobytes()
    argv = ["write", path, "layout=" + layout] + [f"{k}={v}" for k, v in words.items()]
    write.said = call(argv, data)[1]
    return path


def read(path, **words):
    data, said = call(["read", path] + [f"{k}={v}" for k, v in words.items()])
    read.end = said[1]
    info = said[0]
    return np.frombuffer(data, "<f4").reshape(-1, info["channels"]), info


def probe(path):
    need("ffprobe")
    out = subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", path],
        capture_output=True, check=True,
    ).stdout
    return json.loads(out)["streams"][0]


def ffmpeg(path, channels, kind="f32le", more=()):
    need("ffmpeg")
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, *more, "-f", kind, "-"], capture_output=True, check=True
    )
    dtype = {"f32le": "<f4", "s32le": "<i4"}[kind]
    return np.frombuffer(done.stdout, dtype).reshape(-1, channels)


def grid(frames, channels, bits, seed=1):
    """Noise that BITS hold exactly, with the ends of the scale in it."""
    steps = 2 ** (bits - 1)
    words = np.random.default_rng(seed).integers(-steps, steps, (frames, channels))
    words[0, 0], words[1, 0] = -steps, steps - 1
    if bits == 32:  # of which f32 holds 24
        words &= ~255
    return words, (words / steps).astype(np.float32)


def tones(frames, channels, rate=48000, level=0.25):
    """Another tone in each channel; the LFE's is low enough for encoders that filter it."""
    at = np.arange(frames)[:, None] / rate
    return (level * np.sin(2 * np.pi * at * (40 + 20 * np.arange(channels)))).astype(np.float32)


# ---- lossless ----


def test_lossless_samples_are_what_was_written():
    for form in LOSSLESS:
        for bits in (16, 24, 32):
            if form == "flac" and bits == 32:
                continue
            words, sound = grid(5003, 2, bits)
            path = write(f"a.{form}", sound, rate=44100, bits=bits)
            assert write.said[0]["clips"] == 0
            theirs = ffmpeg(path, 2, "s32le").astype(np.int64) >> (32 - bits)
            assert np.array_equal(theirs, words), (form, bits)
            ours, info = read(path)
            assert np.array_equal(ours, sound), (form, bits)
            assert info["frames"] == 5003 and info["rate"] == 44100 and info["bits"] == bits, info
            assert info["container"] == form and not info["lossy"], info
            used = int(np.bitwise_or.reduce(words.ravel() & (2**bits - 1)) << (32 - bits))
            assert read.end["used"] == used, (form, bits, hex(read.end["used"]), hex(used))


def test_alac_samples_are_what_was_written():
    for bits in (16, 24):
        for layout in ("mono", "stereo", "5.1"):
            n = CHANNELS[layout]
            words, sound = grid(9001, n, bits)
            path = write("alac.m4a", sound, layout=layout, format="alac", bits=bits)
            theirs = ffmpeg(path, n, "s32le").astype(np.int64) >> (32 - bits)
            assert len(theirs) == 9001, len(theirs)
            ours, info = read(path)
            assert info["codec"] == "alac" and info["bits"] == bits and not info["lossy"], info
            assert np.array_equal(ours, sound), (bits, layout)
            if layout != "5.1":
                assert np.array_equal(theirs, words), bits
    again = write("alac2.m4a", tones(30011, 2) / 3, format="alac", bits=16, dither=1)
    wav = write("alac2.wav", tones(30011, 2) / 3, bits=16, dither=1)
    assert np.array_equal(read(again)[0], read(wav)[0])


def test_float_samples_are_what_was_written():
    sound = (np.random.default_rng(2).standard_normal((4001, 3)) * 4).astype(np.float32)
    sound[7, 1] = 1e-42
    for form in ("wav", "rf64", "w64", "aiff", "caf"):
        path = write(f"f.{form}", sound, layout="3.0", float=1)
        ours, info = read(path)
        assert np.array_equal(ours, sound) and info["float"] == 1 and info["bits"] == 0, (form, info)
        assert np.array_equal(ffmpeg(path, 3), sound), form
        assert write.said[0]["clips"] == 0


def test_blocks_do_not_matter():
    sound = tones(10007, 2) * 3.9
    for words in ({"bits": 16}, {"bits": 16, "dither": 2}, {"bits": 24, "dither": 1}):
        one = Path(write("b1.wav", sound, block=1, **words)).read_bytes()
        many = Path(write("b2.wav", sound, block=9999, **words)).read_bytes()
        assert one == many, words
        again, _ = read(path_of("b1.wav"), block=1)
        assert np.array_equal(again, read(path_of("b2.wav"), block=65536)[0])


def test_the_same_sound_is_the_same_file():
    sound, other = tones(30011, 2), tones(30012, 2)
    for form in LOSSLESS + ("ogg", "opus", "mp3", "m4a"):
        one = Path(write(f"same.{form}", sound)).read_bytes()
        assert one == Path(write(f"same.{form}", sound)).read_bytes(), form
        if form in ("ogg", "opus"):
            assert one[14:18] != Path(write(f"same.{form}", other)).read_bytes()[14:18]


def test_wave_module_and_sox_read_wav():
    need("sox", "flac")
    words, sound = grid(3001, 2, 16)
    with wave.open(write("w.wav", sound, bits=16)) as file:
        assert file.getparams()[:4] == (2, 2, 48000, 3001)
        theirs = np.frombuffer(file.readframes(3001), "<i2").reshape(-1, 2)
    assert np.array_equal(theirs, words)
    for form in ("wav", "aiff", "w64", "caf", "flac"):
        path = write(f"s.{form}", sound, bits=16)
        out = subprocess.run(
            ["sox", "-V1", path, "-t", "s16", "-"], capture_output=True, check=True
        ).stdout
        assert np.array_equal(np.frombuffer(out, "<i2").reshape(-1, 2), words), form
    subprocess.run(["flac", "-s", "-t", path_of("s.flac")], check=True)


def test_masks_as_others_show_them():
    theirs = {
        "mono": {"mono", None}, "stereo": {"stereo", None}, "3.0": {"3.0"}, "quad": {"quad"},
        "5.0": {"5.0(side)"}, "5.1": {"5.1(side)"}, "6.1": {"6.1"}, "7.1": {"7.1"},
    }
    masks = {
        "3.0": 0x7, "quad": 0x33, "5.0": 0x607, "5.1": 0x60F, "6.1": 0x70F, "7.1": 0x63F,
        "5.1.2": 0x560F, "5.1.4": 0x2D60F, "7.1.2": 0x563F, "7.1.4": 0x2D63F, "5ch": 0, "24ch": 0,
    }
    for layout, n in CHANNELS.items():
        sound = tones(500, n)
        for form in ("wav", "rf64", "w64"):
            path = write(f"m.{form}", sound, layout=layout, bits=24)
            back, info = read(path)
            assert info["layout"] == layout, (form, layout, info)
            assert np.abs(back - sound).max() < 3e-7, (form, layout)
            if layout in theirs:
                shown = probe(path).get("channel_layout")
                assert shown in theirs[layout], (form, layout, shown)
        if layout in masks:
            head = Path(path_of("m.wav")).read_bytes()[:200]
            at = head.index(b"fmt ") + 8
            assert struct.unpack("<H", head[at : at + 2])[0] == 0xFFFE
            assert struct.unpack("<I", head[at + 20 : at + 24])[0] == masks[layout], layout
        else:
            head = Path(path_of("m.wav")).read_bytes()
            assert struct.unpack("<H", head[head.index(b"fmt ") + 8 :][:2])[0] == 1


def test_layouts_of_aiff_caf_flac():
    for layout, n in CHANNELS.items():
        sound = tones(300, n)
        for form in ("aiff", "caf", "flac"):
            if form == "flac" and n > 8:
                continue
            back, info = read(write(f"l.{form}", sound, layout=layout, bits=24))
            assert np.abs(back - sound).max() < 3e-7, (form, layout)
            if form != "flac" or layout not in ("5ch", "5.1.2"):
                assert info["layout"] == layout, (form, layout, info["layout"])
            if form == "caf" and n <= 8 and "ch" not in layout and "." not in layout[3:]:
                shown = probe(path_of("l.caf")).get("channel_layout")
                tap.note(f"{form} {layout}: {shown}")


# ---- lossy ----


def follows(sound, theirs, limit):
    """Each channel is its own tone, nearly as it was (libvorbis: LFE 2 dB up, by anybody)."""
    assert len(sound) == len(theirs), (len(sound), len(theirs))
    middle = slice(len(sound) // 4, 3 * len(sound) // 4)
    for c in range(sound.shape[1]):
        a, b = sound[middle, c], theirs[middle, c]
        like = float(np.dot(a, b) / np.sqrt(np.dot(a, a) * np.dot(b, b)))
        level = float(np.sqrt(np.dot(b, b) / np.dot(a, a)))
        assert like > 1 - limit and 0.6 < level < 1.3, (c, like, level)


def test_lossy_length_and_channels():
    for form, layouts in {
        "mp3": ("mono", "stereo"),
        "ogg": ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1"),
        "opus": ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1"),
        "m4a": ("mono", "stereo", "3.0", "5.0", "5.1"),
    }.items():
        for layout in layouts:
            sound = tones(48011, CHANNELS[layout])
            path = write(f"y.{form}", sound, layout=layout)
            back, info = read(path)
            assert info["layout"] == layout and info["lossy"], (form, layout, info)
            assert info["frames"] == 48011, info
            follows(sound, back, 0.006)
            theirs = ffmpeg(path, CHANNELS[layout])
            if form == "ogg" and len(theirs) < len(sound):
                # ffmpeg 5.1 drops the end of the last block, also of its own files
                sound = sound[: len(theirs)]
            if form == "m4a":  # ffmpeg 5.1 decodes beyond the end of the edit list; its length is exact
                assert probe(path)["duration_ts"] == 48011, probe(path)
                theirs = theirs[:48011]
            follows(sound, theirs, 0.006)


def test_mp3_rates():
    need("lame")
    sound = tones(44100 * 2, 2, 44100)
    rates = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    for kbps in rates:
        path = write("c.mp3", sound, rate=44100, kbps=kbps)
        assert int(probe(path)["bit_rate"]) == kbps * 1000, (kbps, probe(path)["bit_rate"])
        _, info = read(path)
        assert info["cbr"] == 1 and info["kbps"] == kbps, info
    for rate, kbps in ((22050, 8), (22050, 64), (24000, 160), (16000, 24), (11025, 32), (8000, 64)):
        path = write("c.mp3", tones(rate * 2, 1, rate), layout="mono", rate=rate, kbps=kbps)
        _, info = read(path)
        assert info["cbr"] == 1 and info["kbps"] == kbps and info["rate"] == rate, info
        assert int(probe(path)["bit_rate"]) == kbps * 1000, (rate, kbps, probe(path)["bit_rate"])
    noise = (np.random.default_rng(3).standard_normal((44100 * 4, 2)) * 0.1).astype(np.float32)
    _, info = read(write("v.mp3", noise, rate=44100, mode=2, kbps=160))
    assert info["cbr"] == 0 and abs(info["kbps"] - 160) < 8, info
    mean = [read(write("v.mp3", noise, rate=44100, quality=q))[1]["kbps"] for q in (0, 4, 9)]
    assert mean[0] > mean[1] > mean[2], mean
    assert read(path_of("v.mp3"))[1]["cbr"] == 0


def test_mp3_is_gapless():
    need("lame")
    for n in (1, 1151, 1152, 1153, 44100, 220500):
        sound = tones(n, 2, 44100)
        path = write("g.mp3", sound, rate=44100, kbps=256)
        back, info = read(path)
        assert len(back) == n == info["frames"], (n, len(back), info)
        subprocess.run(["lame", "--quiet", "--decode", path, path_of("g.wav")], check=True)
        with wave.open(path_of("g.wav")) as file:
            assert file.getnframes() == n, (n, file.getnframes())


def test_opus_and_vorbis_rates():
    need("opusinfo")
    sound = (np.random.default_rng(3).standard_normal((48000 * 4, 2)) * 0.1).astype(np.float32)
    for kbps in (32, 96, 160, 256):
        _, info = read(write("r.opus", sound, kbps=kbps))
        assert abs(info["kbps"] - kbps) < 0.15 * kbps, (kbps, info)
        out = subprocess.run(["opusinfo", path_of("r.opus")], capture_output=True, text=True)
        assert out.returncode == 0 and "WARNING" not in out.stdout, out.stdout
    for kbps in (96, 192, 320):
        _, info = read(write("r.ogg", sound, kbps=kbps))
        assert abs(info["kbps"] - kbps) < 0.35 * kbps, (kbps, info)
    best = read(write("r.ogg", sound, quality=0))[1]["kbps"]
    assert best > read(write("r.ogg", sound, quality=9))[1]["kbps"] * 3


# ---- reading from anywhere ----


def test_seek_is_exact():
    rng = np.random.default_rng(5)
    noise = np.cumsum(rng.standard_normal((60007, 2)), axis=0)
    noise = (noise / np.abs(noise).max() * 0.5).astype(np.float32)
    worst = {}
    for form in LOSSLESS + ("alac", "ogg", "opus", "mp3", "m4a"):
        name = "k2.m4a" if form == "alac" else f"k.{form}"
        path = write(name, noise, format=form)
        whole, _ = read(path)
        for at in (0, 1, 1151, 1152, 4608, 30000, 60000, 60006, 60007):
            part, _ = read(path, **{"from": at})
            assert len(part) == 60007 - at, (form, at, len(part))
            if len(part):
                error = float(np.abs(part - whole[at:]).max())
                worst[form] = max(worst.get(form, 0), error)
    assert not any(worst.values()), worst


def test_files_of_others():
    """By a pipe, or without a count of their frames: whole, and no longer than they are."""
    need("ffmpeg", "sox")
    wav = write("o.wav", np.random.default_rng(8).uniform(-0.3, 0.3, (100003, 2)), rate=44100, bits=16)
    for name, command in {
        "pipe.wav": "ffmpeg -v error -i {} -f wav - | cat > {}",
        "pipe2.wav": "sox -V1 {} -t wav - | cat > {}",
        "pipe.flac": "ffmpeg -v error -i {} -f flac - | cat > {}",
        "a.mp3": "ffmpeg -v error -y -i {} -q:a 2 {}",
        "a.opus": "ffmpeg -v error -y -i {} {}",
        "a.ogg": "ffmpeg -v error -y -i {} {}",
    }.items():
        subprocess.run(command.format(wav, path_of(name)), shell=True, check=True)
        sound, _ = read(path_of(name))
        want = 108847 if name == "a.opus" else 100003
        assert abs(len(sound) - want) <= (name == "a.opus"), (name, len(sound))
    for name, how in {"c.mp3": "-b:a 96k", "v.mp3": "-q:a 1"}.items():
        command = f"ffmpeg -v error -y -i {wav} {how} -write_xing 0 {path_of(name)}"
        subprocess.run(command, shell=True, check=True)
        sound, info = read(path_of(name))
        assert 100003 + 1105 <= len(sound) <= 100003 + 4 * 1152, (name, len(sound), info)


def test_layouts_of_others():
    need("ffmpeg")
    for theirs, ours in {
        "mono": "mono", "stereo": "stereo", "2.1": "2.1", "3.0": "3.0", "quad": "quad",
        "quad(side)": "quad", "5.0": "5.0", "5.1": "5.1", "5.1(side)": "5.1", "6.1": "6.1",
        "7.1": "7.1",
    }.items():
        for form in ("wav", "caf", "ogg"):
            path = path_of(f"theirs.{form}")
            source = f"anullsrc=channel_layout={theirs}:sample_rate=48000:d=0.05"
            done = subprocess.run(
                ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, path], capture_output=True
            )
            if done.returncode:
                continue  # a layout that this encoder has not
            got = read(path)[1]["layout"]
            by_count = {"2.1": "3.0"}  # of formats whose count is all there is
            want = {ours} if form in ("wav", "caf") else {ours, by_count.get(ours, ours)}
            assert got in want, (form, theirs, got)


# ---- the finished file, or nothing ----


def leftovers():
    return sorted(p.name for p in FOLDER.iterdir() if p.name.endswith(".part"))


def start_writer(name, **words):
    argv = [TOOL, "write", path_of(name), "layout=stereo"] + [f"{k}={v}" for k, v in words.items()]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdin.write(bytes(8 * 4096))
    process.stdin.flush()
    assert process.stdout.readline() == b"ready\n"
    return process


def test_a_killed_writer_leaves_no_goal_and_the_next_cleans_up():
    for name in ("killed.wav", "killed.mp3", "killed.m4a"):
        process = start_writer(name, kill=1)
        assert len(leftovers()) == 1 and not Path(path_of(name)).exists()
        try:
            write(name, tones(100, 2))
            assert False, "two writers"
        except Refused as refused:
            assert refused.code == 6 and "somebody else" in str(refused), refused
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(leftovers()) == 1 and not Path(path_of(name)).exists()
        until = time.monotonic() + 10
        while True:  # mixd-av ends itself, a moment later
            try:
                write(name, tones(4000, 2))
                break
            except Refused as refused:
                assert refused.code == 6 and time.monotonic() < until, refused
                time.sleep(0.02)
        assert leftovers() == [] and len(read(path_of(name))[0]) == 4000


def test_a_disk_that_is_full():
    """On a small tmpfs, in a mount namespace of its own."""
    need("unshare")
    disk = FOLDER / "disk"
    disk.mkdir(exist_ok=True)
    script = (
        'mount -t tmpfs -o size=400k none "$1" && cd "$1" && '
        '{ "$2" write full.wav; echo code=$?; ls -A; "$2" write full.mp3 expected=99999999 kbps=320; '
        "echo code=$?; ls -A; }"
    )
    argv = ["unshare", "-Urm", "sh", "-c", script, "sh", str(disk), TOOL]
    noise = np.random.default_rng(1).uniform(-1, 1, (200000, 2)).astype("<f4").tobytes()
    done = subprocess.run(argv, input=noise, capture_output=True)
    out = done.stdout.decode().split()
    if not out:
        raise tap.Skip("no mount namespaces here: " + done.stderr.decode().strip())
    assert out == ["code=8", "code=8"], (out, done.stderr)
    assert b"No space left" in done.stderr and b"MiB left" in done.stderr, done.stderr


def finish():
    shutil.rmtree(FOLDER, ignore_errors=True)


if __name__ == "__main__":
    tap.run(globals(), finish)
