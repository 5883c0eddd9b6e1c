"""Programmes as they come to a mastering room, made by numbers: what is loud, soft, dense, sparse, clipped.

Each begins with 0.8 s of room tone and ends with 1.5 s of it, as an audiobook asks for; `speech` says where
somebody speaks (everywhere, in those without a voice: a range is a range).
"""

import numpy

RATE = 48000
HEAD_S, TAIL_S = 0.8, 1.5


def noise(random, n, channels=2):
    return random.standard_normal((n, channels))


def pink(random, n):
    """By its spectrum: 3 dB less per octave."""
    half = random.standard_normal(n // 2 + 1) + 1j * random.standard_normal(n // 2 + 1)
    x = numpy.fft.irfft(half / numpy.sqrt(numpy.maximum(numpy.arange(n // 2 + 1), 20)), n)
    return x / x.std()


def voice(random, n, rate=RATE):
    """Syllables of a low voice: a pulse train in two formants, with pauses between phrases."""
    t = numpy.arange(n) / rate
    hz = 115 + 12 * numpy.sin(2 * numpy.pi * 0.7 * t)
    x = sum(numpy.sin(2 * numpy.pi * h * numpy.cumsum(hz) / rate) / h**0.7
            * (numpy.exp(-(((h * 115 - 550) / 260) ** 2)) + 0.4 * numpy.exp(-(((h * 115 - 1700) / 500) ** 2)))
            for h in range(1, 30))  # fmt: skip
    level = numpy.zeros(n)
    at = 0
    while at < n:
        length = int(rate * random.uniform(0.09, 0.22))
        level[at : at + length] = random.uniform(0.4, 1) * numpy.hanning(length)[: n - at]
        at += length + int(rate * (0.45 if random.random() < 0.12 else 0.03))
    return 0.3 * x * level


def notes(random, n, decay_s, per_s, rate=RATE):
    """A tune of decaying notes, placed left and right."""
    x = numpy.zeros((n, 2))
    for at in range(0, n, int(rate / per_s)):
        t = numpy.arange(min(n - at, int(6 * decay_s * rate))) / rate
        hz = 110 * 2 ** (random.integers(0, 30) / 12)
        tone = sum(numpy.sin(2 * numpy.pi * hz * h * t) / h**1.5 for h in (1, 2, 3, 5)) * numpy.exp(-t / decay_s)
        place = random.uniform(0.2, 0.8)
        x[at : at + len(t)] += (tone * numpy.minimum(1, t * 300))[:, None] * [place, 1 - place]
    return x


def beat(random, n, rate=RATE):
    t = numpy.arange(n) / rate
    kick = numpy.sin(2 * numpy.pi * 55 * (t % 0.5)) * numpy.exp(-14 * (t % 0.5))
    snare = random.standard_normal(n) * numpy.exp(-25 * ((t + 0.25) % 0.5))
    return kick + 0.5 * snare


def body(kind, random, n):
    two = numpy.ones((1, 2))
    t = numpy.arange(n)[:, None] / RATE
    if kind == "voice":
        return voice(random, n)[:, None]
    if kind == "talk over music":
        return voice(random, n)[:, None] * two + 0.06 * notes(random, n, 0.5, 3)
    if kind == "pop":  # dense and already loud
        return numpy.tanh(1.8 * (0.5 * notes(random, n, 0.3, 6) + 0.8 * beat(random, n)[:, None])) * 0.97
    if kind == "piano":
        return 0.12 * notes(random, n, 0.7, 2.2)
    if kind == "orchestra":  # 40 dB between its quiet and its loud
        return notes(random, n, 1.2, 4) * 0.35 * 10 ** (-2 * numpy.abs(numpy.cos(numpy.pi * t / (n / RATE))))
    if kind == "tone":
        return 0.2 * numpy.sin(2 * numpy.pi * 997 * t) * two
    if kind == "pink noise":
        return 0.1 * numpy.stack([pink(random, n), pink(random, n)], 1)
    if kind == "bursts":
        return (0.2 * noise(random, n) + 0.4 * numpy.sin(2 * numpy.pi * 300 * t)) * ((t % 1.3) < 0.7)
    if kind == "clipped":
        return numpy.clip(3 * notes(random, n, 0.4, 5) + 2 * beat(random, n)[:, None], -1, 1)
    if kind == "faint":  # 50 dB too low
        return 0.0015 * (notes(random, n, 0.5, 3) + voice(random, n)[:, None])
    return numpy.stack(  # surround: L R C LFE Ls Rs
        [*(0.2 * notes(random, n, 0.5, 3)).T, voice(random, n), 0.2 * numpy.sin(2 * numpy.pi * 45 * t[:, 0]),
         *(0.05 * noise(random, n)).T], 1)  # fmt: skip


KINDS = ("voice", "talk over music", "pop", "piano", "orchestra", "tone", "pink noise", "bursts", "clipped",
         "faint", "surround")  # fmt: skip


def programme(kind, seconds=8.0):
    """Frames x channels at RATE."""
    random = numpy.random.default_rng(KINDS.index(kind) + 1)
    sound = body(kind, random, int(seconds * RATE))
    edge = numpy.linspace(0, 1, RATE // 100)[:, None]
    sound[: len(edge)] *= edge
    sound[-len(edge) :] *= edge[::-1]
    room = 10 ** (-(125 if kind == "faint" else 90) / 20)
    whole = numpy.concatenate(
        [numpy.zeros((int(HEAD_S * RATE), sound.shape[1])), sound, numpy.zeros((int(TAIL_S * RATE), sound.shape[1]))]
    )
    return numpy.clip(whole + room * noise(random, *whole.shape), -1, 1)


def speech(seconds=8.0):
    """Where it sounds, as --speech takes it."""
    return f"{HEAD_S}-{HEAD_S + seconds}"
