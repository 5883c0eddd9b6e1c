"""mixctl batch: many items, each once; what fails, what is resumed, what is refused before the work."""

import fcntl
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy

import rig
import tap

SESSION = (
    "mixd: 1\nnodes:\n  in: {type: input, layout: mono}\n  g: {type: gain, gain: -6dB}\n  out: {type: output}\n"
    "links: [in -> g -> out]\n"
)
RENDER = "render chain.yaml -i {file} -o {stem}.wav"


def fresh(name, n=4):
    """A folder with a session, and N recordings in `in`."""
    folder = rig.FOLDER / name
    (folder / "in").mkdir(parents=True)
    (folder / "chain.yaml").write_text(SESSION)
    for i in range(n):
        tone = 0.1 * numpy.sin(numpy.arange(4800) * 0.05 * (i + 1))
        rig.write_wav(folder / "in" / f"t{i}.wav", tone)
    return folder


def jobs(folder, text, name="jobs.yaml"):
    (folder / name).write_text(text)
    return name


def ask(folder, *args, code=0, **more):
    return json.loads(rig.mixctl("batch", *args, "-o", "json", cwd=folder, code=code, **more).stdout)


def states(result):
    return {item["item"]: item["state"] for item in result["items"]}


def journal(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines() if line.strip()]


def wrapper(folder, name, text):
    """A mixctl that does TEXT first; $1... is its command line."""
    path = folder / name
    path.write_text(f'#!/bin/sh\n{text}\nexec "{rig.MIXCTL}" "$@"\n')
    path.chmod(0o755)
    return {"MIXCTL": str(path)}


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(what, seconds=30):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.01)


def test_a_folder_and_a_bad_file_among_good_ones():
    folder = fresh("bad")
    (folder / "in" / "deep").mkdir()
    os.rename(folder / "in" / "t3.wav", folder / "in" / "deep" / "t3.wav")
    (folder / "in" / "t1.wav").write_bytes((folder / "in" / "t1.wav").read_bytes()[:1000])
    (folder / "in" / "notes.txt").write_text("no recording")
    verb = "render chain.yaml -i {file} -o {dir}/{stem}.wav"
    result = ask(folder, "in", "-o", "out", "--verb", verb, code=1)
    assert states(result) == {
        "in/deep/t3.wav": "done", "in/t0.wav": "done", "in/t1.wav": "failed", "in/t2.wav": "done",
    }  # fmt: skip
    bad = result["items"][2]
    assert bad["exit_code"] == 5 and "truncated" in bad["message"] and bad["hint"], bad
    assert not (folder / "out" / "t1.wav").exists()
    for name in ("t0", "deep/t3"):
        got = rig.read_float(folder / "out" / f"{name}.wav")
        want = rig.read_float(folder / "in" / f"{name}.wav")
        assert numpy.abs(got - want * 10 ** (-6 / 20)).max() < 2e-6
    said = rig.mixctl("batch", "in", "-o", "out", "--verb", verb, cwd=folder, code=1)
    assert "0 done" in said.stdout and "3 finished before, 1 failed" in said.stdout, said.stdout
    assert "in/t1.wav" in said.stdout and "truncated" in said.stdout and "truncated" in said.stderr


def test_a_document_with_patterns_defaults_and_lists():
    folder = fresh("document")
    jobs(
        folder,
        "defaults:\n  verb: render\n  args: [chain.yaml]\n  options: {input: '{file}', bits: 16}\njobs:\n"
        "  - files: ['in/t[01].wav', in/t2.wav]\n    options: {output: 'a/{stem}-{name}'}\n"
        "  - name: last\n    options: {input: in/t3.wav, output: b.wav, bits: 24, dither: none}\n"
        "  - verb: measure\n    args: [in/t0.wav, in/t1.wav]\n",
    )
    result = ask(folder, "jobs.yaml")
    assert [i["item"] for i in result["items"]] == [
        "in/t0.wav", "in/t1.wav", "in/t2.wav", "last", "in/t0.wav",
    ], states(result)  # fmt: skip
    assert result["n_done"] == 5
    assert rig.tool("soxi", "-b", folder / "a" / "t1-t1.wav").strip() == "16"
    assert rig.tool("soxi", "-b", folder / "b.wav").strip() == "24"
    assert len(result["items"][4]["result"]["items"]) == 2
    assert (folder / "jobs.yaml.journal").exists()


def test_only_what_is_missing_or_changed():
    folder = fresh("resume")
    call = ("in", "-o", "out", "--verb", RENDER)
    assert ask(folder, *call)["n_done"] == 4
    times = {p: p.stat().st_mtime_ns for p in (folder / "out").glob("*.wav")}
    result = ask(folder, *call)
    assert result["n_kept"] == 4 and result["n_done"] == 0
    assert times == {p: p.stat().st_mtime_ns for p in (folder / "out").glob("*.wav")}
    (folder / "out" / "t0.wav").unlink()  # missing
    (folder / "out" / "t1.wav").write_bytes(b"something else")  # changed by somebody
    rig.write_wav(folder / "in" / "t2.wav", [0.25] * 4800)  # another input
    os.utime(folder / "out" / "t3.wav")  # touched, the same bytes
    os.utime(folder / "in" / "t3.wav")
    plan = ask(folder, *call, "--dry-run")
    assert plan["n_left"] == 3 and plan["n_kept"] == 1
    assert not (folder / "out" / "t0.wav").exists()
    assert states(ask(folder, *call)) == {
        "in/t0.wav": "done", "in/t1.wav": "done", "in/t2.wav": "done", "in/t3.wav": "kept",
    }  # fmt: skip
    assert abs(rig.read_float(folder / "out" / "t2.wav")[-1, 0] - 0.25 * 10**-0.3) < 1e-4
    (folder / "chain.yaml").write_text(SESSION.replace("-6dB", "-12dB"))  # what all read
    assert ask(folder, *call)["n_done"] == 4
    assert ask(folder, *call, "--force")["n_done"] == 4
    assert ask(folder, "in", "-o", "out", "--verb", RENDER + " --bits 16")["n_done"] == 4


def test_files_that_a_session_names_count():
    folder = fresh("named", 1)
    (folder / "player.yaml").write_text(
        "mixd: 1\nnodes:\n  p: {type: player, layout: mono, clips: 'in/t0.wav at=0s'}\n  out: {type: output}\n"
        "links: [p -> out]\n"
    )
    jobs(folder, "jobs: [{verb: render, args: [player.yaml], options: {output: p.wav}}]\n")
    first = ask(folder, "jobs.yaml", code=None)
    assert first["items"][0]["state"] in ("done", "failed")
    key = first["items"][0]["key"]
    assert ask(folder, "jobs.yaml", "--dry-run")["items"][0]["key"] == key
    rig.write_wav(folder / "in" / "t0.wav", [0.5] * 100)
    assert ask(folder, "jobs.yaml", "--dry-run")["items"][0]["key"] != key


def test_a_crash_is_the_end_of_one_item():
    folder = fresh("crash")
    env = wrapper(folder, "crashing", 'case "$*" in *t1.wav*) kill -SEGV $$;; *t2.wav*) exit 77;; esac')
    result = ask(folder, "in", "-o", "out", "--verb", RENDER, code=1, env=env)
    assert states(result) == {
        "in/t0.wav": "done", "in/t1.wav": "failed", "in/t2.wav": "failed", "in/t3.wav": "done",
    }  # fmt: skip
    assert "signal 11" in result["items"][1]["message"] and result["items"][1]["exit_code"] == 139
    assert "code 77" in result["items"][2]["message"]
    assert ask(folder, "in", "-o", "out", "--verb", RENDER)["n_done"] == 2  # failures are tried again


def test_without_a_mixctl():
    folder = fresh("none", 2)
    result = ask(folder, "in", "-o", "out", "--verb", RENDER, code=1, env={"MIXCTL": "/nonexistent/mixctl"})
    assert result["n_failed"] == 2 and "cannot start" in result["items"][0]["message"]
    assert "$MIXCTL" in result["items"][0]["hint"]


def test_an_answer_of_no_is_no_success():
    folder = fresh("answer", 2)
    result = ask(folder, "in", "--verb", "check --spec ebu-r128", code=1)
    assert set(states(result).values()) == {"negative"}
    assert result["items"][0]["exit_code"] == 1 and result["items"][0]["message"] == "the answer is no"
    assert "loudness is not known" in result["items"][0]["hint"], result["items"][0]  # it has 0.1 s
    rig.write_wav(folder / "in/t1.wav", 0.5 * numpy.sin(numpy.arange(96000) * 0.1))
    hint = ask(folder, "in", "--verb", "check --spec ebu-r128", code=1)["items"][1]["hint"]
    assert "LUFS" in hint and "-23.0" in hint, hint  # the clause, with its figures
    assert (folder / "in" / ".mixd-batch").exists()


def slow(folder):
    """A mixctl that waits before t2 and t3 until `go` is there; t0 and t1 come first."""
    return wrapper(
        folder, "slow", f'case "$*" in *t2.wav*|*t3.wav*) while [ ! -e "{folder}/go" ]; do sleep 0.05; done;; esac'
    )  # fmt: skip


def begin(folder, *args):
    """Until two items are done and the other two, which are slow, have begun."""
    process = subprocess.Popen(
        [rig.MIXCTL, "batch", "in", "-o", "out", "--verb", RENDER, "--jobs", "2", *args],
        cwd=folder, env={**rig.ENV, **slow(folder)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=tap.end_with_parent,
    )  # fmt: skip
    path = folder / "out" / ".mixd-batch"
    wait_for(lambda: path.exists() and path.read_text().count('"done"') == 2)
    wait_for(lambda: len(descendants(process.pid)) >= 3)  # mixd and two of ours
    return process


def descendants(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        for child in (task / "children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def test_an_interrupt_leaves_the_journal_right():
    folder = fresh("interrupt")
    process = begin(folder)
    family = descendants(process.pid)
    process.send_signal(signal.SIGINT)
    said, fault = process.communicate(timeout=40)
    assert process.returncode == 130, (process.returncode, said, fault)
    assert "2 of 4 items are done" in fault and "goes on from there" in fault, fault
    wait_for(lambda: not any(alive(pid) for pid in family))
    assert sorted(os.listdir(folder / "out")) == [".mixd-batch", "t0.wav", "t1.wav"]
    assert [r["state"] for r in journal(folder / "out" / ".mixd-batch")[1:]] == ["done", "done"]
    result = ask(folder, "in", "-o", "out", "--verb", RENDER)
    assert result["n_kept"] == 2 and result["n_done"] == 2


def test_a_killed_batch_takes_its_children_along_and_is_resumed():
    folder = fresh("killed")
    process = begin(folder)
    family = descendants(process.pid)
    daemon = [p for p in family if "--jobs" in Path(f"/proc/{p}/cmdline").read_text().split("\0")][0]
    os.kill(daemon, signal.SIGKILL)
    process.kill()
    process.communicate(timeout=30)
    wait_for(lambda: not any(alive(pid) for pid in family))
    result = ask(folder, "in", "-o", "out", "--verb", RENDER)
    assert result["n_kept"] == 2 and result["n_done"] == 2
    assert sorted(os.listdir(folder / "out")) == [".mixd-batch", *(f"t{i}.wav" for i in range(4))]


def test_a_torn_journal_is_read_as_far_as_it_is_whole():
    folder = fresh("torn")
    call = ("in", "-o", "out", "--verb", RENDER)
    ask(folder, *call)
    path = folder / "out" / ".mixd-batch"
    whole = path.read_bytes()
    for cut in (len(whole) - 1, len(whole) - 40, 30, 9, 0):
        path.write_bytes(whole[:cut])
        kept = whole[:cut].count(b'"done"') - (1 if cut == len(whole) - 40 or cut == len(whole) - 1 else 0)
        result = ask(folder, *call)
        assert result["n_kept"] == max(kept, 0) and result["n_kept"] + result["n_done"] == 4, (cut, result["n_kept"])
        assert ask(folder, *call)["n_kept"] == 4
    path.write_bytes(whole + b"\0\xff{nonsense\n[1]\n{}\n")
    assert ask(folder, *call)["n_kept"] == 4


def test_a_file_that_is_no_journal_is_left_alone():
    folder = fresh("foreign", 1)
    (folder / "mine.txt").write_text("my own words\n")
    said = rig.err(
        "batch", "in", "-o", "out", "--verb", RENDER, "--journal", "mine.txt", cwd=folder, code=6
    )
    assert "no journal of a batch" in said and "--journal" in said
    assert (folder / "mine.txt").read_text() == "my own words\n"


def test_two_batches_on_one_journal():
    folder = fresh("two", 1)
    ask(folder, "in", "-o", "out", "--verb", RENDER)
    with open(folder / "out" / ".mixd-batch", "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        said = rig.err("batch", "in", "-o", "out", "--verb", RENDER, cwd=folder, code=6)
        assert "another batch is at work" in said and "--shard" in said
        plan = ask(folder, "in", "-o", "out", "--verb", RENDER, "--dry-run")  # looking is free
        assert plan["n_kept"] == 1


def test_outputs_are_told_apart_before_the_work():
    folder = fresh("same")
    said = rig.err("batch", "in", "-o", "out", "--verb", "render chain.yaml -i {file} -o x/../one.wav", cwd=folder, code=6)
    assert "out/one.wav" in said and "both write it" in said and "{stem}" in said
    assert not (folder / "out").exists()
    said = rig.err("batch", "in", "-o", "in", "--verb", "master --spec spotify", cwd=folder, code=6)
    assert "would write over what it reads" in said
    jobs(
        folder,
        "defaults: {verb: master, options: {output: 'm-{spec}.wav'}}\njobs:\n"
        "  - {args: [in/t0.wav], options: {spec: [spotify, tidal]}}\n"
        "  - {args: [in/t1.wav], options: {spec: [ebu-r128, tidal]}}\n",
    )
    said = rig.err("batch", "jobs.yaml", cwd=folder, code=6)
    assert "m-tidal.wav" in said and "both write it" in said
    # side by side, the second would read the old one, none, or the new one
    jobs(
        folder,
        "jobs:\n"
        "  - {verb: master, args: [in/t0.wav], options: {spec: spotify, output: m/../new.wav}}\n"
        "  - {verb: check, args: [./new.wav], options: {spec: spotify}}\n",
    )
    said = rig.err("batch", "jobs.yaml", cwd=folder, code=6)
    assert "new.wav: in/t0.wav writes it, and ./new.wav reads it" in said and "no order" in said, said


def test_what_is_gone_from_a_folder_is_made_again():
    folder = fresh("made", 2)
    (folder / "lp.yaml").write_text("title: LP\ntracks:\n  - {file: in/t0.wav}\n  - {file: in/t1.wav}\n")
    jobs(folder, "jobs:\n  - {verb: album, args: [lp.yaml], options: {output: lp, tracks: wav16}}\n")
    assert ask(folder, "jobs.yaml")["n_done"] == 1
    (folder / "lp/cover.txt").write_text("what others put there does no harm")
    assert ask(folder, "jobs.yaml")["n_kept"] == 1
    track = sorted((folder / "lp/wav16").iterdir())[0]
    for spoil in (track.unlink, lambda: track.write_bytes(track.read_bytes()[:1000])):
        whole = track.read_bytes()
        spoil()
        assert ask(folder, "jobs.yaml")["n_done"] == 1
        assert track.read_bytes() == whole


def test_a_spec_that_changes_is_a_reason():
    folder = fresh("specs", 0)
    rig.write_wav(folder / "in/t0.wav", 0.1 * numpy.sin(numpy.arange(48000) * 0.05))
    own = folder / "batch-own.yaml"
    text = "mixd_spec: 1\nspecs: {batch-own: {like: spotify, clauses: [{id: true-peak, max: %s}]}}\n"
    jobs(
        folder,
        "jobs:\n"
        "  - {verb: master, args: [in/t0.wav], options: {spec: batch-own, output: own.wav}}\n"
        "  - {verb: master, args: [in/t0.wav], options: {spec: spotify, output: theirs.wav}}\n",
    )
    for limit, kept in (("-2dBTP", 0), ("-2dBTP", 2), ("-3dBTP", 1)):
        own.write_text(text % limit)
        rig.mixctl("spec", "add", "--replace", own)
        result = ask(folder, "jobs.yaml")
        assert (result["n_kept"], result["n_done"]) == (kept, 2 - kept), (limit, result)


def test_what_was_written_is_not_found_again():
    folder = fresh("again", 2)
    verb = "render chain.yaml -i {file} -o in/{stem}-low.wav"
    assert ask(folder, "in", "--verb", verb)["n_done"] == 2
    result = ask(folder, "in", "--verb", verb)
    assert result["n_items"] == 2 and result["n_kept"] == 2


def test_shards_cover_everything_once():
    folder = fresh("shards", 9)
    call = ("in", "-o", "out", "--verb", RENDER)
    everything = set(states(ask(folder, *call, "--dry-run")))
    for n in (2, 3):
        parts = [set(states(ask(folder, *call, "--dry-run", "--shard", f"{i}/{n}", code=None))) for i in range(1, n + 1)]
        assert sum(map(len, parts)) == 9 and set().union(*parts) == everything, parts
    processes = [
        subprocess.Popen([rig.MIXCTL, "batch", *call, "--shard", f"{i}/2"], cwd=folder, env=rig.ENV,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for i in (1, 2)
    ]  # fmt: skip
    for process in processes:  # at once: each has a journal of its own
        _, fault = process.communicate(timeout=60)
        assert process.returncode == 0, fault
    assert len(list((folder / "out").glob("*.wav"))) == 9
    assert sorted(p.name for p in (folder / "out").glob(".mixd*")) == [".mixd-batch.1of2", ".mixd-batch.2of2"]
    assert ask(folder, *call)["n_kept"] == 9  # everybody reads all of them
    for bad in ("0/2", "3/2", "1", "1/2/3", "a/b", "-1/2"):
        said = rig.err("batch", *call, "--shard", bad, cwd=folder, code=2)
        assert "no part of a whole" in said and "3/8" in said


def refused(folder, text, place, words, hint="", code=5):
    said = rig.err("batch", jobs(folder, text), cwd=folder, code=code)
    assert place in said and words in said and hint in said, said


def test_refusals_name_the_place():
    folder = fresh("refused", 1)
    refused(folder, "jobs:\n  - {verb: mister, args: [a]}\n", "jobs.yaml:2:5", "mister", "did you mean master?")
    refused(folder, "jobs: [{verb: batch, args: [a]}]\n", "jobs.yaml:1:8", "cannot hold batches")
    refused(folder, "jobs: [{args: [a]}]\n", "jobs.yaml:1:8", 'needs the key "verb"')
    refused(folder, "jobs: [{verb: check, args: [a], options: {spek: x}}]\n", ":1:43", "spek", "spec")
    refused(folder, "jobs: [{verb: master, args: [a], options: {bits: 99}}]\n", ":1:50", "99", "")
    refused(folder, "jobs: [{verb: master, args: [a], options: {bits: [16, 24]}}]\n", ":1:50", "one value")
    refused(folder, "jobs: [{verb: master, args: [a, b]}]\n", ":1:8", "fewer words", "usage")
    refused(folder, "jobs: [{verb: master, arks: [a]}]\n", ":1:23", "arks", "args")
    refused(folder, "defaults: {options: {spek: x}}\njobs: [{verb: check, args: [a]}]\n", ":1:22", "spek")
    refused(folder, "jobs: []\n", "jobs.yaml", "nothing to do", code=4)
    refused(folder, "jobs: [{verb: check, files: 'no*.wav'}]\n", "jobs.yaml", "no file is like", code=4)
    assert "no such file or folder" in rig.err("batch", "none.yaml", cwd=folder, code=4)
    assert "--verb" in rig.err("batch", "in", cwd=folder, code=2)
    assert "a quote is not closed" in rig.err("batch", "in", "--verb", "master 'x", cwd=folder, code=2)
    assert "did you mean --spec?" in rig.err("batch", "in", "--verb", "check --spek x", cwd=folder, code=2)
    assert "is missing" in rig.err("batch", "in", "--verb", "check --spec", cwd=folder, code=2)
    assert "there is no work" in rig.err("batch", "in", "--verb", "cheque", cwd=folder, code=5)
    jobs(folder, "jobs: [{verb: check, args: [in/t0.wav]}]\n")
    assert "is for folders" in rig.err("batch", "jobs.yaml", "--verb", "check", cwd=folder, code=2)
    assert "sbatch" in rig.err("batch", "jobs.yaml", "--engine-options", "-p x", cwd=folder, code=2)
    assert "shares the work" in rig.err("batch", "jobs.yaml", "--engine", "slurm", "--shard", "1/2", cwd=folder, code=2)


def test_a_journal_that_cannot_be_written():
    folder = fresh("full", 2)
    said = rig.err("batch", "in", "-o", "out", "--verb", RENDER, "--journal", "/dev/full", cwd=folder, code=6)
    assert "/dev/full: is there, and no journal" in said, said
    said = rig.err("batch", "in", "-o", "out", "--verb", RENDER, "--journal", "none/there", cwd=folder, code=8)
    assert "cannot be opened" in said and "--journal" in said


def test_lines_for_programs():
    folder = fresh("lines", 2)
    lines = rig.out("batch", "in", "-o", "out", "--verb", RENDER, "-o", "jsonl", cwd=folder).splitlines()
    events = [json.loads(line) for line in lines]
    assert {e["item"] for e in events if e.get("event") == "note"} == {"in/t0.wav", "in/t1.wav"}
    assert events[-1]["kind"] == "batch" and events[-1]["n_done"] == 2
    rows = rig.out("batch", "in", "-o", "out", "--verb", RENDER, "-o", "csv", cwd=folder).splitlines()
    assert rows[0].startswith("item,verb,state") and len(rows) == 3


tap.run(globals(), rig.done)
