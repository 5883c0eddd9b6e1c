"""Verbs that work on files: the daemon of one call, formats of results, refusals, interrupts."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import rig
import tap


def alive(pid):
    """False also for a zombie, whose parent has not looked yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds * rig.PATIENCE
    while not what():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.005)


def children(pid):
    try:
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def test_formats_of_a_result():
    table = rig.out("spec", "ls")
    assert "ebu-r128" in table and not table.startswith("{")
    whole = rig.ask("spec", "ls")
    assert whole["schema"] == 1 and len(whole["items"]) > 40
    assert json.loads(rig.out("spec", "ls", "-o", "jsonl").splitlines()[-1]) == whole
    names = rig.out("-o", "name", "spec", "ls").split()
    assert names == [item["name"] for item in whole["items"]]
    rows = rig.out("spec", "ls", "-o", "csv").splitlines()
    assert len(rows) == len(names) + 1 and rows[0].split(",")[0] == "name"
    yaml = rig.out("spec", "ls", "-o", "yaml")
    assert "schema: 1" in yaml and '- name: "spotify"' in yaml


def test_a_call_leaves_nothing():
    rig.out("spec", "ls")
    rig.err("spec", "show", "nosuch", code=4)
    assert not rig.leftovers(), rig.leftovers()


def test_closed_streams():
    """No pipe, socket or file of ours gets the number of a stream that the caller has closed."""
    rig.write_wav(rig.FOLDER / "quiet.wav", [0.25, -0.25] * 4800)
    for closed, code in (("<&- 2>&-", 0), (">&- 2>&-", 8), ("<&- >&- 2>&-", 8), (">/dev/full", 8)):
        report = rig.FOLDER / "closed.html"
        report.unlink(missing_ok=True)
        call = [rig.MIXCTL, "measure", "quiet.wav", "--report", "closed.html"]
        done = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *call], cwd=rig.FOLDER, env=rig.ENV,
                              capture_output=True, text=True, timeout=20 * rig.PATIENCE, check=False)  # fmt: skip
        assert done.returncode == code, (closed, done)
        page = report.read_text().lower().strip()
        assert page.startswith("<!doctype html>") and page.endswith("</html>"), closed
        assert "2>&-" in closed or "not all of it could be written" in done.stderr, done
    assert not rig.leftovers(), rig.leftovers()


def test_refusals_name_place_fault_and_remedy():
    assert "did you mean spec" in rig.err("spac", "ls", code=2)
    said = rig.err("spec", "--bogus", "ls", code=2)
    assert "--bogus: no such option" in said and "mixctl help spec" in said
    assert "did you mean --timeout" in rig.err("spec", "ls", "--timeuot", "2s", code=2)
    assert "usage: mixctl spec" in rig.err("spec", code=2)
    fault = json.loads(rig.err("spec", "show", "ebu-r129", "-o", "json", code=4))
    assert fault["code"] == 4 and "ebu-r128" in fault["hint"], fault


def test_help_of_every_verb_reads_well():
    listed = rig.out("help").split("verbs that work on files")[1].split("options of all")[0]
    verbs = [line.split()[0] for line in listed.splitlines()[1:] if line.strip()]
    assert len(verbs) >= 5, listed
    manual = rig.out("help", "--man")
    for verb in verbs:
        said = rig.out(verb, "--help")
        assert said == rig.out("help", verb) and f"usage: mixctl {verb}" in said
        assert "mixctl mixctl" not in said and "mixctl \n" not in said, said
        assert f".SS {verb}" in manual
        offered = rig.out("__complete", "2", "mixctl", verb, "--").split()
        assert "--help" in offered, (verb, offered)
    assert "measure" in rig.out("__complete", "1", "mixctl", "")
    assert rig.out("__complete", "2", "mixctl", "ddp", "").split() == ["check", "show", "extract"]
    assert rig.out("__complete", "2", "mixctl", "spec", "s").split() == ["show"]
    assert rig.out("__complete", "3", "mixctl", "spec", "show", "") == rig.out("__complete", "2", "mixctl", "render", "") == ""
    assert "opus" in rig.out("__complete", "4", "mixctl", "render", "x.yaml", "--format", "").split()


def test_without_a_daemon_to_start():
    said = rig.err("spec", "ls", code=3, env={"MIXD_DAEMON": "/nonexistent/mixd"})
    assert "/nonexistent/mixd: cannot start" in said and "$MIXD_DAEMON" in said
    said = rig.err("spec", "ls", code=8, env={"MIXD_DAEMON": "/bin/false"})
    assert "ended with code 1" in said
    assert not rig.leftovers(), rig.leftovers()


def test_a_live_daemon_takes_no_files():
    env = {**rig.ENV, "XDG_RUNTIME_DIR": str(rig.FOLDER)}
    daemon = tap.start([rig.MIXD, "--no-pipewire", "--ephemeral", "--instance", "live"], env=env)
    live = {"XDG_RUNTIME_DIR": str(rig.FOLDER)}
    rig.mixctl("--instance", "live", "wait", "up", "--timeout", f"{10 * rig.PATIENCE:g}s", env=live)
    said = rig.err("--instance", "live", "spec", "ls", code=3, env=live)
    assert "takes no work on files" in said and "leave --instance" in said
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(10) == 0


def test_a_jobs_daemon_serves_many_calls():
    env = {**rig.ENV, "XDG_RUNTIME_DIR": str(rig.FOLDER)}
    daemon = tap.start([rig.MIXD, "--jobs", "--instance", "jobs"], env=env)
    jobs = {"XDG_RUNTIME_DIR": str(rig.FOLDER)}
    rig.mixctl("--instance", "jobs", "wait", "up", "--timeout", f"{10 * rig.PATIENCE:g}s", env=jobs)
    for _ in range(70):  # more than it remembers
        assert "ebu-r128" in rig.out("--instance", "jobs", "spec", "ls", env=jobs)
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(10) == 0


def long_job():
    """mixctl at work on an hour of sound, and the daemon it started."""
    big = rig.FOLDER / "long.wav"
    if not big.exists():
        rig.write_wav(big, [0.0] * 10)
        with open(big, "r+b") as file:  # an hour of silence that takes no room
            size = 48000 * 3600 * 3
            file.seek(4)
            file.write((36 + size).to_bytes(4, "little"))
            file.seek(40)
            file.write(size.to_bytes(4, "little"))
            file.truncate(44 + size)
    process = subprocess.Popen(
        [rig.MIXCTL, "render", "through.yaml", "-i", big, "-o", "long.flac"],
        cwd=rig.FOLDER, env=rig.ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for(lambda: any(f.endswith(".part") for f in os.listdir(rig.FOLDER)))
    return process, children(process.pid)[0]


def write_session():
    (rig.FOLDER / "through.yaml").write_text(
        "mixd: 1\nnodes:\n  in: {type: input, layout: mono}\n  out: {type: output}\n"
        "links: [in -> out]\n"
    )


def test_nohup_outlives_its_terminal():
    write_session()
    for ignored, code in ((True, -signal.SIGKILL), (False, 130)):
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
        try:
            process, daemon = long_job()
        finally:
            signal.signal(signal.SIGHUP, before)
        process.send_signal(signal.SIGHUP)
        time.sleep(0.3 if ignored else 0)
        if ignored:
            assert process.poll() is None, process.communicate()
            process.kill()
        process.communicate(timeout=30 * rig.PATIENCE)
        assert process.returncode == code, process.returncode
        wait_for(lambda: not alive(daemon) and not any(f.endswith(".part") for f in os.listdir(rig.FOLDER)))
        wait_for(lambda: not rig.leftovers())


def test_interrupts_leave_nothing():
    write_session()
    for signo in (signal.SIGINT, signal.SIGTERM):
        process, daemon = long_job()
        process.send_signal(signo)
        _, said = process.communicate(timeout=30 * rig.PATIENCE)
        assert process.returncode == 130, (process.returncode, said)
        assert "was interrupted; nothing was written" in said
        assert not alive(daemon)
        assert not (rig.FOLDER / "long.flac").exists()
        assert not rig.leftovers(), rig.leftovers()


def test_a_killed_mixctl_takes_its_daemon_along():
    write_session()
    process, daemon = long_job()
    process.kill()
    process.communicate()
    wait_for(lambda: not alive(daemon))
    wait_for(lambda: not rig.leftovers())
    assert not (rig.FOLDER / "long.flac").exists()


def test_a_killed_daemon_is_an_error_in_words():
    write_session()
    process, daemon = long_job()
    os.kill(daemon, signal.SIGKILL)
    _, said = process.communicate(timeout=30 * rig.PATIENCE)
    assert process.returncode == 8 and "was ended by signal 9" in said, said
    assert not (rig.FOLDER / "long.flac").exists()
    rig.out("render", "through.yaml", "-i", "short.wav", "-o", "long.flac", code=None)
    rig.write_wav(rig.FOLDER / "short.wav", [0.1] * 4800)
    rig.out("render", "through.yaml", "-i", "short.wav", "-o", "long.flac")
    assert not rig.leftovers(), rig.leftovers()  # the next writer removed what was left


def test_progress_as_lines():
    write_session()
    process, _ = long_job()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30 * rig.PATIENCE)
    lines = subprocess.Popen(
        [rig.MIXCTL, "render", "through.yaml", "-i", "long.wav", "-o", "long.flac", "-o", "jsonl"],
        cwd=rig.FOLDER, env=rig.ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in lines.stdout:
        event = json.loads(line)
        if event["event"] == "progress" and event["speed"] > 0 and event["left_s"]:
            break
    assert event["total_s"] >= 3600 and 0 < event["done_s"] <= event["total_s"], event
    lines.send_signal(signal.SIGINT)
    lines.communicate(timeout=30 * rig.PATIENCE)
    assert lines.returncode == 130


tap.run(globals(), rig.done)
