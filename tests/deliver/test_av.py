"""mixd-av: M4A and what else FFmpeg reads, to the sample; and what happens when it is missing, dies or hangs."""

import os
import signal
import struct
import subprocess
import time
from pathlib import Path

import numpy

import media_rig as rig
import tap

RATE = 48000


def encode(name, frames, layout="stereo", channels=2, rate=RATE, kbps=0):
    """Sines in noise as M4A; the samples."""
    noise = numpy.random.default_rng(1).standard_normal((frames, channels))
    t = numpy.arange(frames)[:, None] / rate
    x = (0.3 * numpy.sin(2 * numpy.pi * (200 + 90 * numpy.arange(channels)) * t) + 0.01 * noise).astype("<f4")
    raw = rig.FOLDER / "in.raw"
    x.tofile(raw)
    rig.media_tool("encode", raw, rig.FOLDER / name, rate, layout, kbps)
    return x


def decode(path, channels, frame=0):
    raw = rig.FOLDER / "out.raw"
    rig.media_tool("decode", path, raw, frame)
    return numpy.fromfile(raw, "<f4").reshape(-1, channels)


def ffmpeg_decode(path, channels):
    raw = rig.tool("ffmpeg", "-v", "error", "-i", path, "-f", "f32le", "-", text=False)
    return numpy.frombuffer(raw, "<f4").reshape(-1, channels)


def error_db(x, y):
    return [
        10 * numpy.log10((numpy.mean((x[:, c] - y[:, c]) ** 2.0) + 1e-20) / numpy.mean(x[:, c] ** 2.0))
        for c in range(x.shape[1])
    ]


def test_aac_is_gapless():
    rig.need_helper()
    for frames, layout, channels, rate in (
        (1, "mono", 1, 44100), (1024, "stereo", 2, 44100), (1025, "stereo", 2, 48000),
        (100003, "stereo", 2, 44100), (30000, "mono", 1, 22050), (30000, "stereo", 2, 96000),
    ):  # fmt: skip
        path = rig.FOLDER / "g.m4a"
        x = encode(path.name, frames, layout, channels, rate)
        y, z = decode(path, channels), ffmpeg_decode(path, channels)
        assert y.shape == x.shape, (frames, y.shape)
        assert numpy.array_equal(y, z[: len(y)]), frames
        assert rig.probe(path)[2]["duration_ts"] == frames
        if frames > 2000:
            # in place to the sample: one off would cost far more
            assert max(error_db(x, y)) < -20, (frames, error_db(x, y))


def test_surround_stays_in_place():
    rig.need_helper()
    for layout, channels in (("5.1", 6), ("7.1", 8)):
        path = rig.FOLDER / "s.m4a"
        x = encode(path.name, 48000, layout, channels, RATE, 64 * channels)
        y = decode(path, channels)
        loss = error_db(x, y)
        assert max(v for c, v in enumerate(loss) if c != 3) < -15, (layout, loss)  # LFE is narrow
        assert rig.read(path)["info"][0].split()[4] == layout


def test_bit_rate():
    rig.need_helper()
    sizes = []
    for kbps in (96, 192):
        encode("r.m4a", 480000, kbps=kbps)
        sizes.append((rig.FOLDER / "r.m4a").stat().st_size * 8 / 10000.0)
    assert 80 < sizes[0] < 115 and 160 < sizes[1] < 215, sizes


def test_seeks_are_exact():
    rig.need_helper()
    path = rig.FOLDER / "k.m4a"
    encode(path.name, 200001)
    whole = decode(path, 2)
    for frame in (0, 1, 1023, 50000, 123456, 199999, 200001):
        part = decode(path, 2, frame)
        assert numpy.array_equal(part, whole[frame:]), frame


def foreign(name, *options):
    path = rig.FOLDER / name
    rig.tool(
        "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "sine=440:r=48000:d=2.0837,aformat=channel_layouts=stereo",
        "-metadata", "title=Zoë", *options, path,
    )  # fmt: skip
    return path


def test_foreign_formats():
    rig.need_helper()
    for name, codec, options in (
        ("f.aac", "aac", []), ("f.ac3", "ac3", []), ("f.mka", "vorbis", ["-c:a", "libvorbis"]),
        ("f.webm", "opus", []), ("f.wma", "wmav2", []), ("f.tta", "tta", []), ("f.wv", "wavpack", []),
        ("al.m4a", "alac", ["-c:a", "alac"]), ("f.m4a", "aac", []), ("f.ts", "aac", ["-c:a", "aac"]),
        ("f.mov", "pcm_s24le", ["-c:a", "pcm_s24le"]),
    ):  # fmt: skip
        path = foreign(name, *options)
        got, want = decode(path, 2), ffmpeg_decode(path, 2)
        assert len(got) == 100018 if name.endswith((".m4a", ".tta", ".wv", ".mov")) else len(got) == len(want), (
            name, len(got), len(want))  # fmt: skip
        assert numpy.array_equal(got, want[: len(got)]), name
        read = rig.read(path)
        assert read["info"][0].split()[1:4] == [codec, "48000", "2"], (name, read["info"])
        if name not in ("f.aac", "f.ac3", "f.ts"):
            assert read["TITLE"] == ["Zoë"], (name, read)
        if name != "f.m4a":  # noise of AAC is another each time, see av_decode.c
            assert numpy.array_equal(decode(path, 2, 60000), got[60000:]), name


# ---- refusals ----


def refused(path, words, env=None, code=5):
    got = rig.read(path, code=code, env=env)
    assert "error" in got and words in got["text"][0] and got["hint"][0], (words, got)
    return got


def test_no_helper():
    path = rig.FOLDER / "n.m4a"
    path.write_bytes(b"\0\0\0\x18ftypM4A \0\0\2\0isomM4A ")
    got = rig.read(path, code=None, env={"MIXD_AV_HELPER": "/nonexistent"})
    assert "error" in got and "mixd-av" in got["text"][0] + got["hint"][0], got
    assert "libavformat" in got["hint"][0], got
    raw = rig.FOLDER / "in.raw"
    raw.write_bytes(bytes(8000))
    out = rig.FOLDER / "none.m4a"
    text = rig.media_tool("encode", raw, out, 48000, "stereo", 0, code=None, env={"MIXD_AV_HELPER": "/nonexistent"})
    assert "not installed" in text and not out.exists()


def helper(name, script):
    path = rig.FOLDER / name
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return {"MIXD_AV_HELPER": str(path)}


def some_m4a():
    rig.need_helper()
    path = rig.FOLDER / "some.m4a"
    if not path.exists():
        encode(path.name, 48000)
    return path


def test_helper_dies():
    path = some_m4a()
    got = refused(path, "died over it", helper("dies", "kill -SEGV $$\n"), 8)
    assert got["address"] == [str(path)]
    refused(path, "exit status 3", helper("leaves", "exit 3\n"), 8)


def test_helper_talks_nonsense():
    path = some_m4a()
    for script in ("head -c 100000 /dev/zero >&0\n", "printf '\\377\\377\\377\\377\\377\\377\\377\\377' >&0\n"):
        got = rig.read(path, code=None, env=helper("talks", script))
        assert "error" in got and got["text"][0], got


def test_helper_is_silent():
    """It is waited for, but not for ever, and then it is ended."""
    path = some_m4a()
    script = helper("silent", f"echo $$ > {rig.FOLDER}/silent.pid; exec sleep 100\n")
    got = refused(path, "has not answered for 1 s", {**script, "MIXD_AV_PATIENCE_S": "1"}, 8)
    assert got["address"] == [str(path)] and gone(int((rig.FOLDER / "silent.pid").read_text()))


def test_a_writer_whose_helper_dies_leaves_nothing():
    rig.need_helper()
    raw = rig.FOLDER / "in.raw"
    raw.write_bytes(bytes(800000))
    before = set(rig.FOLDER.iterdir())
    out = rig.FOLDER / "dead.m4a"
    text = rig.media_tool("encode", raw, out, 48000, "stereo", 0, code=8, env=helper("dies", "kill -SEGV $$\n"))
    assert "dead.m4a" in text and set(rig.FOLDER.iterdir()) - before <= {rig.FOLDER / "dies"}


def test_not_audio():
    rig.need_helper()
    path = rig.FOLDER / "text.m4a"
    path.write_bytes(b"this is no sound at all, " * 1000)
    assert refused(path, "not audio")["address"] == [str(path)]
    path.write_bytes(some_m4a().read_bytes()[:300])
    refused(path, "")


def test_truncated():
    whole = some_m4a().read_bytes()
    path = rig.FOLDER / "cut.m4a"
    for part in (0.3, 0.6, 0.9):
        path.write_bytes(whole[: int(len(whole) * part)])
        text = rig.media_tool("decode", path, rig.FOLDER / "out.raw", code=5)
        assert "truncated" in text and str(path) in text, (part, text)


def test_no_other_file_is_opened():
    """A playlist refers to a file that could be read: it is not."""
    rig.need_helper()
    target = rig.FOLDER / "secret.ts"
    foreign("secret.ts", "-c:a", "aac")
    for name, text in (
        ("p.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n"),
        ("p.ffconcat", f"ffconcat version 1.0\nfile {target}\n"),
    ):
        path = rig.FOLDER / name
        path.write_text(text)
        refused(path, "", code=5)


def children(pid):
    try:
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.005)


def test_the_helper_ends_with_its_parent():
    rig.need_helper()
    fifo = rig.FOLDER / "fifo.raw"
    os.mkfifo(fifo)
    out = rig.FOLDER / "killed.m4a"
    process = subprocess.Popen([rig.TOOL, "encode", fifo, out, "48000", "stereo", "0"], env=rig.ENV)
    with open(fifo, "wb") as pipe:
        pipe.write(bytes(65536))
        pipe.flush()
        wait_for(lambda: children(process.pid))
        (helper_pid,) = children(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_for(lambda: gone(helper_pid))
    assert not out.exists()


def test_no_helper_is_left():
    rig.need_helper()
    decode(some_m4a(), 2, 1000)
    names = [Path(f"/proc/{p}/comm") for p in os.listdir("/proc") if p.isdigit()]
    mine = []
    for comm in names:
        try:
            if comm.read_text().strip() == "mixd-av":
                fd = os.readlink(comm.parent / "fd/3")
                mine += [fd] if str(rig.FOLDER) in fd else []
        except OSError:
            pass
    assert not mine, mine


def test_edit_list_of_the_file():
    """The delay is in the edit list, in the movie's own scale: players cut it, whatever they know of tags."""
    data = some_m4a().read_bytes()
    at = data.index(b"elst")
    n, duration, start = struct.unpack(">III", data[at + 8 : at + 20])
    scale = struct.unpack(">I", data[data.index(b"mvhd") + 16 :][:4])[0]
    assert (n, duration, start, scale) == (1, 48000, 1024, 48000)


tap.run(globals(), rig.done)
