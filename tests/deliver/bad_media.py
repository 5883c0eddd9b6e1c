"""A corpus of audio files that nobody should have: made by script, the same each time.

make(folder) -> {name: verdict}; BAD must be refused, ODD is damaged or strange and may be read or refused,
GOOD must be read. Names are relative to the folder, as bytes where they are no UTF-8.
"""

import os
import shutil
import struct
import subprocess

import numpy

BAD, ODD, GOOD = "bad", "odd", "good"
RATE = 48000


def chunk(name, data, size=None, order="<"):
    return name + struct.pack(order + "I", len(data) if size is None else size) + data + b"\0" * (len(data) & 1)


def form(tag=1, channels=2, rate=RATE, bits=16, align=None, bytes_s=None):
    align = channels * bits // 8 & 0xFFFF if align is None else align
    bytes_s = rate * align & 0xFFFFFFFF if bytes_s is None else bytes_s
    return struct.pack("<HHIIHH", tag, channels, rate, bytes_s, align, bits)


def wav(fmt, data, data_size=None, riff_size=None, before=b"", after=b"", riff=b"RIFF"):
    body = b"WAVE" + before + chunk(b"fmt ", fmt) + chunk(b"data", data, data_size) + after
    return riff + struct.pack("<I", len(body) if riff_size is None else riff_size) + body


def sound(seconds=0.1, channels=2, level=0.3):
    t = numpy.arange(int(seconds * RATE))[:, None]
    return level * numpy.sin(2 * numpy.pi * 440 / RATE * t + numpy.arange(channels))


def pcm16(x):
    return numpy.rint(x * 32767).astype("<i2").tobytes()


def floats(x):
    return x.astype("<f4").tobytes()


def headers():
    """WAV files whose headers lie."""
    x = pcm16(sound())
    quiet = sound(channels=1)
    nan, infinite, huge = quiet.copy(), quiet.copy(), quiet.copy()
    nan[1000], infinite[1000], huge[1000] = numpy.nan, -numpy.inf, 1e30
    return {
        "empty.wav": (b"", BAD),
        "one-byte.wav": (b"R", BAD),
        "text.wav": (b"this is no sound at all, but a few words about it\n" * 40, BAD),
        "zeros.wav": (bytes(5000), BAD),
        "random.wav": (numpy.random.default_rng(1).bytes(5000), BAD),
        "random.mp3": (numpy.random.default_rng(2).bytes(5000), BAD),
        "page.flac": (b"<!DOCTYPE html><title>404</title>" + b" " * 2000, BAD),
        "head-only.wav": (wav(form(), x)[:44], BAD),
        "no-fmt.wav": (b"RIFF" + struct.pack("<I", len(x) + 12) + b"WAVE" + chunk(b"data", x), BAD),
        "no-data.wav": (b"RIFF" + struct.pack("<I", 28) + b"WAVE" + chunk(b"fmt ", form()), BAD),
        "data-0.wav": (wav(form(), b""), ODD),
        "data-size-0.wav": (wav(form(), x, data_size=0), ODD),
        "data-longer.wav": (wav(form(), x, data_size=len(x) + 4000), BAD),
        "data-2gib.wav": (wav(form(), x, data_size=0x7FFF0000), BAD),
        "data-shorter.wav": (wav(form(), x, data_size=400), ODD),
        "data-odd.wav": (wav(form(), x[:-1]), ODD),
        "streamed.wav": (wav(form(), x, data_size=0xFFFFFFFF, riff_size=0xFFFFFFFF), GOOD),
        "riff-size-0.wav": (wav(form(), x, riff_size=0), ODD),
        "junk-size.wav": (wav(form(), x, before=chunk(b"JUNK", b"abcd", size=0xFFFFFFF0)), BAD),
        "channels-0.wav": (wav(form(channels=0), x), BAD),
        "channels-65.wav": (wav(form(channels=65), pcm16(sound(channels=65))), BAD),
        "channels-1000.wav": (wav(form(channels=1000), pcm16(sound(0.01, 1000))), BAD),
        "channels-65535.wav": (wav(form(channels=65535), x), BAD),
        "rate-0.wav": (wav(form(rate=0), x), BAD),
        "rate-1.wav": (wav(form(rate=1), x[:40]), ODD),
        "rate-4e9.wav": (wav(form(rate=0xFFFFFFFF), x), BAD),
        "bits-0.wav": (wav(form(bits=0), x), BAD),
        "bits-7.wav": (wav(form(bits=7), x), ODD),
        "bits-255.wav": (wav(form(bits=255), x), BAD),
        "align-0.wav": (wav(form(align=0), x), ODD),
        "align-odd.wav": (wav(form(align=3), x), ODD),
        "tag-unknown.wav": (wav(form(tag=0x1234), x), BAD),
        "mp3-in-wav.wav": (wav(form(tag=0x55), x), ODD),
        "adpcm-align-0.wav": (wav(form(tag=2, align=0, bits=4) + b"\2\0\0\0", x), BAD),
        "extensible-short.wav": (wav(form(tag=0xFFFE), x), ODD),
        "nan.wav": (wav(form(tag=3, channels=1, bits=32), floats(nan)), ODD),
        "inf.wav": (wav(form(tag=3, channels=1, bits=32), floats(infinite)), ODD),
        "huge.wav": (wav(form(tag=3, channels=1, bits=32), floats(huge)), ODD),
        "denormal.wav": (wav(form(tag=3, channels=1, bits=32), floats(quiet * 1e-39)), ODD),
        "all-nan.wav": (wav(form(tag=3, channels=1, bits=32), b"\xff" * 19200), ODD),
        "ds64-lies.wav": (
            wav(form(), x, data_size=0xFFFFFFFF, riff_size=0xFFFFFFFF, riff=b"RF64",
                before=chunk(b"ds64", struct.pack("<QQQI", 1 << 62, 1 << 62, 1 << 60, 0))), BAD),
        "tags-lie.wav": (wav(form(), x, after=chunk(b"LIST", b"INFO" + b"INAM\xff\xff\xff\x7fx")), ODD),
        "cues-lie.wav": (wav(form(), x, after=chunk(b"cue ", struct.pack("<I", 0xFFFFFFFF) + bytes(24))), ODD),
        "id3-lies.mp3": (b"ID3\4\0\0\x7f\x7f\x7f\x7f" + bytes(3000), BAD),
        "good.wav": (wav(form(), pcm16(sound(1))), GOOD),
        "wav-named.mp3": (wav(form(), x), ODD),
    }  # fmt: skip


def big_endian():
    """AIFF and CAF whose rates and sizes lie."""
    x = numpy.rint(sound() * 32767).astype(">i2").tobytes()

    def aiff(rate, channels=2, frames=4800, bits=16, size=None):
        body = b"AIFF" + chunk(b"COMM", struct.pack(">hIh", channels, frames, bits) + rate, order=">")
        body += chunk(b"SSND", bytes(8) + x, size, order=">")
        return b"FORM" + struct.pack(">I", len(body)) + body

    def caf(rate, channels=2, size=None, packet=4):
        desc = struct.pack(">d4sIIIII", rate, b"lpcm", 0, packet, 1, channels, 16)
        data = bytes(4) + x
        return (b"caff\0\1\0\0desc" + struct.pack(">q", 32) + desc
                + b"data" + struct.pack(">q", len(data) if size is None else size) + data)  # fmt: skip

    fine = bytes.fromhex("400ebb80000000000000")
    return {
        "good.aiff": (aiff(fine), GOOD),
        "rate-inf.aiff": (aiff(bytes.fromhex("7fff8000000000000000")), BAD),
        "rate-minus.aiff": (aiff(bytes.fromhex("c00ebb80000000000000")), ODD),
        "rate-0.aiff": (aiff(bytes(10)), BAD),
        "channels-0.aiff": (aiff(fine, channels=0), BAD),
        "channels-minus.aiff": (aiff(fine, channels=-1), BAD),
        "frames-lie.aiff": (aiff(fine, frames=0x7FFFFFFF), ODD),
        "size-lies.aiff": (aiff(fine, size=len(x) * 2), BAD),
        "good.caf": (caf(48000.0), GOOD),
        "rate-nan.caf": (caf(float("nan")), BAD),
        "rate-0.caf": (caf(0.0), BAD),
        "rate-minus.caf": (caf(-48000.0), BAD),
        "channels-0.caf": (caf(48000.0, channels=0), BAD),
        "channels-1000.caf": (caf(48000.0, channels=1000), BAD),
        "size-minus.caf": (caf(48000.0, size=-2), ODD),
        "size-2e62.caf": (caf(48000.0, size=1 << 62), BAD),
        "packet-0.caf": (caf(48000.0, packet=0), ODD),
    }


# ending, how ffmpeg writes it, seconds: some 8 KiB each
CODED = (
    ("wav", ("-c:a", "pcm_s16le"), 0.05), ("flac", (), 0.1), ("mp3", ("-b:a", "128k"), 0.5),
    ("ogg", ("-c:a", "libvorbis", "-q:a", "6"), 0.5), ("opus", ("-b:a", "128k"), 0.5), ("m4a", ("-b:a", "128k"), 0.5),
    ("aiff", (), 0.05), ("caf", (), 0.05), ("w64", (), 0.05), ("rf64.wav", ("-rf64", "always"), 0.05),
)  # fmt: skip


def truncated(folder):
    """Each format cut at every KiB; none when there is no ffmpeg."""
    found = {}
    if not shutil.which("ffmpeg"):
        return found
    random = numpy.random.default_rng(3)
    raw = folder / "raw.wav"
    raw.write_bytes(wav(form(), pcm16(sound(0.5) + random.normal(0, 0.05, (RATE // 2, 2)))))
    for ending, how, seconds in CODED:
        whole = folder / f"whole.{ending}"
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", raw, "-t", str(seconds), *how, whole],
                       check=True)  # fmt: skip
        data = whole.read_bytes()
        found[whole.name] = GOOD
        for size in range(1024, len(data), 1024):
            name = f"cut-{size // 1024:02}.{ending}"
            (folder / name).write_bytes(data[:size])
            found[name] = BAD
        flipped = bytearray(data)
        for at in random.integers(0, len(flipped), 12):
            flipped[at] ^= 1 << int(random.integers(8))
        (folder / f"flipped.{ending}").write_bytes(flipped)
        found[f"flipped.{ending}"] = ODD
    raw.unlink()
    return found


def places(folder):
    """What stands where a file should: folders, pipes, devices, links to nowhere and in a circle."""
    (folder / "folder.wav").mkdir()
    os.mkfifo(folder / "pipe.wav")
    os.symlink("/dev/zero", folder / "device.wav")
    os.symlink("nowhere", folder / "dangling.wav")
    os.symlink("circle.wav", folder / "circle.wav")
    return dict.fromkeys(("folder.wav", "pipe.wav", "device.wav", "dangling.wav", "circle.wav", "no such.wav"), BAD)


NAMES = (
    "with spaces.wav", "quote'\".wav", "new\nline.wav", "tab\tand\x1b[31mred.wav", "größe – 音.wav", "-dash.wav",
    "--flag.wav", "percent %s%n.wav", "{spec}.wav", "a=b.wav", "a:b.wav", "back\\slash.wav", "star*.wav", "e\u0301.wav",
    "#hash.wav", "n" * 240 + ".wav",
)  # fmt: skip
NO_NAMES = (os.fsdecode(b"latin1-\xe4.wav"), os.fsdecode(b"half-\xc3.wav"), os.fsdecode(b"long-\xc0\xaf.wav"))


def names(folder):
    """A good file by names that people and their programs give."""
    data = wav(form(), pcm16(sound(0.5)))
    for name in NAMES + NO_NAMES:
        (folder / name).write_bytes(data)
    return dict.fromkeys(NAMES, GOOD), NO_NAMES


def giants(folder):
    """Sparse files of more than 4 GiB with a tone behind it: {name: (verdict, second of the tone)}."""
    tone = floats(sound(1, 8))
    frame = 32
    far = (1 << 32) + (1 << 20)
    frames = far // frame + RATE
    found = {}
    for name, verdict in (("giant.rf64.wav", GOOD), ("giant-lies.wav", BAD)):
        size = frames * frame
        ds64 = struct.pack("<QQQI", size + 72, size, frames, 0)
        is_rf64 = verdict is GOOD
        head = wav(form(tag=3, channels=8, bits=32), b"", before=chunk(b"ds64" if is_rf64 else b"JUNK", ds64),
                   riff=b"RF64" if is_rf64 else b"RIFF", riff_size=0xFFFFFFFF if is_rf64 else size & 0xFFFFFFFF,
                   data_size=0xFFFFFFFF if is_rf64 else size & 0xFFFFFFFF)  # fmt: skip
        with open(folder / name, "wb") as file:
            file.write(head)
            file.truncate(len(head) + size)
            file.seek(len(head) + size - len(tone))
            file.write(tone)
        found[name] = (verdict, far // frame / RATE)
    return found


def make(folder):
    found = {}
    for name, (data, verdict) in {**headers(), **big_endian()}.items():
        (folder / name).write_bytes(data)
        found[name] = verdict
    return {**found, **truncated(folder), **places(folder)}
