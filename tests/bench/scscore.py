"""scscore.py - scores for SuperCollider's server off line (scsynth -N), without its language.

A synth definition is bytes of a documented format (SCgf, version 2: "Synth Definition File Format" in
SuperCollider's help), a score a file of OSC bundles with a length before each ("Non-Realtime Synthesis"). Here
units are written as calls, and every definition is sent in the score itself.
"""
import struct

AUDIO, SCALAR = 2, 0
ADD, MAX = 0, 13  # of BinaryOpUGen


def _pstring(text):
    return bytes([len(text)]) + text.encode()


class Definition:
    """Units in the order in which they were called; an input is a number or (unit, output)."""

    def __init__(self, name):
        self.name, self.constants, self.units = name, [], []

    def unit(self, kind, *inputs, outputs=1, special=0):
        wires = []
        for value in inputs:
            if isinstance(value, tuple):
                wires.append(value)
                continue
            value = struct.unpack(">f", struct.pack(">f", value))[0]
            if value not in self.constants:
                self.constants.append(value)
            wires.append((-1, self.constants.index(value)))
        self.units.append((kind, wires, outputs, special))
        return [(len(self.units) - 1, k) for k in range(outputs)]

    def one(self, kind, *inputs, special=0):
        return self.unit(kind, *inputs, special=special)[0]

    def add(self, a, b):
        return self.one("BinaryOpUGen", a, b, special=ADD)

    def highest(self, a, b):
        return self.one("BinaryOpUGen", a, b, special=MAX)

    def out(self, bus, *channels):
        self.unit("Out", bus, *channels, outputs=0)

    def binary(self):
        body = _pstring(self.name) + struct.pack(f">i{len(self.constants)}f", len(self.constants), *self.constants)
        body += struct.pack(">iii", 0, 0, len(self.units))  # no parameters
        for kind, wires, outputs, special in self.units:
            body += _pstring(kind) + struct.pack(">biih", AUDIO, len(wires), outputs, special)
            body += b"".join(struct.pack(">ii", *wire) for wire in wires) + bytes([AUDIO] * outputs)
        return b"SCgf" + struct.pack(">ih", 2, 1) + body + struct.pack(">h", 0)


def _padded(data):
    return data + b"\0" * (-len(data) % 4)


def message(address, *args):
    tags, body = ",", b""
    for arg in args:
        if isinstance(arg, bytes):
            tags, body = tags + "b", body + struct.pack(">i", len(arg)) + _padded(arg)
        elif isinstance(arg, str):
            tags, body = tags + "s", body + _padded(arg.encode() + b"\0")
        else:
            tags, body = tags + "i", body + struct.pack(">i", arg)
    return _padded(address.encode() + b"\0") + _padded(tags.encode() + b"\0") + body


def write_score(path, messages, end_s):
    """All MESSAGES at the start; sound until END_S."""
    rows = [(0, data) for data in messages] + [(end_s, message("/c_set", 0, 0))]
    with open(path, "wb") as file:
        for at_s, data in rows:
            bundle = b"#bundle\0" + struct.pack(">II", int(at_s), int(at_s % 1 * 2**32)) + struct.pack(
                ">i", len(data)) + data
            file.write(struct.pack(">i", len(bundle)) + bundle)


# ---- what is measured ----

EQ4 = ((100, 3), (400, -3), (2500, 2), (9000, -2))


def _play(definition, buffer, channels):
    return definition.unit("DiskIn", buffer, 0, outputs=channels)


def _equalise(definition, x):
    for hertz, db in EQ4:
        x = [definition.one("BPeakEQ", c, hertz, 1, db) for c in x]
    return x


def _compress(definition, x, threshold, above):
    control = x[0] if len(x) == 1 else definition.highest(x[0], x[1])
    return [definition.one("Compander", c, control, threshold, 1, above, 0.01, 0.1) for c in x]


def _twice(definition, kind, x, hertz):
    return [definition.one(kind, definition.one(kind, c, hertz), hertz) for c in x]


def _stream(buffer, path, channels):
    return [message("/b_alloc", buffer, 65536, channels), message("/b_read", buffer, path, 0, 65536, 0, 1)]


def write_master(path, programme, seconds):
    d = Definition("master")
    x = _compress(d, _equalise(d, _play(d, 0, 2)), 0.125, 0.33)
    bands = [_twice(d, "LPF", x, 200), _twice(d, "LPF", _twice(d, "HPF", x, 200), 2500), _twice(d, "HPF", x, 2500)]
    low, middle, high = (_compress(d, band, 0.2, 0.5) for band in bands)
    x = [d.add(d.add(low[c], middle[c]), high[c]) for c in range(2)]
    d.out(0, *[d.one("Limiter", c, 0.891, 0.005) for c in x])
    write_score(path, [message("/d_recv", d.binary()), *_stream(0, programme, 2),
                       message("/s_new", "master", 1000, 0, 0)], seconds)


def write_mix(path, stems, seconds):
    rows = []
    for k, stem in enumerate(stems):
        d = Definition(f"strip{k}")
        x = _compress(d, _equalise(d, _play(d, k, 1)), 0.125, 0.33)
        d.out(0, *d.unit("Pan2", x[0], k / 7.5 - 1, 0.5, outputs=2))
        send = d.one("BinaryOpUGen", x[0], 0.2, special=2)
        d.out(18, send, send)
        rows += [message("/d_recv", d.binary()), *_stream(k, stem, 1), message("/s_new", d.name, 1000 + k, 1, 0)]
    d = Definition("verb")
    sent = d.unit("In", 18, outputs=2)
    d.out(0, *d.unit("FreeVerb2", *sent, 1, 0.8, 0.5, outputs=2))
    rows += [message("/d_recv", d.binary()), message("/s_new", "verb", 2000, 1, 0)]
    write_score(path, rows, seconds)
