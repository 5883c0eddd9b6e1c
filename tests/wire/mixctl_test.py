#!/usr/bin/env python3
"""mixctl against a real mixd without PipeWire, and against a fake one for what that does not do.
Streams and completion: mixctl_stream_test.py. Environment: see mixctl_rig.py.
"""

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import tap  # noqa: E402
from fake_server import FakeServer  # noqa: E402
from mixctl_rig import DAEMON, ENV, FOLDER, MIXCTL, done, err, mixctl, out, start, stop  # noqa: E402


# ---- the command line, without a daemon ------------------------------------------------------------


def test_usage_errors_name_the_nearest():
    rows = [
        (["sett", "a.b=1"], "did you mean set?"),
        (["set", "--dryrun", "a.b=1"], "did you mean --dry-run?"),
        (["status", "-o", "jsno"], "did you mean json?"),
        (["set", "a.b=1", "--wait", "setled"], "did you mean settled?"),
        (["ls", "ndoes"], "did you mean nodes?"),
        (["set", "a.b", "-1dB"], "NODE.PARAM=-1dB"),
        (["set", "a.b"], "no value"),
        (["set", "a.b="], "empty"),
        (["set", "ab=1"], "names no param"),
        (["set"], "nothing to set"),
        (["set", "a.b=1", "--over", "800"], "with its unit"),
        (["set", "a.b=1", "--at", "noon"], "not a point in time"),
        (["set", "a.b=1", "--if-rev", "x"], "not a number"),
        (["status", "--over", "1s"], "does not take it"),
        (["status", "--timeout"], "value is missing"),
        (["status", "--quiet=yes"], "takes no value"),
        (["mv", "a"], "usage: mixctl mv NODE NEW_NAME"),
        (["mv", "a", "b", "c"], "usage: mixctl mv"),
        (["wait", "a.b", "loud"], "not a condition"),
        (["automate", "a.b"], "no points"),
        (["rollback"], "where to is missing"),
        (["completion", "csh"], "bash, zsh or fish"),
        (["watch", "--events", "noise"], "no kind of event"),
        ([], "a verb is missing"),
    ]
    for args, text in rows:
        message = err(*args, code=2)
        assert text in message and message.startswith("mixctl: "), (args, message)
        assert message.count("\n") == 1, message


def test_no_daemon_is_3():
    message = err("--instance", "nobody", "status", code=3)
    assert f"no mixd at {FOLDER}/mixd/nobody/control" in message, message
    fault = json.loads(err("--instance", "nobody", "status", "-o", "json", code=3))
    assert sorted(fault) == ["address", "code", "hint", "message", "name"], fault
    assert fault["code"] == 3 and fault["name"] == "unavailable"
    assert "`sudo systemctl start mixd@nobody`" in message, message
    assert "`mixctl --instance nobody wait up`" in message, message
    message = err("status", code=3, env={"MIXD_INSTANCE": "default"})
    assert "`systemctl --user start mixd`, then `mixctl wait up`" in message, message


def test_a_socket_that_refuses_is_not_running():
    os.makedirs(os.path.join(FOLDER, "mixd", "killed"))
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.path.join(FOLDER, "mixd", "killed", "control"))
    with FakeServer(os.path.join(FOLDER, "mixd", "alive")):
        message = err("--instance", "killed", "status", code=3)
        assert "(Connection refused); it has ended; start it again:" in message, message
        assert message.endswith("; running here: alive; pick one with --instance NAME\n"), message
    shutil.rmtree(os.path.join(FOLDER, "mixd", "alive"))
    message = err("--instance", "nobody", "status", code=3)
    assert "running here" not in message, message


def test_tcp_is_refused():
    message = err("-H", "tcp://studio:5555", "status", code=7)
    assert "TCP comes with keys" in message, message


def test_help_and_manual():
    assert "usage: mixctl" in out("help") and "usage: mixctl" in out("--help")
    assert "--if-rev" in out("help", "set") == out("set", "--help")
    page = out("help", "--man")
    for verb in "status ls get set add rm mv link unlink bypass mute meter watch apply".split():
        assert f".SS {verb}" in page, verb
    if shutil.which("man"):
        done = subprocess.run(
            ["man", "--warnings", "-l", "-"], input=page, capture_output=True, text=True,
            env={**ENV, "MANROFFSEQ": "", "MANPAGER": "cat"}, check=False,
        )
        assert done.returncode == 0 and not done.stderr, done.stderr


def test_every_kind_of_json_is_documented():
    folder = os.path.join(os.path.dirname(__file__), "..", "..", "clients")
    with open(os.path.join(folder, "README.md"), encoding="utf-8") as file:
        documented = set(re.findall(r"`([a-z]+)`", "".join(l for l in file if l.startswith("| `"))))
    kinds = set()
    for name in os.listdir(os.path.join(folder, "mixctl")):
        if name.endswith(".c"):
            with open(os.path.join(folder, "mixctl", name), encoding="utf-8") as file:
                kinds |= set(re.findall(r'(?:output_object\(|\.kind = )"([a-z]+)"', file.read()))
    assert len(kinds) >= 13 and kinds <= documented, kinds - documented


# ---- exit codes, by a daemon that answers what we like ----------------------------------------------


def test_exit_codes_are_the_daemons():
    rows = [(2, "usage"), (3, "unavailable"), (4, "not-found"), (5, "invalid"), (6, "conflict"),
            (7, "denied"), (8, "resource"), (9, "rolled-back"), (124, "timeout")]
    with FakeServer(os.path.join(FOLDER, "mixd", "fake")) as fake:
        for code, name in rows:
            fake.status = (code, "limit.celing", "no such param", "did you mean limit.ceiling?")
            message = err("--instance", "fake", "set", "limit.celing=1", code=code)
            assert message == (
                "mixctl: limit.celing: no such param; did you mean limit.ceiling?\n"
            ), message
            fault = json.loads(
                err("--instance", "fake", "-o", "json", "set", "limit.celing=1", code=code)
            )
            assert fault == {
                "code": code, "name": name, "message": "no such param",
                "address": "limit.celing", "hint": "did you mean limit.ceiling?",
            }, fault
        fake.status = None
        fake.mute = 1
        begin = time.monotonic()
        message = err("--instance", "fake", "undo", "--timeout", "100ms", code=124)
        assert "unknown" in message, message
        assert time.monotonic() - begin < 2
        fake.garbage = True
        mixctl("--instance", "fake", "status", code=3)


def test_write_options_reach_the_daemon():
    with FakeServer(os.path.join(FOLDER, "mixd", "fake")) as fake:
        fake_ctl = lambda *a, **k: mixctl("--instance", "fake", *a, **k)  # noqa: E731
        fake_ctl("set", "a.gain+=1.5dB", "b.mute=toggle", "--over", "800ms", "--curve", "log",
                 "--if-rev", "412", "--dry-run", "--wait", "settled")
        request = fake.requests[-1]
        assert (request.wait, request.if_revision, request.dry_run) == (2, 412, True)
        first, second = (op.set for op in request.transaction.ops)
        assert (first.address, first.value.text, first.relative) == ("a.gain", "+=1.5dB", True)
        assert (first.over_ms, first.curve) == (800, "log")
        assert second.toggle and second.address == "b.mute"
        fake_ctl("set", "a.gain=1")
        assert fake.requests[-1].wait == 1, "set waits for accepted"
        fake_ctl("link", "a", "b:key", "--gain=-6dB")
        link = fake.requests[-1].transaction.ops[0].link
        assert fake.requests[-1].wait == 0, "link waits for applied"
        assert (link.to, link.gain_db, link.set_gain) == ("b:key", -6, True)
        fake_ctl("set", "-f", "-", stdin="# fades\na.gain=-6dB\n\n  b.gain -= 3dB \n")
        texts = [op.set.value.text for op in fake.requests[-1].transaction.ops]
        assert texts == ["-6dB", "-=3dB"], texts
        message = fake_ctl("set", "-f", "-", stdin="a.gain=1\nb.gain\n", code=5).stderr
        assert "-:2" in message, message
        fake_ctl("automate", "limit.ceiling", "0s=-60dBTP", "3s=0", "--curve", "log")
        automate = fake.requests[-1].transaction.ops[0].automate
        assert [(p.at_ms, p.value) for p in automate.points] == [(0, -60), (3000, 0)]
        fake_ctl("automate", "limit.ceiling", "0s=20ms", code=5)


# ---- a real daemon ---------------------------------------------------------------------------------


def test_get_prints_what_set_takes():
    start()
    assert out("get", "limit.ceiling") == "-1dBTP\n"
    assert out("get", "-n", "limit.ceiling") == "-1\n"
    mixctl("set", "limit.ceiling=-2dBTP")
    assert out("get", "limit.ceiling") == "-2dBTP\n"
    mixctl("set", "limit.ceiling=" + out("get", "limit.ceiling").strip())
    mixctl("set", "limit.ceiling=default")
    assert out("get", "limit.ceiling") == "-1dBTP\n"
    table = out("get", "limit.ceil*").splitlines()
    assert table[0].split() == ["ADDRESS", "VALUE"] and table[1].split()[1] == "-1dBTP", table
    assert out("get", "limit.ceil*", "--no-headers").split() == ["limit.ceiling", "-1dBTP"]
    assert out("get", "limit.ceil*", "-o", "name") == "limit.ceiling\n"
    assert out("get", "limit.ceil*", "-o", "csv").splitlines()[1] == "limit.ceiling,-1dBTP"
    reading = json.loads(out("get", "limit.ceiling", "-o", "json"))
    assert reading["schema"] == 1 and reading["kind"] == "readings"
    assert reading["items"][0] == {
        "address": "limit.ceiling", "value": -1, "unit": "dBTP", "text": "-1dBTP", "meter": False,
    }, reading


def test_set_is_all_or_nothing():
    start()
    message = err("set", "limit.ceiling=-3dBTP", "limit.celing=-2dBTP", code=4)
    assert "limit.celing" in message and "ceiling" in message, message
    assert out("get", "limit.ceiling") == "-1dBTP\n"
    mixctl("set", "limit.ceiling=-1Hz", code=5)
    mixctl("set", "limit.ceiling=+40dBTP", code=5)
    mixctl("set", "nobody.gain=1dB", code=4)
    mixctl("set", "vox/*.gain+=1.5dB")
    assert out("get", "vox/gain.gain") == "-4.5dB\n"
    mixctl("set", "vox/gain.gain-=0.5dB")
    assert out("get", "vox/gain.gain") == "-5dB\n"
    mixctl("set", "-f", "-", stdin="vox/gain.gain=-7dB\nlimit.ceiling=-2dBTP\n")
    assert out("get", "vox/gain.gain", "limit.ceiling", "-o", "csv", "--no-headers").split() == [
        "vox/gain.gain,-7dB", "limit.ceiling,-2dBTP"]


def test_dry_run_and_revision():
    start()
    before = out("export")
    text = out("set", "limit.ceiling=-3dBTP", "--dry-run")
    assert text == "set limit.ceiling=-3dBTP\n", text
    text = out("add", "eq", "tone", "band1.freq=80Hz", "band1.type=highpass", "--dry-run")
    assert text.startswith("add eq tone ") and " band1.freq=80Hz" in text, text
    text = out("apply", "-f", "-", "--merge", "--dry-run",
               stdin="mixd: 1\nnodes:\n  limit: {type: limiter, release: 90ms}\n")
    assert text == "set limit.release=90ms\n", text
    change = json.loads(out("set", "limit.ceiling=-3dBTP", "--dry-run", "-o", "json"))["changes"][0]
    assert change == {"param": {"address": "limit.ceiling", "value": -3, "text": "-3dBTP"}}, change
    assert out("rm", "limit", "--heal", "--dry-run").startswith(("rm limit", "unlink", "link"))
    assert out("export") == before
    revision = int(re.match(r"revision (\d+)\n$", out("set", "limit.ceiling=-3dBTP"))[1])
    mixctl("set", "limit.ceiling=-4dBTP", "--if-rev", str(revision - 1), code=6)
    mixctl("set", "limit.ceiling=-4dBTP", "--if-rev", str(revision))
    commit = json.loads(out("set", "limit.ceiling=-5dBTP", "-o", "json"))
    assert commit["revision"] == revision + 2 and commit["kind"] == "commit", commit
    assert not commit["dry_run"] and commit["changes"][0]["param"]["address"] == "limit.ceiling"
    assert out("set", "-q", "limit.ceiling=-6dBTP") == ""
    for level in ("accepted", "applied", "settled", "persisted"):
        mixctl("set", "limit.ceiling=-2dBTP", "--wait", level)
    begin = time.monotonic()
    mixctl("set", "limit.ceiling=-3dBTP", "--at", "+300ms")
    assert 0.25 < time.monotonic() - begin < 2 and out("get", "limit.ceiling") == "-3dBTP\n"


def test_topology():
    start()
    mixctl("add", "eq", "vox/eq", "--after", "vox/gain", "band1.type=highpass", "band1.freq=80Hz")
    mixctl("add", "eq", "vox/eq", "band1.type=highpass", "band1.freq=80Hz")  # equal: fine
    mixctl("add", "gain", "vox/eq", code=6)
    mixctl("add", "eqq", "vox/eq2", code=4)
    mixctl("add", "eq", "bad name", code=5)
    links = json.loads(out("ls", "links", "-o", "json"))["items"]
    assert ("vox/gain:out", "vox/eq:in") in [(link["from"], link["to"]) for link in links], links
    assert ("vox/eq:out", "limit:in") in [(link["from"], link["to"]) for link in links], links
    assert "an eq has no param" in err("set", "vox/eq.xyzzy=1", code=4)
    assert "an input has only outputs" in err("link", "limit", "in", code=4)
    mixctl("rm", "vox/eq", "--heal")
    mixctl("rm", "vox/eq", code=4)
    assert out("rm", "vox/*", "vox/gain", "--dry-run").splitlines()[-1] == "rm vox/gain"
    mixctl("add", "gain", "vox/a/b")
    mixctl("rm", "vox/a/**")
    assert "vox/a/b" not in out("ls", "-o", "name").split()
    assert "no node matches" in err("rm", "vox/a/**", code=4)
    mixctl("mv", "limit", "master/limit")
    assert "master/limit" in out("ls", "-o", "name").split()
    mixctl("unlink", "master/limit", "out")
    mixctl("link", "master/limit", "->", "out", "--gain=-3dB")
    rows = out("ls", "links", "-o", "csv")
    assert "master/limit:out,out:in,-3dB," in rows, rows
    message = err("link", "master/limit", "vox/gain", code=5)
    assert "vox/gain" in message, message
    mixctl("bypass", "master/limit")
    mixctl("mute", "vox/gain", "master/limit", "toggle")
    assert out("get", "master/limit.bypass") == "on\n" == out("get", "vox/gain.mute")
    mixctl("bypass", "master/limit", "off")
    assert out("get", "master/limit.bypass") == "off\n"


def test_listings():
    start()
    assert out("ls", "-o", "name").split() == sorted(out("ls", "-o", "name").split())
    assert "limiter" in out("ls", "types", "-o", "name").split()
    assert out("ls", "nodes", "vox/gain", "--no-headers").split()[-1] == "gain=-6dB"
    assert json.loads(out("ls", "nodes", "vox/gain", "-o", "json"))["items"][0]["settings"] == {
        "gain": -6}
    ports = [json.loads(line) for line in out("ls", "ports", "-o", "jsonl").splitlines()]
    assert {"address", "output", "layout", "channels"} == set(ports[0]), ports[0]
    assert out("ls", "ports", "limit", "-o", "name").split() == ["limit:in", "limit:out"]
    for what in ("nodes", "ports", "links", "types"):
        assert json.loads(out("ls", what, "-o", "json"))["kind"] == what
        assert out("ls", what, "-o", "yaml").startswith('schema: 1\nkind: "' + what)


def test_plugins_are_types():
    start()
    if not os.path.exists(os.path.join(os.environ.get("LV2_PATH", ""), "mixd-test.lv2/mixd-test.so")):
        return  # built without LV2
    assert "lv2:urn:mixd:gain" in out("ls", "plugins", "-o", "name").split()
    assert "lv2:urn:mixd" not in out("ls", "types"), "they are not always there"
    items = json.loads(out("ls", "plugins", "ne", "-o", "json"))["items"]
    assert [item["id"] for item in items] == ["lv2:urn:mixd:needy"], items
    assert "needs <urn:mixd:magic>" in items[0]["doc"]
    assert out("ls", "plugins", "*:g*n", "-o", "name").split() == ["lv2:urn:mixd:gain"]
    text = out("explain", "lv2:urn:mixd:gain")
    assert "Test Gain" in text and "low-pass, low-pass-2, high-steep" in text, text
    text = out("explain", "lv2:urn:mixd:gain.freq")
    assert "20Hz .. 20kHz" in text and "1.5kHz" in text and "at once" in text, text
    assert "did you mean" in err("explain", "lv2:mixd:gain", code=4)
    assert "needs <urn:mixd:magic>" in err("add", "lv2:urn:mixd:needy", "needy", code=4)
    assert "does not start" in err("add", "lv2:urn:mixd:mute", "mute", code=5)
    mixctl("add", "lv2:urn:mixd:gain", "plug", "freq=2kHz", "mode=high-steep")
    assert out("get", "plug.freq").strip() == "2kHz"
    assert out("get", "plug.health").strip() == "good"
    assert "plug: {type: " in out("export") and "lv2:urn:mixd:gain" in out("export")
    assert "now      2kHz" in out("explain", "plug.freq")
    assert "lv2:urn:mixd:gain" in out("ls", "types", "lv2:**", "-o", "name").split()
    mixctl("rm", "plug")


def test_session_files():
    start()
    text = out("export")
    path = os.path.join(FOLDER, "session.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    assert out("diff", "-f", path) == ""
    mixctl("set", "limit.ceiling=-9dBTP")
    change = mixctl("diff", "-f", path, code=1).stdout
    assert "limit.ceiling" in change, change
    diff = json.loads(out("diff", "-f", path, "-o", "json", code=1))
    assert not diff["equal"] and len(diff["ops"]) == 1, diff
    mixctl("apply", "-f", path)
    assert out("diff", "-f", path) == ""
    assert json.loads(out("export", "-o", "json"))["mixd"] == 1
    message = err("apply", "-f", "-", stdin="mixd: 1\nnodes:\n  a: {typ: gain}\n", code=5)
    assert ":3:" in message and "type" in message, message
    with open(path, "w", encoding="utf-8") as file:
        file.write("mixd: 1\nnodes:\n  a: {type: gian}\n")
    for verb in ("apply", "diff"):
        message = err(verb, "-f", path, code=5)
        assert message.startswith(f"mixctl: {path}:3:") and "gain" in message, message
    for links, place, words in (
        ("  - in -> limt\n", "7:5", 'no node "limt"; did you mean "limit"?'),
        ("  - {from: in, to: limt, gain: -6dB}\n", "7:5", 'did you mean "limit"?'),
        ("  - limit -> b\n  - b -> limit\n", "8:5", "cycle: b -> limit -> b"),
    ):
        with open(path, "w", encoding="utf-8") as file:
            file.write("mixd: 1\nnodes:\n  in: {type: input}\n  limit: {type: limiter}\n"
                       "  b: {type: gain}\nlinks:\n" + links)
        for verb in (["apply"], ["apply", "--dry-run"], ["diff"]):
            message = err(*verb, "-f", path, code=5)
            assert message.startswith(f"mixctl: {path}:{place}: ") and words in message, message
    merged = "mixd: 1\nnodes:\n  extra: {type: gain}\nlinks:\n  - vox/gain -> extra\n"
    assert "link vox/gain:out extra:in" in out("apply", "-f", "-", "--merge", "--dry-run",
                                               stdin=merged)
    mixctl("apply", "-f", os.path.join(FOLDER, "nothing.yaml"), code=8)
    mixctl("apply", "-f", FOLDER, code=8)
    mixctl("apply", "-f", "-", "--merge", stdin="mixd: 1\nnodes:\n  extra: {type: gain}\n")
    assert {"extra", "limit"} <= set(out("ls", "-o", "name").split())


def test_history_undo_rollback():
    start()
    revision = json.loads(out("ls", "-o", "json"))["revision"]
    mixctl("set", "limit.ceiling=-3dBTP")
    mixctl("set", "limit.ceiling=-4dBTP")
    mixctl("undo")
    assert out("get", "limit.ceiling") == "-3dBTP\n"
    mixctl("undo")  # the undo: done again
    assert out("get", "limit.ceiling") == "-4dBTP\n"
    mixctl("rollback", "--to", str(revision))
    assert out("get", "limit.ceiling") == "-1dBTP\n"
    newest = json.loads(out("history", "--limit", "2", "-o", "json"))["items"]
    assert len(newest) == 2 and newest[0]["revision"] == revision + 5, newest
    assert newest[0]["by"] == "mixctl (anna)"
    mixctl("set", "limit.ceiling=-5dBTP", env={"USER": "", "LOGNAME": "bob"})
    assert "  mixctl (bob)  " in out("history", "--limit", "1")
    mixctl("set", "limit.ceiling=-6dBTP", env={"USER": "\033[31m", "LOGNAME": ""})
    assert f"  mixctl (uid {os.getuid()})  " in out("history", "--limit", "1")
    assert len(out("history", "--since", "1h", "--no-headers").splitlines()) > 2
    mixctl("rollback", "--to", "1000000", code=4)


def test_explain():
    start()
    text = out("explain", "limiter.ceiling")
    assert "dBTP" in text and "mixctl set NODE.ceiling" in text, text
    assert "  now " not in text
    mixctl("set", "limit.ceiling=-2.5dBTP")
    text = out("explain", "limit.ceiling")
    assert "  now      -2.5dBTP\n" in text and "mixctl set limit.ceiling=-1dBTP\n" in text, text
    assert "mixctl meter limit.gr\n" in out("explain", "limit.gr")
    assert "-inf .. 24dB" in out("explain", "gain.gain")
    assert "10Hz .. 24kHz" in out("explain", "eq.band1.freq")
    assert "file: an absolute path" in out("explain", "convolver.ir")
    assert "mixctl meter NODE.gr\n" in out("explain", "limiter.gr")
    assert "ceiling" in out("explain", "limiter")
    assert "one per channel" in out("explain", "eq") or "band1..band" in out("explain", "eq")
    assert out("explain", "eq.band3.freq").startswith("eq.band1..band")
    message = err("explain", "limiter.celing", code=4)
    assert "did you mean limiter.ceiling?" in message, message
    assert "did you mean limiter?" in err("explain", "limitr", code=4)
    assert json.loads(out("explain", "limiter", "-o", "json"))["id"] == "limiter"


def test_status():
    start()
    status = json.loads(out("status", "-o", "json"))
    assert status["schema"] == 1 and status["kind"] == "status" and status["pid"] == DAEMON[0].pid
    assert status["instance"] == "test" and status["nodes"] == 4 and status["alarms"] == []
    assert "instance" in out("status") and out("status", "-q") == ""


def test_status_with_an_alarm_is_1():
    with FakeServer(os.path.join(FOLDER, "mixd", "fake")) as fake:
        mixctl("--instance", "fake", "status")
        fake.alarms = ["the card was unplugged"]
        text = out("--instance", "fake", "status", code=1)
        assert "device: the card was unplugged" in text and "\033" not in text, text
        status = json.loads(out("--instance", "fake", "status", "-o", "json", code=1))
        assert status["alarms"][0]["text"] == "the card was unplugged"
        mixctl("--instance", "fake", "status", "-o", "csv", code=2)


def test_automate():
    start()
    mixctl("automate", "vox/gain.gain", "0s=-60dB", "3s=0dB", "--curve", "log")
    assert "vox/gain.gain" in out("export")
    assert out("automate", "vox/gain.gain", "0s=-9dB", "--dry-run").splitlines() == [
        "set vox/gain.gain=-9dB", "automate vox/gain.gain 0ms=-9dB --curve smooth"]
    mixctl("automate", "vox/gain.gain", "--clear")
    mixctl("automate", "vox/gain.gain", "0s=-60Hz", code=5)
    mixctl("automate", "vox/gain.gain", "0=1", "x", code=2)


def test_set_takes_3_ms():
    start()
    times = []
    for i in range(100):
        begin = time.perf_counter()
        pid = os.posix_spawn(MIXCTL, [MIXCTL, "-q", "set", f"limit.ceiling=-{i % 9 + 1}dBTP"], ENV)
        status = os.waitpid(pid, 0)[1]
        times.append((time.perf_counter() - begin) * 1000)
        assert status == 0
    tap.note(
        f"mixctl set, process start to exit: median {statistics.median(times):.2f} ms, "
        f"max {max(times):.2f} ms of 100"
    )


def test_zz_daemon_ends_cleanly():
    stop()


if __name__ == "__main__":
    tap.run(globals(), done)
