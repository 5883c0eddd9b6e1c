#!/usr/bin/env python3
"""mixctl as it goes on: watch, meter, wait; and completion, which asks while somebody types.

Environment: see mixctl_rig.py.
"""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.dirname(__file__))
import tap  # noqa: E402
from fake_server import FakeServer  # noqa: E402
from mixctl_rig import ENV, FOLDER, MIXCTL, done, err, mixctl, out, start, stop  # noqa: E402

from mixd.v1 import events_pb2  # noqa: E402


def test_watch_heals_gaps_and_tells_restarts():
    with FakeServer(os.path.join(FOLDER, "mixd", "fake")) as fake:
        watch = subprocess.Popen(
            [MIXCTL, "--instance", "fake", "watch", "--events", "param,barrier", "-o", "jsonl"],
            env=ENV, stdout=subprocess.PIPE, text=True,
        )
        try:
            while not any(r.WhichOneof("op") == "barrier" for r in fake.requests):
                time.sleep(0.01)
            time.sleep(0.5)
            change = events_pb2.Change()
            change.param.address = "a.gain"
            change.param.value.number = -3
            fake.skip = 2
            fake.publish += [change, change, change]
            lines = [json.loads(watch.stdout.readline()) for _ in range(3)]
            seqs = [line["seq"] for line in lines]
            assert seqs == list(range(seqs[0], seqs[0] + 3)), seqs
            assert lines[0]["changes"][0]["param"] == {
                "address": "a.gain", "value": -3, "text": ""}
            fake.forget = True
            fake.skip = 2
            fake.publish += [change, change, change]
            lines = [json.loads(watch.stdout.readline()) for _ in range(2)]
            assert lines[0]["state"] == "lost" and lines[0]["lost"] == 2, lines
            # A daemon that is back before anybody looked was never gone: it stays away until that is said.
            fake.__exit__()
            while json.loads(watch.stdout.readline()).get("state") != "disconnected":
                pass
            fake.restart()
            states = []
            while "restarted" not in states:
                fake.publish.append(change)
                time.sleep(0.05)
                while select.select([watch.stdout], [], [], 0)[0]:
                    states.append(json.loads(watch.stdout.readline()).get("state"))
        finally:
            watch.send_signal(signal.SIGINT)
        assert watch.wait(5) == 130


def test_meter_counts_lost_frames():
    with FakeServer(os.path.join(FOLDER, "mixd", "fake")) as fake:
        frames = [
            json.loads(line)
            for line in out("--instance", "fake", "meter", "meter", "--count", "15").splitlines()
        ]
        assert len(frames) == 15 and sum(f["lost"] for f in frames) >= 1, frames
        assert frames[0]["values"] == {"meter.s": -23, "meter.tp": "-inf"}, frames[0]
        assert frames[0]["schema"] == 1 and frames[0]["kind"] == "meters"
        time.sleep(0.05)
        assert not fake.leases, "the lease is given back"
        rows = out("--instance", "fake", "meter", "-o", "csv", "-c", "2").splitlines()
        assert rows[0] == "unix_ms,meter.s,meter.tp" and rows[1].endswith(",-23,-inf"), rows


def test_meter_tells_restarts():
    with FakeServer(os.path.join(FOLDER, "mixd", "fake")) as fake:
        meter = subprocess.Popen(
            [MIXCTL, "--instance", "fake", "meter", "meter", "-o", "jsonl"],
            env=ENV, stdout=subprocess.PIPE, text=True,
        )
        try:
            assert json.loads(meter.stdout.readline())["kind"] == "meters"
            fake.restart()
            lines = [json.loads(meter.stdout.readline())]
            while lines[-1]["kind"] != "stream" or lines[-1]["state"] != "restarted":
                lines.append(json.loads(meter.stdout.readline()))
            assert {"lost", "state"} <= set(lines[-1]) and lines[-1]["lost"] == 0, lines[-1]
            assert json.loads(meter.stdout.readline())["kind"] == "meters"
        finally:
            meter.send_signal(signal.SIGINT)
        assert meter.wait(5) == 130 or meter.returncode == -signal.SIGINT


def test_meter_draws_on_a_terminal():
    with FakeServer(os.path.join(FOLDER, "mixd", "fake")):
        leader, follower = pty.openpty()
        meter = subprocess.Popen(
            [MIXCTL, "--instance", "fake", "meter"], env={**ENV, "TERM": "xterm"},
            stdout=follower, close_fds=True,
        )
        os.close(follower)
        text, deadline = b"", time.monotonic() + 5
        while text.count(b"\033[3A") < 2 and time.monotonic() < deadline:
            text += os.read(leader, 4096)
        meter.send_signal(signal.SIGINT)
        assert meter.wait(5) == 130
        try:
            text += os.read(leader, 4096)
        except OSError:
            pass
        assert b"meter.s" in text and "█".encode() in text and b"\033[32m" in text, text
        assert b"-inf dBTP" in text and text.rstrip().endswith(b"\033[?25h"), text[-80:]
        os.close(leader)


def view(*args, rows=24):
    """What `mixctl meter` draws first on a terminal of ROWS x 80."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))
    meter = subprocess.Popen(
        [MIXCTL, "meter", *args], env={**ENV, "TERM": "xterm", "NO_COLOR": "1"}, stdout=follower,
        close_fds=True,
    )
    os.close(follower)
    text, deadline = b"", time.monotonic() + 5
    while b"frame " not in text or not text.endswith(b"\033[J"):
        assert time.monotonic() < deadline, text
        text += os.read(leader, 4096)
    meter.send_signal(signal.SIGINT)
    assert meter.wait(5) == 130
    os.close(leader)
    return [line.split("\033[K")[0].replace("\033[?25l", "")
            for line in text.decode().splitlines() if "\033[K" in line]


def test_meter_shows_what_flows_where():
    start()
    lines = view()
    assert [line.split()[0] for line in lines[:-1]] == [
        "in.peak", "vox/gain.peak", "limit.peak", "limit.gr", "out.peak"], lines
    assert re.fullmatch(r"frame \d+, \+\d+ more: mixctl meter NODE", lines[-1]), lines
    lines = view("in", "vox/gain", "limit", "out", rows=10)
    assert len(lines) == 9 and lines[0].startswith("in.peak"), lines
    assert re.fullmatch(r"frame \d+, \+\d+ more than fit", lines[-1]), lines
    message = err("meter", "limit.ceiling", code=5)
    assert "limit.ceiling: is a param, not a meter" in message, message
    assert "mixctl get limit.ceiling" in message, message
    mixctl("meter", "limit.celing", code=4)


def test_wait():
    start()
    mixctl("wait", "limit.ceiling", "<=0dBTP")
    mixctl("wait", "limit.ceiling", "=-1dBTP")
    mixctl("wait", "limit.bypass", "=off")
    message = err("wait", "limit.ceiling", ">-0.5dBTP", "--timeout", "200ms", code=124)
    assert "it is -1dBTP" in message, message
    assert "its unit is dBTP" in err("wait", "limit.ceiling", ">3Hz", "--timeout", "1s", code=5)
    mixctl("wait", "limit.celing", ">3", "--timeout", "1s", code=4)
    for address, wish, hint in (
        ("limit.mode", "=truepaek", "did you mean truepeak?"),
        ("limit.mode", "!=xyzzy", "it is one of truepeak, sample"),
        ("limit.mode", ">sample", "write =sample or !=sample"),
        ("limit.state", "=runing", "did you mean running?"),
    ):
        message = err("wait", address, wish, "--timeout", "5s", code=5)
        assert hint in message, message
    mixctl("wait", "limit.mode", "=truepeak")
    mixctl("wait", "limit.mode", "!=sample")
    mixctl("wait", "in.label", "=program", "--timeout", "100ms", code=124)  # free text
    waiting = subprocess.Popen(
        [MIXCTL, "wait", "limit.ceiling", "<-5dBTP", "--timeout", "10s"], env=ENV
    )
    time.sleep(0.3)
    begin = time.monotonic()
    mixctl("set", "limit.ceiling=-6dBTP")
    assert waiting.wait(5) == 0 and time.monotonic() - begin < 2
    revision = json.loads(out("ls", "-o", "json"))["revision"]
    mixctl("wait", "rev", str(revision))
    mixctl("wait", "rev", str(revision + 1), "--timeout", "100ms", code=124)
    mixctl("wait", "settled")
    mixctl("--instance", "nobody", "wait", "up", "--timeout", "100ms", code=124)


def test_watch():
    start()
    watch = subprocess.Popen(
        [MIXCTL, "watch", "vox/*", "--count", "2", "-o", "jsonl"], env=ENV,
        stdout=subprocess.PIPE, text=True,
    )
    time.sleep(1)
    mixctl("set", "limit.ceiling=-3dBTP")
    mixctl("set", "vox/gain.gain=-9dB")
    mixctl("add", "gain", "vox/more")
    lines = [json.loads(line) for line in watch.communicate(timeout=5)[0].splitlines()]
    assert watch.returncode == 0
    assert lines[0]["changes"][0]["param"] == {
        "address": "vox/gain.gain", "value": -9, "text": "-9dB"}, lines
    assert lines[1]["changes"][0]["node_added"]["name"] == "vox/more", lines
    assert out("watch", "--timeout", "100ms") == ""
    mixctl("watch", "--count", "1", "--timeout", "100ms", code=124)


def complete(*words):
    text = out("__complete", str(len(words)), "mixctl", *words)
    return [line.split("\t")[0] for line in text.splitlines()]


def test_completion():
    start()
    assert complete("st") == ["status", "stop"]
    assert complete("set", "lim") == ["limit."]
    assert "limit.ceiling=" in complete("set", "limit.ce")
    assert complete("set", "limit.mode=") == ["limit.mode=truepeak", "limit.mode=sample"]
    assert complete("set", "limit.bypass=o") == ["limit.bypass=on", "limit.bypass=off"]
    assert "--if-rev" in complete("set", "--i") and "--if-rev" not in complete("status", "--i")
    assert complete("set", "--wait", "s") == ["settled"]
    assert complete("automate", "vox/gain.") == ["vox/gain.gain"]
    mixctl("add", "eq", "tone")
    words = complete("automate", "tone.band3.")
    assert "tone.band3.freq" in words and "tone.band3.type" not in words, words
    assert not {"tone.bypass", "tone.mute", "tone.layout"} & set(complete("automate", "tone."))
    mixctl("rm", "tone")
    assert complete("add", "limi") == ["limiter"]
    assert complete("add", "limiter", "x", "ceil") == ["ceiling="]
    assert complete("link", "vox/gain:") == ["vox/gain:in", "vox/gain:out"]
    assert complete("mute", "vox/gain", "to") == ["toggle"]
    assert complete("explain", "limiter.ceil") == ["limiter.ceiling"]
    assert complete("--instance", "test", "rm", "out") == ["out"]
    assert complete("ls", "") == ["nodes", "ports", "links", "types", "plugins"]
    assert complete("preset", "s") == ["show", "save"]
    assert complete("--instance", "nobody", "rm", "o") == []
    with FakeServer(os.path.join(FOLDER, "mixd", "fake")) as fake:
        fake.mute = 10
        begin = time.monotonic()
        assert complete("--instance", "fake", "rm", "o") == []
        assert 0.15 < time.monotonic() - begin < 1, "200 ms, and silence"
    for shell in ("bash", "zsh", "fish"):
        script = out("completion", shell)
        if shutil.which(shell):
            subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_completion_in_bash():
    """As readline calls it: = and : break words."""
    start()
    script = out("completion", "bash") + (
        'compopt() { :; }\ntry() { COMP_LINE="$1"; COMP_POINT=${#1}; _mixctl; '
        'printf "%s " "${COMPREPLY[@]}"; echo; }\n'
        'try "mixctl set limit.mode="\ntry "mixctl link vox/gain:"\ntry "mixctl set limit.cei"\n'
    )
    path = os.path.dirname(MIXCTL) + ":" + ENV["PATH"]
    text = subprocess.run(
        ["bash"], input=script, text=True, capture_output=True, env={**ENV, "PATH": path}, check=True
    ).stdout
    assert text.split("\n")[:3] == ["truepeak sample ", "in out ", "limit.ceiling= "], text


def test_zz_daemon_ends_cleanly():
    stop()


if __name__ == "__main__":
    tap.run(globals(), done)
