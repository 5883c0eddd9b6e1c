"""Tags in every container: written by media_write.h, read by programs and parsers that are not ours, and by
media_read.h; files that others wrote; what is malformed."""

import re
import struct
import subprocess

import media_rig as rig
import tap

TITLE = "Là où — 音楽 🎵"
MARKS = [(0, "Kapitel ü 1"), (49968, "Kapitel ü 2"), (99936, "Kapitel ü 3")]
PNG_BYTES = 69


# ---- parsers from the specifications ----


def riff_chunks(data):
    """[(id, contents)], LIST as "LIST:INFO"; checks sizes to the byte."""
    assert data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE"
    size = struct.unpack("<I", data[4:8])[0]
    if data[:4] == b"RF64":
        assert size == 0xFFFFFFFF and data[12:16] == b"ds64"
        size = struct.unpack("<Q", data[20:28])[0]
    assert size == len(data) - 8
    chunks, at = [], 12
    while at < len(data):
        name, n = struct.unpack("<4sI", data[at : at + 8])
        if name == b"data" and n == 0xFFFFFFFF:
            n = struct.unpack("<Q", data[28:36])[0]
        body = data[at + 8 : at + 8 + n]
        assert len(body) == n, (name, n, len(body))
        chunks.append((name.decode() + (":" + body[:4].decode() if name == b"LIST" else ""), body))
        at += 8 + n + n % 2
    assert at == len(data)
    return chunks


def sub_chunks(body):
    at, result = 4, []
    while at < len(body):
        name, n = struct.unpack("<4sI", body[at : at + 8])
        result.append((name.decode("latin1"), body[at + 8 : at + 8 + n]))
        at += 8 + n + n % 2
    assert at == len(body), (at, len(body))
    return result


def syncsafe(data):
    assert not any(b & 0x80 for b in data), data
    return data[0] << 21 | data[1] << 14 | data[2] << 7 | data[3]


def id3_frames(data):
    at, result = 0, []
    while at < len(data):
        name, size = data[at : at + 4].decode(), syncsafe(data[at + 4 : at + 8])
        assert re.fullmatch("[A-Z0-9]{4}", name) and data[at + 8 : at + 10] == b"\0\0"
        result.append((name, data[at + 10 : at + 10 + size]))
        at += 10 + size
    assert at == len(data)
    return result


def id3(data):
    assert data[:6] == b"ID3\4\0\0"
    size = syncsafe(data[6:10])
    return id3_frames(data[10 : 10 + size]), 10 + size


def atoms(data, path=""):
    """path -> contents of leaves, by types joined with /."""
    found, at = {}, 0
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        assert 8 <= size <= len(data) - at, (path, name, size)
        here = path + "/" + name.decode("latin1")
        body = data[at + 8 : at + size]
        if name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"ilst", b"edts") or path.endswith("ilst"):
            for key, value in atoms(body, here).items():
                found.setdefault(key, []).extend(value)
        elif name == b"meta":
            for key, value in atoms(body[4:], here).items():
                found.setdefault(key, []).extend(value)
        else:
            found.setdefault(here, []).append(body)
        at += size
    return found


# ---- WAV and RF64 ----


def check_bext(body):
    assert body[:256].rstrip(b"\0") == b"A long story" and body[256:288].rstrip(b"\0") == b"mixd"
    assert body[288:320].rstrip(b"\0") == b"REF0001" and body[320:338] == b"2024-05-1712:34:56"
    low, high, version = struct.unpack("<IIH", body[338:348])
    assert low + (high << 32) == 5000000000 and version == 2 and body[348:412] == b"\x5a" * 64
    assert struct.unpack("<5h", body[412:422]) == (-1900, 1234, -101, -1550, 0x7FFF)
    assert body[422:602] == bytes(180)
    assert body[602:].rstrip(b"\0") == b"A=PCM,F=48000,W=24,M=stereo,T=mixd\r\n"


def check_cues(chunks):
    cues = chunks["cue "]
    n = struct.unpack("<I", cues[:4])[0]
    entries = [struct.unpack("<II4sIII", cues[4 + 24 * i : 28 + 24 * i]) for i in range(n)]
    labels = sub_chunks(chunks["LIST:adtl"])
    names = {struct.unpack("<I", b[:4])[0]: b[4:].rstrip(b"\0").decode() for t, b in labels if t == "labl"}
    assert [(e[5], names[e[0]]) for e in entries] == MARKS
    assert all(e[2] == b"data" and e[3] == e[4] == 0 for e in entries)
    (region,) = [b for t, b in labels if t == "ltxt"]
    assert struct.unpack("<II4s", region[:12]) == (2, 4800, b"rgn ")


def check_riff(path):
    chunks = riff_chunks(path.read_bytes())
    names = [c[0] for c in chunks if c[0] != "JUNK"]
    assert len(set(names)) == len(names), names
    assert all(names.index(n) < names.index("data") for n in ("bext", "iXML", "cue ", "LIST:adtl", "LIST:INFO")), names
    chunks = dict(chunks)
    check_bext(chunks["bext"])
    check_cues(chunks)
    info = {t: b.rstrip(b"\0").decode() for t, b in sub_chunks(chunks["LIST:INFO"])}
    assert info["INAM"] == TITLE and info["IART"] == "Björk & <Sons>; Second" and info["ICRD"] == "2024-05-17"
    xml = chunks["iXML"].decode().rstrip("\n")
    assert xml.startswith("<?xml") and "<CHANNEL_INDEX>2</CHANNEL_INDEX>" in xml
    assert "<INTERLEAVE_INDEX>1</INTERLEAVE_INDEX>" in xml and "<NAME>L</NAME>" in xml
    return chunks


def test_wav():
    check_riff(rig.files()["wav"])


def test_rf64():
    check_riff(rig.files()["rf64"])


def test_ixml_is_xml():
    import xml.etree.ElementTree as tree

    chunks = dict(riff_chunks(rig.files()["wav"].read_bytes()))
    root = tree.fromstring(chunks["iXML"].decode().strip())
    assert root.tag == "BWFXML" and root.find("PROJECT").text == "Album 100 %"
    assert root.find("SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO").text == str(5000000000 & 0xFFFFFFFF)
    assert [t.find("NAME").text for t in root.findall("TRACK_LIST/TRACK")] == ["L", "R"]


def test_what_has_grown_goes_behind_the_samples():
    for name in ("wav", "rf64"):
        path = rig.files("short")[name]
        chunks = riff_chunks(path.read_bytes())
        names = [c[0] for c in chunks]
        assert names.index("LIST:INFO") > names.index("data") and names.index("bext") < names.index("data")
        assert "JUNK" in names and rig.read(path)["ALBUM"] == ["A name that has grown by far"]
        _, _, stream = rig.probe(path)
        assert stream["duration_ts"] == 150000
        assert rig.probe(path)[0]["album"] == "A name that has grown by far"


def test_bext_by_mediainfo():
    text = rig.tool("mediainfo", rig.files()["wav"])
    for line in ("LoudnessValue +: -19.00", "LoudnessRange +: 12.34", "MaxTruePeakLevel +: -1.01"):
        assert re.search(line, text), line
    assert "MaxShortTermLoudness" not in text


def test_nothing_is_written_unasked():
    for name, path in rig.files("bare").items():
        texts, chapters, _ = rig.probe(path)
        assert "title" not in texts and not chapters, (name, texts)
        if name in ("wav", "rf64"):
            assert not {"bext", "LIST:INFO", "cue ", "iXML"} & {c[0] for c in riff_chunks(path.read_bytes())}


# ---- MP3 ----


def test_id3():
    data = rig.files()["mp3"].read_bytes()
    frames, end = id3(data)
    texts = {n: b[1:].split(b"\0") for n, b in frames if n[0] == "T" and n != "TXXX"}
    assert all(b[0] == 3 for n, b in frames if n[0] == "T")
    assert texts["TIT2"][0].decode() == TITLE and texts["TRCK"] == [b"3/12"] and texts["TDRC"] == [b"2024-05-17"]
    assert [t.decode() for t in texts["TPE1"]] == ["Björk & <Sons>", "Second"]
    users = dict(b[1:].decode().split("\0") for n, b in frames if n == "TXXX")
    assert users["REPLAYGAIN_TRACK_GAIN"] == "+1.00 dB" and users["REPLAYGAIN_ALBUM_GAIN"] == "+3.00 dB"
    assert users["REPLAYGAIN_TRACK_PEAK"] == f"{10 ** (-1.01 / 20):.6f}" and users["MIX"] == "final"
    comments = {b[4:].split(b"\0")[0]: b[4:].split(b"\0")[1] for n, b in frames if n == "COMM"}
    norm = [int(w, 16) for w in comments[b"iTunNORM"].split()]
    assert len(norm) == 10 and norm[:4] == [501, 501, 1253, 1253]  # -16 - -19 = 3 dB
    (picture,) = [b for n, b in frames if n == "APIC"]
    assert picture.startswith(b"\0image/png\0\3\0\x89PNG") and len(picture) == 13 + PNG_BYTES
    # the stream begins right behind, with its Info frame
    assert data[end] == 0xFF and (b"Info" in data[end : end + 64] or b"Xing" in data[end : end + 64])


def chapters_of(frames):
    result = []
    for body in (b for n, b in frames if n == "CHAP"):
        name, rest = body.split(b"\0", 1)
        start, end, a, b = struct.unpack(">4I", rest[:16])
        assert a == b == 0xFFFFFFFF
        ((kind, title),) = id3_frames(rest[16:])
        assert kind == "TIT2"
        result.append((name.decode(), start, end, title[1:].decode()))
    return result


def tables_of(frames):
    result = {}
    for body in (b for n, b in frames if n == "CTOC"):
        name, rest = body.split(b"\0", 1)
        names = rest[2:].rstrip(b"\0").split(b"\0")
        assert rest[1] == len(names)
        result[name.decode()] = (rest[0], [n.decode() for n in names])
    return result


def test_id3_chapters():
    frames, _ = id3(rig.files()["mp3"].read_bytes())
    assert [c[1:] for c in chapters_of(frames)] == [
        (0, 1041, "Kapitel ü 1"),
        (1041, 1141, "Kapitel ü 2"),
        (2082, 3125, "Kapitel ü 3"),
    ]
    assert tables_of(frames) == {"toc": (3, ["chp0", "chp1", "chp2"])}


def test_id3_many_chapters():
    frames, _ = id3(rig.files("many")["mp3"].read_bytes())
    chapters, tables = chapters_of(frames), tables_of(frames)
    assert len(chapters) == 300 and tables["toc"] == (3, ["toc0", "toc1"])
    assert tables["toc0"][1] + tables["toc1"][1] == [c[0] for c in chapters]
    for name, path in rig.files("many").items():
        marks = rig.read(path).get("mark", [])
        assert len(marks) == (0 if name == "w64" else 300), (name, len(marks))


def test_mp3_is_gapless_behind_its_tag():
    raw = rig.tool("ffmpeg", "-v", "error", "-i", rig.files()["mp3"], "-f", "s16le", "-", text=False)
    assert len(raw) == 150000 * 4
    out = rig.FOLDER / "lame.raw"
    rig.tool("lame", "--quiet", "--decode", "-t", rig.files()["mp3"], out)
    assert out.stat().st_size == 150000 * 4


# ---- Vorbis comments ----


def check_comments(lines, is_opus=False):
    assert f"TITLE={TITLE}" in lines and "ARTIST=Second" in lines and "MIX=final" in lines
    assert "CHAPTER001=00:00:01.041" in lines and "CHAPTER001NAME=Kapitel ü 2" in lines
    gains = [line for line in lines if line.startswith(("REPLAYGAIN", "R128"))]
    if is_opus:
        assert sorted(gains) == ["R128_ALBUM_GAIN=-512", "R128_TRACK_GAIN=-1024"], gains
    else:
        assert "REPLAYGAIN_TRACK_GAIN=+1.00 dB" in gains and len(gains) == 5, gains


def test_flac():
    path = rig.files()["flac"]
    check_comments(rig.tool("metaflac", "--no-utf8-convert", "--export-tags-to=-", path).splitlines())
    blocks = rig.tool("metaflac", "--list", path)
    assert "type: 3 (Cover (front))" in blocks and "MIME type: image/png" in blocks and "width: 1" in blocks
    rig.tool("flac", "-t", "-s", path)


def test_ogg_vorbis():
    path = rig.files()["ogg"]
    check_comments(rig.tool("vorbiscomment", "-R", "-l", path).splitlines())


def test_opus():
    path = rig.files()["opus"]
    lines = [line.strip() for line in rig.tool("opusinfo", path).splitlines()]
    check_comments(lines, True)
    assert not [line for line in lines if line.startswith("WARNING")], lines


def test_ogg_pages_are_whole():
    """Numbers without a gap, check sums right, though comments took other pages than before."""
    table = []
    for i in range(256):
        word = i << 24
        for _ in range(8):
            word = (word << 1 ^ (0x04C11DB7 if word & 0x80000000 else 0)) & 0xFFFFFFFF
        table.append(word)
    for variant in ("", "many"):
        for name in ("ogg", "opus"):
            data, at, number = rig.files(variant)[name].read_bytes(), 0, 0
            while at < len(data):
                assert data[at : at + 4] == b"OggS", at
                segments = data[at + 26]
                size = 27 + segments + sum(data[at + 27 : at + 27 + segments])
                page = bytearray(data[at : at + size])
                got_number, got_crc = struct.unpack("<II", page[18:26])
                page[22:26] = bytes(4)
                crc = 0
                for byte in page:
                    crc = (crc << 8 & 0xFFFFFFFF) ^ table[crc >> 24 ^ byte]
                assert (got_number, got_crc) == (number, crc), (name, at, got_number, number)
                at, number = at + size, number + 1


# ---- M4A ----


def test_m4a():
    rig.need_helper()
    data = rig.files()["m4a"].read_bytes()
    found = atoms(data)
    order = [data.index(n) for n in (b"ftyp", b"moov", b"mdat")]
    assert order == sorted(order)  # the index first
    item = "/moov/udta/meta/ilst/"
    name = found[item + "\xa9nam/data"][0]
    assert name[:8] == b"\0\0\0\1\0\0\0\0" and name[8:].decode() == TITLE
    assert [v[8:].decode() for v in found[item + "\xa9ART/data"]] == ["Björk & <Sons>", "Second"]
    assert found[item + "trkn/data"][0][8:] == b"\0\0\0\3\0\x0c\0\0"
    cover = found[item + "covr/data"][0]
    assert cover[:4] == b"\0\0\0\x0e" and cover[8:12] == b"\x89PNG" and len(cover) == 8 + PNG_BYTES
    names = [v[4:].decode() for v in found[item + "----/name"]]
    values = [v[8:].decode() for v in found[item + "----/data"]]
    free = dict(zip(names, values))
    assert free["replaygain_track_gain"] == "+1.00 dB" and free["replaygain_album_gain"] == "+3.00 dB"
    assert free["iTunNORM"].split()[:4] == ["000001F5", "000001F5", "000004E5", "000004E5"]
    delay, padding, frames = (int(w, 16) for w in free["iTunSMPB"].split()[1:4])
    assert delay == 1024 and frames == 150000 and (delay + padding + frames) % 1024 == 0
    assert all(v[4:] == b"com.apple.iTunes" for v in found[item + "----/mean"])
    chapters = found["/moov/udta/chpl"][0]
    assert chapters[8] == 3


def test_m4a_offsets_follow():
    """Each chunk offset points to where its packets are: a decoder finds no fault."""
    rig.need_helper()
    done = subprocess.run(
        ["ffmpeg", "-v", "warning", "-i", rig.files()["m4a"], "-map", "0:a", "-f", "null", "-"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    # of the cover, which has no time
    faults = [line for line in done.stderr.splitlines() if "timescale not set" not in line]
    assert done.returncode == 0 and not faults, faults


# ---- all of them ----


def test_ffprobe_reads_all():
    for name, path in rig.files().items():
        texts, chapters, stream = rig.probe(path)
        assert texts["title"] == TITLE, (name, texts)
        assert texts["artist"].startswith("Björk & <Sons>"), (name, texts)
        assert (texts.get("comment") or texts.get("comments")) == "first line\nsecond = line", (name, texts)
        if name in ("wav", "rf64", "flac", "ogg", "opus", "mp3", "m4a"):
            want = [(round(f / 48000, 3), n) for f, n in MARKS]
            assert [(round(s, 3), n) for s, n in chapters] == want, (name, chapters)
        if name in ("wav", "rf64", "w64", "aiff", "flac", "ogg", "m4a"):
            assert stream["duration_ts"] == 150000, (name, stream["duration_ts"])


def test_our_reader_reads_all():
    for name, path in rig.files().items():
        got = rig.read(path)
        assert got["TITLE"] == [TITLE] and got["DATE"] == ["2024-05-17"], (name, got)
        assert got["COMMENT"] == ["first line\\nsecond = line"], (name, got)
        artists = ["Björk & <Sons>", "Second"]
        assert got["ARTIST"] in (artists, ["; ".join(artists)]), (name, got["ARTIST"])
        if name == "w64":
            assert got["loudness"] == ["-19.00 12.34 -1.01 -15.50 nan nan nan"]
            continue
        assert got["LABEL"] == ["Nord"] and got["ISRC"] == ["DEXXX2400001"] and got["MIX"] == ["final"]
        assert got["TRACKNUMBER"] == ["3"] and got["TRACKTOTAL"] == ["12"], (name, got)
        marks = [m.split(" ", 2) for m in got["mark"]]
        assert [(int(m[0]), m[2]) for m in marks] == MARKS, (name, marks)
        want = {"wav": "-19.00 12.34 -1.01 -15.50 nan -21.00 -0.50", "opus": "-19.00 nan nan nan nan -21.00 nan"}
        want["rf64"] = want["wav"]
        assert got["loudness"] == [want.get(name, "-19.00 nan -1.01 nan nan -21.00 -0.50")], (name, got["loudness"])
        assert got["replay_gain"] == ["1"]
        if name != "caf":
            assert got["picture"] == [str(PNG_BYTES)], name


def test_samples_are_untouched():
    import hashlib

    for name in rig.LOSSLESS:
        sums = set()
        for variant in ("", "short", "many", "bare"):
            raw = rig.tool("ffmpeg", "-v", "error", "-i", rig.files(variant)[name], "-f", "s32le", "-", text=False)
            assert len(raw) == 150000 * 8, (name, variant, len(raw))
            sums.add(hashlib.sha256(raw).hexdigest())
        assert len(sums) == 1, name


def test_tags_afterwards():
    """Another album and loudness into finished files, twice: the sound stays, old tags do not stay beside."""
    for name, path in rig.files().items():
        if name == "w64":
            continue
        copy = rig.FOLDER / f"retag.{name}"
        copy.write_bytes(path.read_bytes())
        sounds = [rig.tool("ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-f", "f32le", "-", text=False)]
        for _ in range(2):
            rig.media_tool("retag", copy)
        sounds += [rig.tool("ffmpeg", "-v", "error", "-i", copy, "-map", "0:a", "-f", "f32le", "-", text=False)]
        assert sounds[0] == sounds[1], name
        got, before = rig.read(copy), rig.read(path)
        assert got["ALBUM"] == ["A name that is longer than it ever was, again and again"], (name, got)
        assert got["loudness"][0].startswith("-30.00 "), (name, got)
        for key in ("TITLE", "ARTIST", "mark", "picture", "ISRC", "info"):
            assert got.get(key) == before.get(key), (name, key, got.get(key), before.get(key))
        texts, _, _ = rig.probe(copy)
        assert texts["album"].startswith("A name that is longer"), (name, texts)


def sparse(name, form, n_data, junk):
    """A WAV of silence that takes no room: its header, and N_DATA bytes that are a hole."""
    path = rig.FOLDER / name
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 48000, 288000, 6, 24)
    if form == b"RF64":
        first = struct.pack("<4sIQQQI", b"ds64", 28, n_data + 72, n_data, n_data // 6, 0)
        sizes = (0xFFFFFFFF, 0xFFFFFFFF)
    else:
        first = struct.pack("<4sI", b"JUNK", junk) + bytes(junk)
        sizes = (n_data + 4 + len(first) + len(fmt) + 8, n_data)
    head = form + struct.pack("<I", sizes[0]) + b"WAVE" + first + fmt + struct.pack("<4sI", b"data", sizes[1])
    with open(path, "wb") as file:
        file.write(head)
        file.truncate(len(head) + n_data)
    return path


def check_large(path, n_data):
    rig.media_tool("retag", path)
    with open(path, "rb") as file:
        head = file.read(96)
        assert head[:8] == b"RF64\xff\xff\xff\xff" and head[12:16] == b"ds64"
        whole, data, frames = struct.unpack("<QQQ", head[20:44])
        assert (whole, data, frames) == (path.stat().st_size - 8, n_data, n_data // 6)
        at = head.index(b"data")
        assert head[at + 4 : at + 8] == b"\xff\xff\xff\xff"
        file.seek(at + 8 + n_data)
        assert file.read(4) == b"LIST"
    got = rig.read(path)
    assert got["info"] == [f"rf64 pcm_s24 48000 2 stereo {n_data // 6} 24"], got
    assert got["ALBUM"] == ["A name that is longer than it ever was, again and again"]
    texts, _, stream = rig.probe(path)
    assert texts["album"].startswith("A name") and stream["duration_ts"] == n_data // 6


def test_tags_behind_five_gibibytes():
    n_data = 5 * 2**30 // 6 * 6
    path = sparse("large.wav", b"RF64", n_data, 0)
    check_large(path, n_data)
    path.unlink()


def test_tags_that_make_a_wav_too_long_for_riff():
    n_data = (2**32 - 300) // 12 * 12
    path = sparse("edge.wav", b"RIFF", n_data, 28)
    check_large(path, n_data)
    path.unlink()


# ---- what others wrote ----


def sound(path, *options):
    rig.tool(
        "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "sine=440:d=0.5", *options,
        "-metadata", "title=Zoë", "-metadata", "artist=Ångström", path,
    )  # fmt: skip
    return path


def test_ffmpeg_files():
    for name, options in {
        "f.wav": [], "f.rf64.wav": ["-rf64", "always"], "f.flac": [], "f.ogg": ["-c:a", "libvorbis"],
        "f.opus": [], "f.aiff": ["-write_id3v2", "1"], "3.mp3": ["-id3v2_version", "3"],
        "4.mp3": ["-id3v2_version", "4"], "f.caf": [],
    }.items():  # fmt: skip
        got = rig.read(sound(rig.FOLDER / name, *options))
        if name != "f.caf":
            assert got["TITLE"] == ["Zoë"] and got["ARTIST"] == ["Ångström"], (name, got)


def test_lame_tags():
    wav = sound(rig.FOLDER / "l.wav")
    path = rig.FOLDER / "l.mp3"
    rig.tool("lame", "--quiet", "--add-id3v2", "--id3v2-utf16", "--tt", "Zoë", "--ta", "音楽", "--tg", "17",
             "--tn", "3/9", "--ty", "1999", "--tc", "hello", wav, path)  # fmt: skip
    got = rig.read(path)
    assert got["TITLE"] == ["Zoë"] and got["ARTIST"] == ["音楽"] and got["GENRE"] == ["Rock"], got
    assert (got["TRACKNUMBER"], got["TRACKTOTAL"], got["DATE"]) == (["3"], ["9"], ["1999"]), got


def stream():
    """An MP3 without tags."""
    data = rig.files("bare")["mp3"].read_bytes()
    assert data[0] == 0xFF
    return data


def tagged(version, frames, flags=0, extended=b""):
    body = extended + frames
    if flags & 0x80:
        body = body.replace(b"\xff\0", b"\xff\0\0").replace(b"\xff\xe0", b"\xff\0\xe0").replace(b"\xff\xfe", b"\xff\0\xfe")
    size = len(body)
    path = rig.FOLDER / "t.mp3"
    head = b"ID3" + bytes([version, 0, flags, size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    path.write_bytes(head + body + stream())
    return rig.read(path)


def test_id3_of_all_versions():
    utf16 = b"\1" + "Zoë".encode("utf-16")
    got = tagged(2, b"TT2\0\0\x05\0Zo\xebx" + b"TP1" + struct.pack(">I", len(utf16))[1:] + utf16)
    assert got["TITLE"] == ["Zoëx"] and got["ARTIST"] == ["Zoë"]
    frame = b"TIT2" + struct.pack(">I", len(utf16)) + b"\0\0" + utf16
    assert tagged(3, frame)["TITLE"] == ["Zoë"]
    assert tagged(3, frame, 0x80)["TITLE"] == ["Zoë"]  # unsynchronised
    assert tagged(3, frame, 0x40, b"\0\0\0\6\0\0\0\0\0\0")["TITLE"] == ["Zoë"]  # extended header
    assert tagged(4, frame, 0x40, b"\0\0\0\6\1\0")["TITLE"] == ["Zoë"]
    assert tagged(4, b"TIT2\0\0\0\x09\0\0\2\0Z\0o\0\xeb\0!")["TITLE"] == ["Zoë!"]  # UTF-16BE
    own = utf16.replace(b"\xff\xfe", b"\xff\0\xfe")  # unsynchronised frame, with its length
    frame = b"TIT2" + struct.pack(">I", len(own) + 4) + b"\0\3" + struct.pack(">I", len(utf16)) + own
    assert tagged(4, frame)["TITLE"] == ["Zoë"]
    long = b"\3" + b"x" * 299  # a size that is no syncsafe number, as one player wrote them
    got = tagged(4, b"TIT2" + struct.pack(">I", 300) + b"\0\0" + long + b"TPE1\0\0\0\2\0\0\3Y")
    assert got["TITLE"] == ["x" * 299] and got["ARTIST"] == ["Y"]


def test_id3v1():
    path = rig.FOLDER / "v1.mp3"
    fields = b"Zo\xeb".ljust(30, b" ") + b"Artist".ljust(30, b"\0") + b"Album".ljust(30, b"\0") + b"1987"
    path.write_bytes(stream() + b"TAG" + fields + b"remark".ljust(28, b"\0") + b"\0\x07\x11")
    got = rig.read(path)
    assert got["TITLE"] == ["Zoë"] and got["TRACKNUMBER"] == ["7"] and got["GENRE"] == ["Rock"], got


def test_malformed_tags_are_passed_over():
    for frames in (
        b"TIT2\x7f\x7f\x7f\x7f\0\0\3x", b"CHAP\0\0\0\4\0\0ab\0\0", b"APIC\0\0\0\1\0\0\0", b"TIT2\0\0\0\0\0\0",
        b"CTOC\0\0\0\2\0\0a\0", b"COMM\0\0\0\3\0\0\1en", b"\xff" * 40,
    ):  # fmt: skip
        got = tagged(4, frames)
        assert got["info"] == ["mp3 mp3 48000 2 stereo 150000 0"], (frames, got)


def test_damaged_comments():
    data = bytearray(rig.files()["flac"].read_bytes())
    at = data.index(b"TITLE=")
    data[at - 4 : at] = b"\xff\xff\xff\xff"
    path = rig.FOLDER / "d.flac"
    path.write_bytes(data)
    assert "info" in rig.read(path)


def test_replay_gain_of_others():
    path = rig.FOLDER / "rg.flac"
    path.write_bytes(rig.files("bare")["flac"].read_bytes())
    rig.tool("metaflac", "--set-tag=REPLAYGAIN_TRACK_GAIN=-3.5 dB", "--set-tag=replaygain_track_peak=0.5", path)
    got = rig.read(path)
    assert got["loudness"] == ["-14.50 nan -6.02 nan nan nan nan"] and got["replay_gain"] == ["1"], got


tap.run(globals(), rig.done)
