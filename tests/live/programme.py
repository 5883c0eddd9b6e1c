"""A programme to level: speech by espeak-ng and music made here, in sections that differ by 40 dB.

Every section holds one loudness (BS.1770, measured by ffmpeg) for SECTION_S seconds.
"""
import pathlib
import re
import subprocess
import tempfile
import wave

import numpy as np

RATE = 48000
SECTION_S = 24
SETTLING_S = 12
VERSION = 3  # raised when the material changes: the cache is named after it
SECTIONS = [("speech, as usual", "speech", -24.0), ("speech, far too quiet", "quiet", -44.0),
            ("music, far too loud", "music", -4.0), ("speech over music", "both", -14.0)]
SENTENCES = [
    "Good evening, and welcome to the programme.", "Tonight we look at what happens between the studio and the ear.",
    "A voice that sat comfortably at breakfast may be lost in the evening traffic.",
    "The engineers at the transmitter do not hear the words, they read the needles.",
    "One reporter whispers into a microphone, the next one shouts across a stadium.",
    "Nobody at home should have to reach for the remote control.",
    "The numbers are simple, the patience behind them is not.",
    "After the news there will be music, and it will be exactly as loud as I am now.",
]


def loudness(path, start_s=0.0, length_s=None):
    """(integrated LUFS, true peak dBTP) of a file or a part of it, by ffmpeg's ebur128."""
    cut = ["-ss", f"{start_s:.3f}"] + (["-t", f"{length_s:.3f}"] if length_s else [])
    text = subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", *cut, "-i", str(path), "-filter_complex",
                           "ebur128=peak=true:framelog=verbose", "-f", "null", "-"],
                          capture_output=True, text=True, check=True).stderr
    summary = text[text.rindex("Summary:"):]
    value = {k: float(v) for k, v in re.findall(r"\b(I|Peak):\s+(-?inf|-?[\d.]+)", summary)}
    return value["I"], value["Peak"]


def write_wav(path, samples, rate=RATE):
    """Frames x 2, float -1..1, as 24 bit."""
    data = np.clip(np.round(samples * 8388607.0), -8388608, 8388607).astype("<i4")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(3)
        file.setframerate(rate)
        file.writeframes(data.reshape(-1, 1).view(np.uint8).reshape(-1, 4)[:, :3].tobytes())


def read_wav(path):
    with wave.open(str(path), "rb") as file:
        width, channels = file.getsampwidth(), file.getnchannels()
        raw = np.frombuffer(file.readframes(file.getnframes()), dtype=np.uint8).reshape(-1, width)
    shifted = np.zeros((len(raw), 4), dtype=np.uint8)
    shifted[:, 4 - width:] = raw
    return shifted.view("<i4").astype(np.float64).reshape(-1, channels) / 2147483648.0


def speech(voice, speed, seconds, folder):
    """Sentences without long pauses, mono at 48 kHz, as frames x 2."""
    parts, length, i = [], 0, 0
    while length < seconds * RATE:
        raw, path = folder / "say.wav", folder / "say48.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "-w", str(raw), SENTENCES[i % len(SENTENCES)]],
                       check=True, capture_output=True)
        subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y", "-i", str(raw), "-ar", str(RATE),
                        "-ac", "1", "-c:a", "pcm_s16le", str(path)], check=True)
        sound = read_wav(path)[:, 0]
        loud = np.flatnonzero(np.abs(sound) > 0.01)
        parts += [sound[loud[0]:loud[-1]], np.zeros(RATE // 8)]
        length += len(parts[-2]) + len(parts[-1])
        i += 1
    mono = np.concatenate(parts)[:int(seconds * RATE)]
    return np.stack([mono, mono], axis=1)


def tone(frequency, seconds, partials=8, decay=1.5):
    t = np.arange(int(seconds * RATE)) / RATE
    sound = sum(np.sin(2 * np.pi * frequency * k * t) / k for k in range(1, partials + 1) if frequency * k < 16000)
    return sound * np.exp(-t * decay) * np.minimum(1, t * 200)


def music(seconds, random):
    """Chords, a bass, a drum and a hi-hat at 120 beats a minute; left and right differ."""
    n = int(seconds * RATE)
    out = np.zeros((n + 2 * RATE, 2))
    chords = [(220.0, 261.6, 329.6), (174.6, 220.0, 261.6), (196.0, 246.9, 293.7), (164.8, 196.0, 246.9)]
    hat = random.standard_normal(RATE // 16) * np.exp(-np.arange(RATE // 16) / (RATE / 200))
    t = np.arange(RATE // 4) / RATE
    drum = np.sin(2 * np.pi * (50 * t + 4 * (1 - np.exp(-t * 30)))) * np.exp(-t * 12)
    for beat in range(int(seconds * 2)):
        at, chord = beat * RATE // 2, chords[beat // 4 % 4]
        for k, frequency in enumerate(chord):
            sound = tone(frequency * (1 + beat % 2), 0.9)
            pan = 0.3 + 0.2 * k
            out[at:at + len(sound)] += 0.25 * np.stack([sound * (1 - pan), sound * pan], axis=1)
        bass = tone(chord[0] / 4, 0.6, 4)
        out[at:at + len(bass)] += 0.35 * bass[:, None]
        out[at:at + len(drum)] += 0.8 * drum[:, None]
        for half in (0, RATE // 4):
            side = (beat + half) % 2
            out[at + half:at + half + len(hat), side] += 0.12 * hat
    return out[:n]


def at_level(sound, target_lufs, folder):
    """Brought to TARGET; where that needs more than full scale, saturated as loud records are."""
    path, gain = folder / "level.wav", 1.0
    for _ in range(12):
        level = np.tanh(sound * gain) if target_lufs > -16 else sound * gain
        level = level * min(1.0, 0.98 / max(np.max(np.abs(level)), 1e-9)) if target_lufs <= -16 else level * 0.98
        write_wav(path, level)
        got = loudness(path)[0]
        if abs(got - target_lufs) < 0.1:
            break
        gain *= 10 ** ((target_lufs - got) / 20 * (1.0 if target_lufs <= -16 else 1.5))
    return level


def make(folder):
    """The programme in FOLDER, made once: (path, [(name, start_s, length_s, lufs)])."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"programme-{VERSION}.wav"
    sections = [(name, i * SECTION_S, SECTION_S, lufs) for i, (name, _, lufs) in enumerate(SECTIONS)]
    if path.exists():
        return path, sections
    random = np.random.default_rng(1770)
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        sound = {"speech": speech("en-gb", 165, SECTION_S, work), "quiet": speech("en-us+f3", 155, SECTION_S, work),
                 "music": music(SECTION_S, random)}
        bed = at_level(music(SECTION_S, random), -20.0, work)
        sound["both"] = at_level(speech("en-gb+m3", 170, SECTION_S, work), -17.0, work) + bed
        parts = [at_level(sound[kind], lufs, work) for _, kind, lufs in SECTIONS]
        write_wav(path.with_suffix(".part"), np.concatenate(parts))
        path.with_suffix(".part").rename(path)
    return path, sections
