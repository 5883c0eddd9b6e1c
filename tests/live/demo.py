#!/usr/bin/python3
"""On air, heard and measured: an ordinary player into "On-air program", an ordinary recorder at the sink,
and ffmpeg's ebur128 on the record. Exit code 0 when every settled section is on target and no true peak is
above the ceiling.

    demo.py [--build DIR] [--session FILE] [--record FILE] [--quick]
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np

import private
import programme

TOLERANCE_LU, TOLERANCE_DB = 0.5, 0.1
NAMES = {"bold": "\033[1m", "green": "\033[32m", "red": "\033[31m", "off": "\033[0m"}


def paint(name, text):
    return f"{NAMES[name]}{text}{NAMES['off']}" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else text


def say(text=""):
    print(text, flush=True)


class Meters:
    """mixctl's own live view on a terminal; elsewhere a line every few seconds."""

    VIEW = ["program.level", "level.gain", "level.reason", "limit.gr", "meter.m", "meter.s", "meter.i", "meter.tp_now"]
    COLUMNS = [("program.peak", "in", "dBFS"), ("level.gain", "gain", "dB"), ("meter.m", "M", "LUFS"),
               ("meter.s", "S", "LUFS"), ("meter.i", "I", "LUFS"), ("meter.tp_now", "true peak", "dBTP")]

    def __init__(self, pw, instance):
        argv = ["mixctl", "--instance", instance, "meter"]
        self.thread = None
        if sys.stdout.isatty():
            self.process = pw.popen(argv + self.patterns(pw, instance))
        else:
            self.process = pw.popen(argv + ["-o", "jsonl", "--every", "4s", *(c[0] for c in self.COLUMNS)],
                                    stdout=subprocess.PIPE)
            self.thread = threading.Thread(target=self.follow, daemon=True)
            self.thread.start()

    def patterns(self, pw, instance):
        """Those of VIEW that this session has."""
        return [p for p in self.VIEW
                if pw.run(["mixctl", "--instance", instance, "get", p], check=False).returncode == 0] or ["*.peak"]

    def follow(self):
        begin = None
        for line in self.process.stdout:
            frame = json.loads(line)
            values = frame.get("values", {})
            begin = begin or frame.get("unix_ms")
            text = [f"{name} {float(values[key]):6.1f} {unit}" for key, name, unit in self.COLUMNS
                    if values.get(key) is not None]
            if text:
                say(f"{(frame['unix_ms'] - begin) / 1000:4.0f} s   " + "   ".join(text))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.thread:
            self.thread.join(3)


def onset(samples, rate, threshold=10 ** (-70 / 20)):
    """Seconds until the first sound."""
    loud = np.flatnonzero(np.max(np.abs(samples), axis=1) > threshold)
    if not len(loud):
        raise private.Failure("the record is silent: nothing came out of the sink")
    return loud[0] / rate


def find_sink(pw, label):
    def named():
        for node in pw.registry.of("Node"):
            if node["props"].get("node.description") == label and node["props"].get("media.class") == "Audio/Sink":
                return node["props"]["node.name"]
        return None
    return pw.registry.wait(named, f'virtual sink "{label}"')


def play_and_record(pw, args, path, seconds):
    sink = find_sink(pw, args.sink)
    pw.registry.wait(lambda: pw.registry.links(None, "test-sink"), "link from mixd to test-sink")
    record = pw.folder / "record.wav"
    recorder = pw.popen(["pw-record", "--target", "test-sink", "-P", "{ stream.capture.sink = true }",
                         "--format", "f32", "--rate", "48000", "--channels", "2", str(record)],
                        stderr=subprocess.DEVNULL)
    pw.registry.wait(lambda: pw.registry.links("test-sink", None), "link from test-sink to the recorder")
    say(f"playing {seconds:.0f} s of programme into \"{args.sink}\" with pw-cat, recording test-sink with pw-record")
    say()
    meters = Meters(pw, args.instance)
    player = pw.popen(["pw-cat", "--playback", "--target", sink, str(path)])
    try:
        code = player.wait(seconds + 30)
    finally:
        meters.stop()
        player.kill()
        recorder.send_signal(signal.SIGINT)
        recorder.wait(10)
    say()
    if code:
        raise private.Failure(f"pw-cat ended with {code}")
    return record


def measure(record, source, sections, args):
    """Print the table; True when all is as it should be."""
    wav = record.with_suffix(".24.wav")  # ffmpeg reads pw-record's float; numpy reads this
    subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y", "-i", str(record), "-c:a",
                    "pcm_s16le", str(wav)], check=True)
    samples = programme.read_wav(wav)
    shift = onset(samples, programme.RATE) - onset(programme.read_wav(source)[:programme.RATE], programme.RATE)
    good = True
    say(paint("bold", f"{'section':24} {'went in':>12} {'came out':>12} {'target':>12} {'true peak':>12}"))
    for name, start, length, _ in sections:
        start_s, length_s = start + programme.SETTLING_S, length - programme.SETTLING_S
        came_in, _ = programme.loudness(source, start_s, length_s)
        came_out, peak = programme.loudness(record, shift + start_s, length_s)
        fine = abs(came_out - args.target) <= TOLERANCE_LU
        good &= fine
        say(f"{name:24} {came_in:7.1f} LUFS {came_out:7.1f} LUFS {args.target:7.1f} LUFS {peak:7.1f} dBTP  "
            + (paint("green", "ok") if fine else paint("red", f"off by {came_out - args.target:+.1f} LU")))
    _, peak = programme.loudness(record)
    fine = peak <= args.ceiling + TOLERANCE_DB
    good &= fine
    say(f"true peak of the whole record: {peak:.1f} dBTP, ceiling {args.ceiling:.1f} dBTP  "
        + (paint("green", "ok") if fine else paint("red", "too high")))
    return good


def run(args):
    begin = time.monotonic()
    build = private.build_folder(args.build)
    path, sections = programme.make(build / "demo")
    if args.quick:
        sections = sections[:1]
        short = path.with_name("quick.wav")
        programme.write_wav(short, programme.read_wav(path)[:programme.RATE * programme.SECTION_S])
        path = short
    seconds = sections[-1][1] + sections[-1][2]
    with private.Private(build, quantum=args.quantum) as pw:
        pw.start_mixd(args.session, args.instance)
        say(f"private PipeWire, WirePlumber, null sink, "
            f"mixd on {os.path.relpath(args.session)}: up after {time.monotonic() - begin:.1f} s")
        record = play_and_record(pw, args, path, seconds)
        status = pw.run(["mixctl", "--instance", args.instance, "status"], check=False).stdout
        if args.record:
            shutil.copy(record, args.record)
        good = measure(record, path, sections, args)
        if args.verbose or not good:
            say()
            say(status)
            say(pw.mixds[args.instance].tail(30))
    say()
    say(paint("green", "the programme went out on target") if good
        else paint("red", "the programme did not go out as it should"))
    return 0 if good else 1


def main():
    parser = argparse.ArgumentParser(prog="demo.py", description=__doc__.split("\n")[0])
    parser.add_argument("--build", help="build folder (default $MIXD_BUILD, then build/)")
    parser.add_argument("-s", "--session", default=str(private.ROOT / "systemd/examples/onair.yaml"))
    parser.add_argument("--instance", default="onair")
    parser.add_argument("--sink", default="On-air program", help="label of the virtual sink to play into")
    parser.add_argument("--target", type=float, default=-23.0, help="LUFS")
    parser.add_argument("--ceiling", type=float, default=-1.0, help="dBTP")
    parser.add_argument("--quantum", type=int, default=1024)
    parser.add_argument("--quick", action="store_true", help="the first section only")
    parser.add_argument("--record", help="keep the record here")
    parser.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args()
    args.session = os.path.abspath(args.session)
    private.contain()
    try:
        code = run(args)
    except private.Failure as failure:
        say(f"demo: {failure}")
        code = 1
    except KeyboardInterrupt:
        code = 130
    private.finish(code)


if __name__ == "__main__":
    main()
