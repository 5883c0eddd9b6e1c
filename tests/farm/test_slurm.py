"""mixctl batch --engine slurm on a real Slurm of one host."""

import json
import os
import signal
import subprocess

import numpy

import rig
import slurm_rig
import tap

SESSION = (
    "mixd: 1\nnodes:\n  in: {type: input, layout: mono}\n  g: {type: gain, gain: -6dB}\n  out: {type: output}\n"
    "links: [in -> g -> out]\n"
)
CALL = ("in", "-o", "out", "--verb", "render chain.yaml -i {file} -o {stem}.wav", "--engine", "slurm")
STATE = {"farm": None}


def farm():
    if not STATE["farm"]:
        STATE["farm"] = slurm_rig.Farm(tasks=6)
    return STATE["farm"]


def done():
    if STATE["farm"]:
        STATE["farm"].done()
    rig.done()


def fresh(name, n=4):
    folder = rig.FOLDER / name
    (folder / "in").mkdir(parents=True)
    (folder / "chain.yaml").write_text(SESSION)
    for i in range(n):
        rig.write_wav(folder / "in" / f"t{i}.wav", 0.1 * numpy.sin(numpy.arange(4800) * 0.05 * (i + 1)))
    return folder


def ask(folder, *args, code=0, env=None):
    done_ = rig.mixctl("batch", *args, "-o", "json", cwd=folder, code=code, env={**farm().env, **(env or {})})
    return json.loads(done_.stdout)


def states(result):
    return {item["item"]: item["state"] for item in result["items"]}


def wrapper(folder, name, text):
    path = folder / name
    path.write_text(f'#!/bin/sh\n{text}\nexec "{rig.MIXCTL}" "$@"\n')
    path.chmod(0o755)
    return {"MIXCTL": str(path)}


def left(folder):
    return sorted(p.name for p in (folder / "out").iterdir() if not p.name.endswith(".wav"))


def test_an_array_does_the_work_and_its_results_are_gathered():
    folder = fresh("array")
    (folder / "in" / "t2.wav").write_bytes((folder / "in" / "t2.wav").read_bytes()[:1000])
    result = ask(folder, *CALL, code=1)
    assert states(result) == {
        "in/t0.wav": "done", "in/t1.wav": "done", "in/t2.wav": "failed", "in/t3.wav": "done",
    }, result  # fmt: skip
    assert result["items"][2]["exit_code"] == 5 and "truncated" in result["items"][2]["message"]
    got, want = rig.read_float(folder / "out" / "t0.wav"), rig.read_float(folder / "in" / "t0.wav")
    assert numpy.abs(got - want * 10 ** (-6 / 20)).max() < 2e-6
    rig.write_wav(folder / "in" / "t2.wav", [0.1] * 4800)
    result = ask(folder, *CALL)
    assert result["n_kept"] == 3 and result["n_done"] == 1
    assert left(folder) == [".mixd-batch"], left(folder)
    assert ask(folder, *CALL[:-2])["n_kept"] == 4  # this machine knows it, too


def test_more_items_than_an_array_may_have():
    folder = fresh("many", 8)  # MaxArraySize is 6
    assert ask(folder, *CALL)["n_done"] == 8
    assert left(folder) == [".mixd-batch"]


def test_a_queue_that_refuses():
    folder = fresh("refused", 1)
    said = rig.err(
        "batch", *CALL, "--engine-options", "--partition=nosuch", cwd=folder, code=8, env=farm().env
    )
    assert "sbatch" in said and "partition" in said and "--engine-options" in said, said
    assert left(folder) == [".mixd-batch"], left(folder)


def test_without_slurm():
    folder = fresh("without", 1)
    said = rig.err("batch", *CALL, cwd=folder, code=8, env={"PATH": "/nonexistent"})
    assert "sbatch: is not installed here" in said and "--engine" in said


def test_a_task_that_is_lost_is_done_by_the_next_run():
    folder = fresh("lost", 3)
    env = wrapper(
        folder, "dying",
        'case "$1-$SLURM_ARRAY_TASK_ID" in batch-2) scancel "${SLURM_ARRAY_JOB_ID}_2"; sleep 30;; esac',
    )  # fmt: skip
    result = ask(folder, *CALL, code=1, env=env)
    assert sorted(states(result).values()) == ["done", "done", "failed"], result
    lost = [i for i in result["items"] if i["state"] == "failed"][0]
    assert "ended as CANCELLED" in lost["message"] and "next run" in lost["hint"], lost
    result = ask(folder, *CALL)
    assert result["n_kept"] == 2 and result["n_done"] == 1


def test_a_node_that_fails():
    folder = fresh("node", 1)
    env = wrapper(folder, "slow", f'[ "$1" = batch ] || while [ ! -e "{folder}/go" ]; do sleep 0.1; done')
    process = subprocess.Popen(
        [rig.MIXCTL, "batch", *CALL, "--engine-options", "--no-requeue", "-o", "json"], cwd=folder,
        env={**rig.ENV, **farm().env, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    farm().wait(lambda: "RUNNING" in farm().ask("squeue", "--noheader", "--format=%T"), "a job")
    farm().ask("scontrol", "update", f"nodename={farm().host}", "state=down", "reason=test")
    said, fault = process.communicate(timeout=90)
    assert process.returncode == 1, (said, fault)
    assert "ended as NODE_FAIL" in json.loads(said)["items"][0]["message"], said
    (folder / "go").touch()
    farm().ask("scontrol", "update", f"nodename={farm().host}", "state=resume")
    assert ask(folder, *CALL)["n_done"] == 1


def test_an_interrupt_cancels_the_array():
    folder = fresh("interrupt", 4)
    env = wrapper(
        folder, "slow",
        f'case "$*" in *t2.wav*|*t3.wav*) [ "$1" = batch ] || while [ ! -e "{folder}/go" ]; do sleep 0.1; done;; esac',
    )  # fmt: skip
    process = subprocess.Popen(
        [rig.MIXCTL, "batch", *CALL], cwd=folder, env={**rig.ENV, **farm().env, **env},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    path = folder / "out" / ".mixd-batch"
    farm().wait(lambda: path.exists() and path.read_text().count('"done"') == 2, "two items")
    second = rig.err("batch", *CALL, cwd=folder, code=6, env=farm().env)
    assert "another batch is at work" in second
    process.send_signal(signal.SIGINT)
    said, fault = process.communicate(timeout=90)
    assert process.returncode == 130, (process.returncode, said, fault)
    assert "2 of 4 items are done" in fault, fault
    assert farm().ask("squeue", "--noheader").strip() == ""
    result = ask(folder, *CALL)
    assert result["n_kept"] == 2 and result["n_done"] == 2


def test_an_array_that_outlived_its_batch():
    folder = fresh("outlived", 2)
    env = wrapper(folder, "slow", f'[ "$1" = batch ] || while [ ! -e "{folder}/go" ]; do sleep 0.1; done')
    process = subprocess.Popen(
        [rig.MIXCTL, "batch", *CALL], cwd=folder, env={**rig.ENV, **farm().env, **env},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    job = folder / "out" / ".mixd-batch.slurm" / "job"
    farm().wait(lambda: job.exists() and "RUNNING" in farm().ask("squeue", "--noheader", "--format=%T"), "a job")
    for child in open(f"/proc/{process.pid}/task/{process.pid}/children").read().split():
        os.kill(int(child), signal.SIGKILL)
    process.wait(30)
    said = rig.err("batch", *CALL, cwd=folder, code=6, env=farm().env)
    assert "of an earlier run is still at work" in said and "scancel" in said, said
    (folder / "go").touch()
    farm().wait(lambda: farm().ask("squeue", "--noheader").strip() == "", "its end")
    result = ask(folder, *CALL)
    assert result["n_kept"] == 2, result  # its tasks kept journals
    assert ask(folder, *CALL[:-2])["n_kept"] == 2


tap.run(globals(), done)
