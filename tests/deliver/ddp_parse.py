"""An independent reader of DDP 2.00 audio sets, for tests.

Written from the public description of the format (ddp-reverse-eng, spec/ddp2.md; libburn, doc/cdtext.txt),
not from mixd's code. Strict: what the tables do not say is an AssertionError.
"""

import hashlib
import zlib
from pathlib import Path

SECTOR = 2352


def text(record, offset, size):
    return record[offset : offset + size].decode("ascii").rstrip(" ")


def blank(record, offset, size):
    assert record[offset : offset + size] == b" " * size, (offset, size, record)


def number(record, offset, size):
    field = record[offset : offset + size].decode("ascii")
    assert field == field.strip().rjust(size), field
    return int(field)


def parse_id(data):
    assert len(data) == 128
    assert text(data, 0, 8) == "DDP 2.00" and text(data, 87, 2) == "CD"
    blank(data, 21, 17)
    blank(data, 86, 1)
    blank(data, 89, 39)
    return {"upc": text(data, 8, 13), "master_id": text(data, 38, 48)}


def parse_map(data):
    assert len(data) % 128 == 0
    streams = []
    for at in range(0, len(data), 128):
        record = data[at : at + 128]
        assert record[:4] == b"VVVM"
        blank(record, 6, 8)
        blank(record, 22, 8)
        stream = {
            "type": text(record, 4, 2),
            "length": number(record, 14, 8),
            "sub": text(record, 30, 8),
            "mode": text(record, 38, 2),
            "name": text(record, 74, 17),
        }
        assert number(record, 71, 3) == 17
        blank(record, 91, 37)
        blank(record, 57, 14)
        blank(record, 42, 4)
        blank(record, 50, 5)
        if stream["type"] == "D0":
            assert stream["mode"] == "DA" and record[40:41] == b"7" and record[41:42] in b"01"
            stream["pregap"] = number(record, 46, 4)
            blank(record, 30, 8)
            blank(record, 55, 2)
        else:
            blank(record, 38, 4)
            blank(record, 46, 4)
            assert text(record, 55, 2) == ("00" if stream["sub"] == "CDTEXT" else "")
        streams.append(stream)
    assert [s["sub"] or s["type"] for s in streams][-2:] == ["PQ DESCR", "D0"]
    return streams


def parse_pq(data):
    """-> upc, tracks, lead-out; each track {number, index: {0: sector, 1: ...}, isrc, control}."""
    assert len(data) % 64 == 0
    upc, tracks, lead_outs, last = "", [], [], -1
    for n, at in enumerate(range(0, len(data), 64)):
        record = data[at : at + 64]
        assert record[:4] == b"VVVS"
        blank(record, 8, 2)
        blank(record, 18, 2)
        blank(record, 45, 19)
        minute, second, frame = (int(record[i : i + 2]) for i in (10, 12, 14))
        assert second < 60 and frame < 75
        sector = (minute * 60 + second) * 75 + frame
        assert sector >= last
        last = sector
        track, index = text(record, 4, 2), int(record[6:8])
        control, isrc = record[16:18].decode(), text(record, 20, 12)
        if n == 0:
            assert track == "00" and index == 0 and sector == 0 and control == "01"
            upc = text(record, 32, 13)
            continue
        blank(record, 32, 13)
        if track == "AA":
            assert index == 1 and control == "01" and not isrc
            lead_outs.append(sector)
            continue
        assert not lead_outs
        if not tracks or tracks[-1]["number"] != int(track):
            tracks.append({"number": int(track), "index": {}, "isrc": isrc, "control": control})
        else:
            assert not isrc, "on the track's first record only"
        assert tracks[-1]["control"] == control
        assert index not in tracks[-1]["index"]
        tracks[-1]["index"][index] = sector
    assert [t["number"] for t in tracks] == list(range(1, len(tracks) + 1))
    assert len(lead_outs) == 2 and lead_outs[0] == lead_outs[1]
    assert tracks[0]["index"][0] == 0 and tracks[0]["index"][1] >= 150
    return upc, tracks, lead_outs[0]


def crc16(data):
    """By long division of bits, most significant first: x^16 + x^12 + x^5 + 1, inverted."""
    value = int.from_bytes(data, "big") << 16
    for bit in range(len(data) * 8 + 15, 15, -1):
        if value >> bit & 1:
            value ^= 0x11021 << (bit - 16)
    return (value & 0xFFFF) ^ 0xFFFF


def parse_cdtext(data, n_tracks):
    """-> {type: [disc, track 1, ...]} and the sizes record."""
    assert len(data) % 18 == 0
    payload, order, sizes, starts = {}, [], b"", {}
    for n, at in enumerate(range(0, len(data), 18)):
        pack = data[at : at + 18]
        assert int.from_bytes(pack[16:], "big") == crc16(pack[:16]), n
        assert pack[2] == n and pack[3] & 0xF0 == 0
        kind = pack[0]
        if kind not in order:
            order.append(kind)
        assert order[-1] == kind, "types in one piece"
        if kind == 0x8F:
            assert pack[1] == len(sizes) // 12
            sizes += pack[4:16]
        else:
            starts.setdefault(kind, []).append((pack[1], pack[3] & 15))
            payload[kind] = payload.get(kind, b"") + pack[4:16]
    assert order == sorted(order) and order[-1] == 0x8F and len(sizes) == 36
    assert sizes[0] == 0 and sizes[1] == 1 and sizes[2] == n_tracks
    for kind in range(0x80, 0x8F):
        assert sizes[4 + kind - 0x80] == len(payload.get(kind, b"")) // 12
    assert sizes[19] == 3 and sizes[20] == len(data) // 18 - 1 and sizes[21:28] == bytes(7)
    texts = {}
    for kind, data in payload.items():
        if kind in (0x86, 0x87):
            texts[kind] = data
            continue
        strings, at = [], 0
        where = {}
        for track in range(n_tracks + 1):
            end = data.index(0, at)
            for offset in range(at, end + 1):
                where[offset] = (track, min(offset - at, 15))
            strings.append(data[at:end].decode("latin-1"))
            at = end + 1
        assert not data[at:].strip(b"\0") and len(data) - at < 12
        for n, start in enumerate(starts[kind]):
            assert where[12 * n] == start, (kind, n, where[12 * n], start)
        for track in range(2, n_tracks + 1):
            if strings[track] == "\t":
                strings[track] = strings[track - 1]
        texts[kind] = strings
    return texts, sizes


def parse_sums(folder, names):
    lines = (folder / "CHECKSUM.MD5").read_text().splitlines()
    assert lines == [f"{hashlib.md5((folder / n).read_bytes()).hexdigest()} *{n}" for n in names]
    lines = (folder / "CHECKSUM.TXT").read_text().splitlines()
    assert lines[0] == "[CRC32 Checksum]"
    assert lines[1:] == [f"{n}={zlib.crc32((folder / n).read_bytes()):08X}" for n in names]


def read(folder):
    folder = Path(folder)
    streams = parse_map((folder / "DDPMS").read_bytes())
    disc = parse_id((folder / "DDPID").read_bytes())
    by = {s["sub"] or s["type"]: s for s in streams}
    image = (folder / by["D0"]["name"]).read_bytes()
    pq = (folder / by["PQ DESCR"]["name"]).read_bytes()
    disc["pq_upc"], disc["tracks"], disc["lead_out"] = parse_pq(pq)
    assert by["PQ DESCR"]["length"] == len(pq)
    assert by["D0"]["length"] * SECTOR == len(image) and by["D0"]["length"] == disc["lead_out"]
    assert by["D0"]["pregap"] == disc["tracks"][0]["index"][1]
    disc["image"], disc["cdtext"] = image, {}
    names = ["DDPID", "DDPMS"]
    if "CDTEXT" in by:
        data = (folder / by["CDTEXT"]["name"]).read_bytes()
        assert by["CDTEXT"]["length"] == len(data)
        disc["cdtext"], disc["sizes"] = parse_cdtext(data, len(disc["tracks"]))
        names.append(by["CDTEXT"]["name"])
    parse_sums(folder, names + [by["PQ DESCR"]["name"], by["D0"]["name"]])
    return disc


def audio(disc, number):
    """Frames of a track as bytes: index 01 to the next index 01."""
    starts = [t["index"][1] for t in disc["tracks"]] + [disc["lead_out"]]
    return disc["image"][starts[number - 1] * SECTOR : starts[number] * SECTOR]
