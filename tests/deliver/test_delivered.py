"""What master delivers passes check: ten programmes and a surround one, for five specs, lossy files included."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy

import programmes
import rig
import tap

SECONDS = 5.0
# What is delivered for spotify, and for apple-music.
STEREO = {
    "voice": ("mp3", "m4a"), "talk over music": ("opus", "mp3"), "pop": ("m4a", "opus"), "piano": ("ogg", "flac"),
    "orchestra": ("flac", "m4a"), "tone": ("mp3", "ogg"), "pink noise": ("m4a", "mp3"), "bursts": ("flac", "opus"),
    "clipped": ("mp3", "m4a"), "faint": ("opus", "flac"), "surround": ("flac", "flac"),
}  # fmt: skip
SAID = {}


def source(kind):
    path = rig.FOLDER / f"{kind}.wav"
    if not path.exists():
        rig.write_wav(path, programmes.programme(kind, SECONDS))
    return path


def deliver(kind, specs, endings, *more, check_more=()):
    """Master KIND to SPECS; each file of them by check. What was wrong, in words."""
    names = [f"{kind}-{spec}.{ending}" for spec, ending in zip(specs, endings)]
    args = [w for spec, name in zip(specs, names) for w in ("--spec", spec, "-o", name)]
    made = rig.mixctl("master", source(kind), *args, *more, "--force", "-o", "json", code=None)
    if made.returncode:
        return [f"{names}: master ended with {made.returncode}\n{made.stdout[-1500:]}{made.stderr}"]
    wrong = []
    for spec, name in zip(specs, names):
        seen = rig.mixctl("check", name, "--spec", spec, *check_more, "-o", "json", code=None)
        if seen.returncode:
            item = json.loads(seen.stdout)["items"][0] if seen.returncode == 1 else {}
            bad = [c for c in item.get("clauses", []) if c["state"] in ("fail", "unknown")]
            wrong.append(f"{name}: check ended with {seen.returncode} {bad} {seen.stderr}")
    return wrong


def all_kinds(work, kinds=programmes.KINDS):
    for kind in kinds:
        source(kind)
    with ThreadPoolExecutor(2) as pool:
        wrong = [line for lines in pool.map(work, kinds) for line in lines]
    assert not wrong, "\n".join(wrong)


def test_production_streaming_and_a_player():
    all_kinds(lambda kind: deliver(kind, ("ebu-r128", "spotify", "apple-music"), ("wav", *STEREO[kind])))


def test_audiobook():
    kinds = [kind for kind in programmes.KINDS if kind != "surround"]
    all_kinds(lambda kind: deliver(kind, ("acx",), ("mp3",)), kinds)


def test_an_audiobook_without_room_at_its_ends():
    whole = programmes.programme("voice", SECONDS)
    trimmed = whole[int(0.75 * programmes.RATE) : -int(1.4 * programmes.RATE)]
    rig.write_wav(rig.FOLDER / "trimmed.wav", trimmed)
    assert not deliver("trimmed", ("acx",), ("mp3",))


def test_film_by_ranges():
    words = ("--speech", programmes.speech(SECONDS))
    kinds = [kind for kind in programmes.KINDS if kind != "voice"]
    all_kinds(lambda kind: deliver(kind, ("netflix",), ("wav",), *words, check_more=words), kinds)


def test_mono_is_no_film():
    made = rig.ask("master", source("voice"), "-o", "film.wav", "--spec", "netflix", "--speech",
                   programmes.speech(SECONDS), code=1)  # fmt: skip
    item = made["items"][0]
    assert not item["is_met"], item
    assert [c["clause"] for c in item["clauses"] if c["state"] == "fail"] == ["channels"], item


def test_no_way_is_said():
    """Even when it is forced, what loudness asks for is not made out of room tone."""
    rest = 1e-4 * numpy.random.default_rng(1).standard_normal((5 * programmes.RATE, 1))
    rest[::24000] = 0.9  # clicks, and nothing else
    rig.write_wav(rig.FOLDER / "clicks.wav", rest)
    said = rig.err("master", "clicks.wav", "-o", "loud.wav", "--spec", "spotify", "--force", code=5)
    assert "the programme leaves no way" in said and "-s" in said, said
    assert not (rig.FOLDER / "loud.wav").exists() and not rig.leftovers(), rig.leftovers()


tap.run(globals(), rig.done)
