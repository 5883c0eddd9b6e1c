"""mixctl ddp: sets made by hand from the public description, sound and broken in every way."""

import hashlib
import wave
import zlib

import numpy

import ddp_parse
import rig
import tap

RECORDS = """
VVVS0000  00000001              0123456789012
VVVS0100  00000001  USABC1234567
VVVS0101  00020001
VVVS0200  00100001
VVVS0201  00120001
VVVSAA01  00220001
VVVSAA01  00220001
""".split("\n")[1:-1]


def pack(kind, track, sequence, position, data):
    head = bytes([kind, track, sequence, position]) + data.ljust(12, b"\0")
    return head + ddp_parse.crc16(head).to_bytes(2, "big")


def packs():
    sizes = bytearray(36)
    sizes[1:3] = b"\x01\x02"
    sizes[4], sizes[19], sizes[20], sizes[28] = 2, 3, 4, 9
    parts = [(0x80, 0, b"Album\0Eins\0Z"), (0x80, 2, b"wei\0")]
    return b"".join(
        [pack(0x80, 0, 0, 0, parts[0][2]), pack(0x80, 2, 1, 1, parts[1][2])]
        + [pack(0x8F, i, 2 + i, 0, bytes(sizes[12 * i : 12 * i + 12])) for i in range(3)]
    )


def stream(kind, length, name, **fields):
    record = bytearray(b" " * 128)
    record[0:6] = b"VVVM" + kind
    record[14:22] = b"%8d" % length
    record[71:74] = b" 17"
    record[74 : 74 + len(name)] = name
    for at, value in fields.items():
        at = int(at[1:])
        record[at : at + len(value)] = value
    return bytes(record)


def make(name, change=None, sums=True):
    """A good set; CHANGE may do anything to its files {name: bytes} before the sums are made."""
    folder = rig.FOLDER / name
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    image = numpy.random.default_rng(1).integers(-9000, 9000, 22 * 44100 * 2).astype("<i2").tobytes()
    files = {
        "DDPID": b"DDP 2.00" + b"0123456789012".ljust(79) + b"CD".ljust(41),
        "CDTEXT.BIN": packs(),
        "SD": "".join(r.ljust(64) for r in RECORDS).encode(),
        "IMAGE.DAT": image,
    }
    files["DDPMS"] = (
        stream(b"S0", 90, b"CDTEXT.BIN", _30=b"CDTEXT", _55=b"00")
        + stream(b"S0", 448, b"SD", _30=b"PQ DESCR")
        + stream(b"D0", 1650, b"IMAGE.DAT", _38=b"DA71", _46=b" 150")
    )
    if change:
        change(files)
    for key, data in files.items():
        (folder / key).write_bytes(data)
    if sums:
        (folder / "CHECKSUM.MD5").write_text(
            "".join(f"{hashlib.md5(d).hexdigest()} *{k}\n" for k, d in files.items())
        )
        (folder / "CHECKSUM.TXT").write_text(
            "[CRC32 Checksum]\n" + "".join(f"{k}={zlib.crc32(d):08X}\n" for k, d in files.items())
        )
    return folder


def test_a_good_set():
    make("good")
    assert "0 failed, 0 warnings" in rig.out("ddp", "check", "good")
    show = rig.ask("ddp", "show", "good")
    assert show["title"] == "Album" and [t["title"] for t in show["items"]] == ["Eins", "Zwei"]
    assert show["items"][1]["index00"] == "00:10:00" and show["items"][1]["index01"] == "00:12:00"
    assert show["items"][0]["isrc"] == "USABC1234567" and show["lead_out"] == "00:22:00"


def test_extracted_tracks_are_the_image():
    folder = make("set")
    disc_image = (folder / "IMAGE.DAT").read_bytes()
    assert not rig.mixctl("ddp", "extract", "set", "-o", "tracks", code=0).stderr
    cuts = [150, 900, 1650]
    for number in (1, 2):
        with wave.open(str(rig.FOLDER / f"tracks/track{number:02}.wav")) as file:
            assert file.getframerate() == 44100 and file.getsampwidth() == 2
            data = file.readframes(file.getnframes())
        assert data == disc_image[cuts[number - 1] * 2352 : cuts[number] * 2352]
    rig.out("ddp", "extract", "set", "-o", "one", "--track", "2", "--flac")
    assert sorted(p.name for p in (rig.FOLDER / "one").iterdir()) == ["track02.flac"]
    raw = rig.tool("ffmpeg", "-v", "error", "-i", rig.FOLDER / "one/track02.flac", "-f", "s16le", "-", text=False)
    assert raw == disc_image[900 * 2352 : 1650 * 2352]
    assert "tracks 1 to 2" in rig.err("ddp", "extract", "set", "-o", "two", "--track", "3", code=4)
    assert not (rig.FOLDER / "two").exists() and not rig.leftovers()


def samples(path):
    with wave.open(str(rig.FOLDER / path)) as file:
        return file.readframes(file.getnframes())


def late_start(sound):
    """Track 1 begins at 00:06:00; before it SOUND, (first sector, number of sectors)."""

    def change(files):
        image = bytearray(files["IMAGE.DAT"])
        image[: 450 * 2352] = bytes(450 * 2352)
        at, n = sound[0] * 2352, sound[1] * 2352
        image[at : at + n] = files["IMAGE.DAT"][at : at + n]
        files["IMAGE.DAT"] = bytes(image)
        files["SD"] = files["SD"].replace(b"VVVS0101  00020001", b"VVVS0101  00060001")
        files["DDPMS"] = files["DDPMS"].replace(b" 150", b" 450")

    return change


def test_what_sounds_before_track_1_is_track_0():
    folder = make("hidden", late_start((200, 100)))
    image = (folder / "IMAGE.DAT").read_bytes()
    assert "track00.wav  what sounds before track 1" in rig.out("ddp", "extract", "hidden", "-o", "h")
    assert sorted(p.name for p in (rig.FOLDER / "h").iterdir()) == ["track00.wav", "track01.wav", "track02.wav"]
    assert samples("h/track00.wav") == image[150 * 2352 : 450 * 2352]
    assert samples("h/track01.wav") == image[450 * 2352 : 900 * 2352]
    item = rig.ask("ddp", "extract", "hidden", "-o", "h0", "--track", "0", "--flac")["items"]
    assert item == [{"track": 0, "file": "track00.flac", "sectors": 300}], item
    raw = rig.tool("ffmpeg", "-v", "error", "-i", rig.FOLDER / "h0/track00.flac", "-f", "s16le", "-", text=False)
    assert raw == image[150 * 2352 : 450 * 2352]
    # where no drive reads: only when it sounds
    image = (make("early", late_start((149, 1))) / "IMAGE.DAT").read_bytes()
    rig.out("ddp", "extract", "early", "-o", "e")
    assert samples("e/track00.wav") == image[: 450 * 2352]


def test_silence_before_track_1_is_no_track():
    make("silent", late_start((0, 0)))
    rig.out("ddp", "extract", "silent", "-o", "s")
    assert sorted(p.name for p in (rig.FOLDER / "s").iterdir()) == ["track01.wav", "track02.wav"]
    assert "nothing sounds before them" in rig.err("ddp", "extract", "silent", "-o", "s0", "--track", "0", code=4)
    assert not (rig.FOLDER / "s0").exists()


def broken(words, change, code=1):
    make("broken", change)
    got = rig.mixctl("ddp", "check", "broken", code=code)
    assert "FAILED" in got.stdout and words in got.stdout, (words, got.stdout)


def replace(name, old, new):
    def change(files):
        assert old in files[name]
        files[name] = files[name].replace(old, new, 1)

    return change


def test_every_fault_has_a_verdict():
    broken("DDPMS says", lambda f: f.update({"IMAGE.DAT": f["IMAGE.DAT"][:-2352]}))
    broken("the file is missing", lambda f: f.pop("IMAGE.DAT"))
    broken("the file is missing", lambda f: f.pop("CDTEXT.BIN"))
    broken("names no PQ descriptor", replace("DDPMS", b"PQ DESCR", b"PQ WRONG"))
    broken("names no audio image", replace("DDPMS", b"DA71", b"1071"))
    broken("names no file", replace("DDPMS", b"SD ".ljust(17), b"../SD".ljust(17)))
    broken("it is 256 bytes long", lambda f: f.update(DDPID=f["DDPID"] * 2))
    broken("record 2 is not one of a map", lambda f: f.update(DDPMS=f["DDPMS"][:128] + b"x" * 128 + f["DDPMS"][256:]))
    broken("is no PQ descriptor", replace("SD", b"VVVS0000", b"VVVX0000"))
    broken("not a record of track", replace("SD", b"00120001", b"00127501"))
    broken("track 3 where track 2 belongs", lambda f: f.update(SD=f["SD"].replace(b"VVVS02", b"VVVS03")))
    broken("index 02 of track 2 where index 01", replace("SD", b"VVVS0201", b"VVVS0202"))
    broken("there 1 times", lambda f: f.update(SD=f["SD"][:-64]))
    broken("no lead-in", lambda f: f.update(SD=f["SD"][64:]))
    broken("flags change", replace("SD", b"00020001", b"00020021"))
    broken("no ISRC", replace("SD", b"USABC1234567", b"U1ABC1234567"))
    broken("3.00 s long; a track of a CD has at least 4 s", replace("SD", b"00120001", b"00190001"))
    broken("index 01 is at 00:01:00", replace("SD", b"00020001", b"00010001"))
    broken("the lead-out is at", lambda f: f.update(SD=f["SD"].replace(b"00220001", b"00210001")))
    broken("its CRC is", replace("CDTEXT.BIN", b"Eins", b"Zins"))
    broken("packs of type", lambda f: f.update({"CDTEXT.BIN": f["CDTEXT.BIN"][18:]}))


def test_sums_are_compared():
    folder = make("sums")
    image = bytearray((folder / "IMAGE.DAT").read_bytes())
    image[1000] ^= 1
    (folder / "IMAGE.DAT").write_bytes(image)
    got = rig.out("ddp", "check", "sums", code=1)
    assert "its MD5 is" in got and "its CRC-32 is" in got and "ask for the set again" in got
    said = rig.mixctl("ddp", "extract", "sums", "-o", "doubtful", code=0).stderr
    assert "something is wrong with this set: see ddp check" in said, said
    assert {"track01.wav", "track02.wav"} <= {p.name for p in (rig.FOLDER / "doubtful").iterdir()}
    make("sums", sums=False)
    (rig.FOLDER / "sums/CHECKSUM.MD5").unlink(missing_ok=True)
    (rig.FOLDER / "sums/CHECKSUM.TXT").unlink(missing_ok=True)
    assert "no checksums" in rig.out("ddp", "check", "sums")
    rows = rig.ask("ddp", "check", "sums")
    assert rows["is_good"] is True and rows["warnings"] == 1 and {"item", "verdict", "text", "remedy"} <= set(rows["items"][0])


def test_what_is_no_set():
    (rig.FOLDER / "empty").mkdir()
    assert "DDPID" in rig.err("ddp", "check", "empty", code=4)
    assert "DDPID" in rig.err("ddp", "show", "missing", code=4)
    make("nomap", lambda f: f.pop("DDPMS"))
    assert "DDPMS" in rig.err("ddp", "check", "nomap", code=4)
    make("odd", lambda f: f.update(DDPID=b"hello"))
    rig.err("ddp", "check", "odd", code=5)
    assert "did you mean check" in rig.err("ddp", "chekc", "set", code=2)
    assert "-o DIR" in rig.err("ddp", "extract", str(make("set")), code=2)


def test_noise_in_every_file_is_an_answer():
    """Bytes changed at random: a verdict or a refusal, never a crash."""
    random = numpy.random.default_rng(7)
    for turn in range(24):
        def change(files):
            for name in ("DDPID", "DDPMS", "SD", "CDTEXT.BIN"):
                data = bytearray(files[name])
                for _ in range(int(random.integers(1, 6))):
                    data[int(random.integers(len(data)))] = int(random.integers(256))
                files[name] = bytes(data[: int(random.integers(1, len(data) + 1))] if turn % 3 == 0 else data)

        make("noise", change)
        for verb in ("check", "show"):
            got = rig.mixctl("ddp", verb, "noise", code=None)
            assert got.returncode in (0, 1, 4, 5), (turn, got)


tap.run(globals(), rig.done)
