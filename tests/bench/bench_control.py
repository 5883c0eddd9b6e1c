#!/usr/bin/python3
"""bench_control.py - the control plane beside its peers, with audio running in a private PipeWire.

usage: bench_control.py BUILD_FOLDER

At quanta 64, 256 and 1024: request to reply of a `set` (accepted: validated, in the journal and in the queue of the audio
thread; applied: the audio thread has it). Then whole processes, alternately: `mixctl set` and `pw-cli set-param`. Then what
meters of 64 strips at 100 Hz cost. Exit code 0: this is a report, not a test.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "live"))
import private  # noqa: E402

STRIPS = 64
REQUESTS, PROCESSES = 1000, 200


def session():
    """A bench of strips with sound in them: tones, so that the graph is awake."""
    lines = ["mixd: 1", "name: control", "nodes:", "  tone: {type: generator, layout: stereo}",
             "  out: {type: output, layout: stereo}", f"  mix: {{type: bus, inputs: {STRIPS}}}",
             "  limit: {type: limiter, ceiling: -1dBTP}"]
    for i in range(STRIPS):
        lines += [f"  s{i:02}/eq: {{type: eq, band1.on: on}}", f"  s{i:02}/comp: {{type: comp}}",
                  f"  s{i:02}/fader: {{type: gain, gain: -40dB}}"]
    lines += ["links:", "  - mix -> limit -> out"]
    lines += [f"  - tone -> s{i:02}/eq -> s{i:02}/comp -> s{i:02}/fader -> mix:in{i + 1}" for i in range(STRIPS)]
    return "\n".join(lines) + "\n"


def row(what, value, unit, goal=None, note=""):
    mark = "" if goal is None else ("ok  " if value <= goal else "MISS")
    limit = "" if goal is None else f"<= {goal:g}"
    print(f"{what:<46}{value:>10.2f} {unit:<8}{limit:>9} {mark:5}{note}", flush=True)


def cpu_seconds(pid):
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) * 1e-9


def round_trips(pw, endpoint, quantum, load):
    for wait, goals in (("accepted", (100, 1000)), ("applied", (None, None))):
        done = pw.run([os.path.join(pw.build, "tests/bench/bench_rtt"), endpoint, "limit.ceiling", str(REQUESTS), wait])
        figures = json.loads(done.stdout)
        for name, goal in zip(("p50_us", "p99_us"), goals):
            row(f"set, {wait}, quantum {quantum}, {name[:3]}", figures[name], "us", goal, f"load {load:.0f} %")


def processes(pw):
    """`mixctl set` and `pw-cli set-param`, alternately, from fork to wait."""
    sink = pw.registry.node("test-sink")["id"]
    commands = {"mixctl set": ["mixctl", "set", "limit.ceiling=-1dBTP"],
                "pw-cli set-param": ["pw-cli", "set-param", str(sink), "Props", "{ mute: false }"]}
    times = {name: [] for name in commands}
    for i in range(PROCESSES):
        for name, argv in commands.items():
            if name == "mixctl set":
                argv[-1] = f"limit.ceiling=-{1 + i % 5}dBTP"
            begin = time.perf_counter()
            subprocess.run(argv, env=pw.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            times[name].append((time.perf_counter() - begin) * 1e3)
    ours, peer = times["mixctl set"], times["pw-cli set-param"]
    row("mixctl set, whole process, median", statistics.median(ours), "ms", 3.0,
        f"pw-cli {statistics.median(peer):.2f} ({statistics.median(p / o for o, p in zip(ours, peer)):.1f}x)")
    row("mixctl set, whole process, slowest", max(ours), "ms", 20.0, f"pw-cli {max(peer):.2f}")


def share(pid, seconds=5):
    begin, used = time.monotonic(), cpu_seconds(pid)
    time.sleep(seconds)
    return 100 * (cpu_seconds(pid) - used) / (time.monotonic() - begin)


def meters(pw, service):
    """The share of a core that a stream of all meters of 64 strips at 100 Hz adds, with and without in turn."""
    added = []
    for _ in range(3):
        without = share(service.pid)
        watcher = pw.popen(["mixctl", "-o", "jsonl", "meter", "s*/fader", "--every", "10ms"], stdout=subprocess.DEVNULL)
        time.sleep(0.5)
        added.append(share(service.pid) - without)
        watcher.terminate()
        watcher.wait()
    row(f"meters of {STRIPS} strips at 100 Hz", statistics.median(added), "% core", 2.0)


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    os.environ["MIXD_BUILD"] = sys.argv[1]
    with private.Private(sys.argv[1], bare=True) as pw:
        path = pathlib.Path(pw.folder) / "control.yaml"
        path.write_text(session(), encoding="utf-8")
        service = pw.start_mixd(path, "bench")
        pw.env["MIXD_INSTANCE"] = "bench"
        endpoint = f"ipc://{pw.env['XDG_RUNTIME_DIR']}/mixd/bench/control"
        for quantum in (64, 256, 1024):
            pw.force_quantum(quantum)
            time.sleep(1)
            status = json.loads(pw.run(["mixctl", "-o", "json", "status"], check=False).stdout)
            round_trips(pw, endpoint, quantum, float(status["load_percent"]))
        pw.force_quantum(256)
        processes(pw)
        meters(pw, service)
    return 0


if __name__ == "__main__":
    sys.exit(main())
