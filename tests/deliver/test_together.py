"""Many files of one call get their names together or not at all: a failure in the middle leaves all as it was."""

import fcntl
import hashlib
import os
import subprocess

import numpy

import rig
import tap
from interrupting import start, unmount, wait_for

WORK = rig.FOLDER / "work"
SESSION = """mixd: 1
nodes:
  in: {type: input, layout: stereo}
  eq: {type: eq}
  out: {type: output, layout: stereo}
links: [in -> eq -> out]
"""


def prepare():
    if WORK.exists():
        return
    WORK.mkdir()
    sound = numpy.random.default_rng(1).normal(0, 0.1, (44100 * 30, 2)).clip(-0.9, 0.9)
    rig.write_wav(WORK / "in.wav", sound, 44100, 16)
    (WORK / "chain.yaml").write_text(SESSION)
    (WORK / "album.yaml").write_text(
        "title: T\nartist: A\nmode: none\ntracks:\n  - {file: in.wav, title: One}\n  - {file: in.wav, title: Two}\n"
    )


def digests(folder):
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "folder"
        for p in sorted(folder.rglob("*"))
    }


def render(goals, in_the_way=None):
    """All of GOALS in one pass; IN_THE_WAY becomes a folder while they are written."""
    words = ["render", "chain.yaml", "-i", "in.wav"]
    for name in goals:
        words += ["-o", f"{'eq' if 'eq' in name else 'out'}={name}"]
    process = start(words, WORK)
    if in_the_way:
        wait_for(lambda: len(rig.leftovers(WORK)) == len(goals) or process.poll() is not None)
        (WORK / in_the_way).unlink(missing_ok=True)
        (WORK / in_the_way).mkdir()
    out, err = process.communicate(timeout=120 * rig.PATIENCE)
    return process.returncode, out + err


def test_outputs_of_a_render():
    prepare()
    goals = ("one/a.wav", "one/eq.flac", "two/b.wav", "two/eq2.wav")
    for folder in ("one", "two"):
        (WORK / folder).mkdir()
    for before in (False, True):
        for in_the_way in goals[1:]:
            for name in goals:
                (WORK / name).unlink(missing_ok=True)
                if before:
                    (WORK / name).write_text(f"old {name}")
            code, said = render(goals, in_the_way)
            assert code == 8 and in_the_way in said, (in_the_way, code, said)
            (WORK / in_the_way).rmdir()
            for name in goals:
                there = (WORK / name).exists()
                assert there == (before and name != in_the_way), (in_the_way, name, said)
                assert not there or (WORK / name).read_text() == f"old {name}", (in_the_way, name)
            assert not rig.leftovers(), rig.leftovers()
    assert render(goals)[0] == 0 and not rig.leftovers()
    assert all((WORK / name).stat().st_size > 100000 for name in goals)


def test_the_place_of_a_master():
    prepare()
    folder = rig.FOLDER / "place"
    (folder / "store").mkdir(parents=True)
    # a link stays a link, what it leads to is replaced and leaves its permissions, as by `render`
    real, link = folder / "store/real.wav", folder / "newest.wav"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to("store/real.wav")
    rig.mixctl("master", "in.wav", "-o", link, "--spec", "spotify", cwd=WORK)
    assert os.readlink(link) == "store/real.wav" and real.stat().st_mode & 0o777 == 0o640
    assert rig.ask("measure", real, "--only", "loudness")["items"][0]["container"] == "wav"
    # a name may be as long as names can be
    long = folder / ("x" * 251 + ".wav")
    rig.mixctl("master", "in.wav", "-o", long, "--spec", "spotify", cwd=WORK)
    assert long.exists() and not rig.leftovers(folder)
    # from the first step to the last nobody else writes it: not only while samples are written
    held, before = folder / "store/.real.wav.abcdef.part", real.read_bytes()
    with open(held, "wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        said = rig.err("master", "in.wav", "-o", link, "--spec", "ebu-r128", cwd=WORK, code=6)
        assert f"{link}: is being written by somebody else" in said and ".master" not in said, said
    held.unlink()
    assert real.read_bytes() == before and not rig.leftovers(folder)


def album(code=0, title="T"):
    text = (WORK / "album.yaml").read_text()
    (WORK / "album.yaml").write_text(f"title: {title}\n" + text.split("\n", 1)[1])
    return rig.mixctl("album", "album.yaml", "-o", "disc", "--cue", "--pq", "--ddp", "--tracks", "flac", cwd=WORK,
                      code=code)  # fmt: skip


def test_an_album_whose_place_is_taken():
    """Entries are put in place in their order: DDP, T.cue, T.pq.html, T.pq.txt, T.wav, flac."""
    prepare()
    album()
    disc = WORK / "disc"
    (disc / "notes.txt").write_text("mine")
    kept = digests(disc)
    assert len(kept) > 8, kept
    # the sound is another, so all that is new differs
    (WORK / "chain.yaml").write_text(SESSION.replace("{type: eq}", "{type: gain, gain: -3dB}"))
    with open(WORK / "album.yaml", "a", encoding="utf-8") as file:
        file.write("chain: chain.yaml\n")
    for name, kind in (("T.wav", "folder"), ("T.cue", "folder"), ("flac", "file"), ("DDP", "file")):
        place, aside = disc / name, WORK / "aside"
        place.rename(aside)
        place.write_text("in the way") if kind == "file" else place.mkdir()
        before = digests(disc)
        said = album(code=6).stderr
        assert name in said and f"it is a {kind}" in said and "-o" in said, said
        assert digests(disc) == before, name
        assert not rig.leftovers(), rig.leftovers()
        place.unlink() if kind == "file" else place.rmdir()
        aside.rename(place)
    assert digests(disc) == kept
    album()
    fresh = digests(disc)
    assert set(fresh) == set(kept) and not rig.leftovers()
    assert all(fresh[name] != kept[name] for name in ("T.wav", "DDP/IMAGE.DAT", "T.pq.txt")), fresh
    assert (disc / "notes.txt").read_text() == "mine"


def test_an_album_over_what_cannot_be_moved():
    """The last entry is a mount: the system refuses the rename itself, after all others have been moved."""
    prepare()
    album()
    disc = WORK / "disc"
    before = {name: sum_ for name, sum_ in digests(disc).items() if not name.startswith("flac")}
    done = subprocess.run(["mount", "-t", "tmpfs", "mixd-test", disc / "flac"], capture_output=True, check=False)
    if done.returncode:
        raise tap.Skip("nothing can be mounted here")
    try:
        said = album(code=8, title="Other").stderr
        assert "flac" in said and "cannot be put in its place" in said, said
        left = digests(disc)
        left.pop("flac")
        assert left == before, (left, before)
        assert not rig.leftovers(), rig.leftovers()
    finally:
        unmount(disc / "flac")
    album(title="Other")
    assert (disc / "Other.wav").exists() and (disc / "T.wav").exists() and not rig.leftovers()


tap.run(globals(), rig.done)
