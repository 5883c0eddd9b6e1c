#!/usr/bin/python3
"""deliver_corpus.py - material for bench_deliver.py: seeded, the same on every machine but for its speech (espeak-ng).

usage: deliver_corpus.py FOLDER SECONDS

programme.wav: stereo, 24 bits: music, speech, dense and loud, quiet, silence; long.wav: six times as long; bed.wav:
7.1.4; stem01..16.wav: mono, a quarter as long.
"""
import struct
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy

RATE = 48000


def pink(count, noise):
    size = 1 << (count - 1).bit_length()
    spectrum = numpy.fft.rfft(noise.standard_normal(size).astype(numpy.float32))
    spectrum[1:] /= numpy.sqrt(numpy.arange(1, len(spectrum)))
    spectrum[:20 * size // RATE] = 0
    x = numpy.fft.irfft(spectrum)[:count]
    return (x / numpy.sqrt(numpy.mean(x * x))).astype(numpy.float32)


def speech():
    """Some sentences, by espeak-ng; silence where it is not there."""
    text = "Good evening. Sixteen stems are mixed to stereo, then mastered, limited and dithered to sixteen bits."
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        try:
            subprocess.run(["espeak-ng", "-w", file.name, text], check=True, capture_output=True)
        except (FileNotFoundError, subprocess.CalledProcessError):
            return numpy.zeros(RATE, numpy.float32)
        with wave.open(file.name) as spoken:
            rate, data = spoken.getframerate(), spoken.readframes(1 << 30)
    x = numpy.frombuffer(data, "<i2") / 32768.0
    return numpy.interp(numpy.arange(int(len(x) * RATE / rate)) * rate / RATE, numpy.arange(len(x)), x).astype("f4")


def music(count, noise, drums):
    t = numpy.arange(count) / RATE
    x = numpy.zeros((2, count), numpy.float32)
    for hertz in (55, 110, 164.8, 220, 277.2, 329.6, 440, 659.3):
        side, tone = noise.uniform(0.15, 0.85), numpy.zeros(count)
        for k in range(1, 9):
            tone += numpy.sin(2 * numpy.pi * hertz * k * t + noise.uniform(0, 6.28)) / k
        x += (0.05 * numpy.array([[1 - side], [side]]) * tone).astype("f4")
    beat = t % 1.0
    x += (drums * 0.5 * numpy.sin(2 * numpy.pi * (50 * beat - 2 * numpy.exp(-beat * 30))) * numpy.exp(-beat * 14)).astype("f4")
    snare = (t + 0.5) % 1.0
    x += (drums * 0.2 * numpy.exp(-snare * 26)).astype("f4") * noise.standard_normal((2, count)).astype("f4")
    return x


def scene(kind, count, noise, spoken):
    if kind == "silence":
        return numpy.zeros((2, count), numpy.float32)
    if kind == "quiet":
        return 0.002 * numpy.stack([pink(count, noise), pink(count, noise)])
    if kind == "speech":
        x = 0.012 * numpy.stack([pink(count, noise), pink(count, noise)])
        return x + 0.7 * numpy.resize(spoken, count)
    x = music(count, noise, 1.4 if kind == "dense" else 1.0)
    return 0.98 * numpy.tanh(3 * x) if kind == "dense" else x


def pcm24(x):
    y = numpy.clip(numpy.round(x * 8388607.0), -8388608, 8388607).astype("<i4")
    return numpy.ascontiguousarray(y.T).view(numpy.uint8).reshape(-1, 4)[:, :3].tobytes()


def header(channels, frames):
    """WAVE_FORMAT_EXTENSIBLE, 24 bits; 12 channels are 7.1.4."""
    form = struct.pack("<HHIIHHHHIH", 0xFFFE, channels, RATE, RATE * channels * 3, channels * 3, 24, 22, 24,
                       0x2D63F if channels == 12 else (1 << channels) - 1 if channels == 2 else 4, 1)
    form += bytes.fromhex("000000001000800000aa00389b71")
    size = frames * channels * 3
    return (b"RIFF" + struct.pack("<I", 20 + len(form) + size) + b"WAVEfmt " + struct.pack("<I", len(form)) + form +
            b"data" + struct.pack("<I", size))


def write_scenes(path, channels, seconds, make):
    with open(path, "wb") as file:
        file.write(header(channels, seconds * RATE))
        for i in range(-(-seconds // 10)):
            file.write(pcm24(make(i, min(10, seconds - 10 * i) * RATE)))


def make_corpus(folder, seconds):
    plan = ("music", "speech", "dense", "quiet", "music", "dense", "speech", "dense", "music", "silence")
    gain = (0.7, 1.0, 0.9, 1.0, 0.35, 1.0, 0.5, 0.6, 1.0, 0)
    spoken = speech()

    def programme(i, count):
        noise = numpy.random.default_rng((1, i))
        return gain[i % 10] * (1 - 0.25 * (i // 10 % 3)) * scene(plan[i % 10], count, noise, spoken)

    def bed(i, count):
        return numpy.concatenate([0.3 * music(count, numpy.random.default_rng((3, i, c)), 1.0) for c in range(6)])

    def stem(k):
        def make(i, count):
            noise = numpy.random.default_rng((2, k, i))
            return 0.5 * scene(("music", "dense", "speech", "quiet")[k % 4], count, noise, spoken)[:1]
        return make

    folder.mkdir(parents=True, exist_ok=True)
    write_scenes(folder / "programme.wav", 2, seconds, programme)
    write_scenes(folder / "long.wav", 2, 6 * seconds, programme)
    write_scenes(folder / "bed.wav", 12, max(10, seconds // 4), bed)
    for k in range(16):
        write_scenes(folder / f"stem{k + 1:02}.wav", 1, max(10, seconds // 4), stem(k))
    (folder / "seconds").write_text(str(seconds))


if __name__ == "__main__":
    make_corpus(Path(sys.argv[1]), int(sys.argv[2]))
