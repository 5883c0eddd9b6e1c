#!/usr/bin/python3
"""bench.py - ns per stereo frame of our nodes beside their peers, run alternately, as ratios.

usage: bench.py BUILD_FOLDER [-n ROUNDS] [-k PATTERN] [--json FILE]

What is measured stands in rows.py; "deadline", "fixed" and "silence" are measured here.

Every row is run ROUNDS times, ours and each peer in turn, so that whatever else the machine does falls on both; the
ratio is the median of the ratios of the rounds. A goal is a figure of ours; a missed goal is marked and listed again at
the end. Absolute figures belong to the machine, ratios travel. Exit code 0: this is a report, not a test.
"""
import argparse
import fnmatch
import json
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import wave

from rows import CATEGORIES, EQ10

BLOCKS = (64, 256, 1024)
HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE_S = 300


def run(build, command):
    """One line of JSON from a benchmark: (answer, None) or (None, why not)."""
    head = [sys.executable, os.path.join(HERE, command[0])] if command[0].endswith(".py") else [
        os.path.join(build, "tests/bench", command[0])]
    nodes = os.path.abspath(os.path.join(build, "nodes"))
    env = dict(os.environ, MIXD_NODE_PATH=nodes, MIXD_LV2_HELPER=os.path.join(nodes, "mixd-lv2"))
    try:
        done = subprocess.run([*head, *command[1:]], check=False, capture_output=True, text=True, timeout=PATIENCE_S,
                              env=env)
    except FileNotFoundError:
        return None, f"{command[0]}: not built"
    except subprocess.TimeoutExpired:
        return None, f"{' '.join(command)}: takes longer than {PATIENCE_S} s"
    if done.returncode != 0:
        return None, (done.stderr.strip().splitlines() or ["failed"])[-1]
    return json.loads(done.stdout.splitlines()[-1]), None


ROOM = []  # the file, once it is there


def room():
    """A response of 2 s, stereo, as a file."""
    if not ROOM:
        ROOM.append(tempfile.NamedTemporaryFile(suffix=".wav"))  # pylint: disable=consider-using-with
        noise = random.Random(7)
        with wave.open(ROOM[0].name, "wb") as file:
            file.setparams((2, 2, 48000, 96000, "NONE", ""))
            file.writeframes(b"".join(struct.pack("<hh", *(int(noise.uniform(-2e4, 2e4) * 10 ** (-2.5 * i / 96000))
                                                           for _ in range(2))) for i in range(96000)))
    return ROOM[0].name


def filled(word, build, block):
    word = word.replace("{block}", str(block)).replace("{build}", build)
    return word.replace("{room}", room()) if "{room}" in word else word


def ours(build, case, block, *more):
    seconds = "0.2" if case.startswith("strips") else "1"
    return run(build, ("bench_engine", filled(case, build, block), str(block), seconds, *more))


def measure_row(build, rounds, row, block):
    name, case, goal, unit, peers = row
    goal = goal.get(block) if isinstance(goal, dict) else goal
    mine, theirs, notes = [], {peer: [] for peer in peers}, []
    for _ in range(rounds):
        wire, error = ours(build, "wire", block)
        result, error = ours(build, case, block) if wire else (None, error)
        if not result:
            notes.append(error)
            break
        mine.append((result["ns_per_frame"] - wire["ns_per_frame"]) / unit)
        for peer, command in peers.items():
            answer, error = run(build, tuple(filled(word, build, block) for word in command))
            if answer and answer["ns_per_frame"] < 1.0 and command[0] == "bench_ffmpeg.py":
                error = f"{peer}: lost in the noise"  # a difference of two processes
            elif answer:
                theirs[peer].append(answer["ns_per_frame"])
            if error and error not in notes:
                notes.append(error)
    if not mine:
        return {"name": name, "block": block, "error": notes[-1] if notes else "failed"}
    ratios = {peer: statistics.median(t / m for t, m in zip(values, mine)) for peer, values in theirs.items() if values}
    figures = {peer: statistics.median(values) for peer, values in theirs.items() if values}
    return {"name": name, "block": block, "ns": statistics.median(mine), "goal": goal, "peers": figures,
            "ratios": ratios, "notes": notes}


def fixed_cost(build, block, rounds):
    """ns per node and block: 100 gains in a row at two block sizes, the line's value at no frames."""
    values = []
    for _ in range(rounds):
        points = []
        for frames in (16, 128):
            result, error = ours(build, "gains:100", frames)
            if not result:
                return {"name": "fixed cost of a node, ns a block", "block": 0, "error": error}
            points.append((frames, result["ns_per_frame"] * frames / 100))
        (x0, y0), (x1, y1) = points
        values.append(y0 - (y1 - y0) / (x1 - x0) * x0)
    return {"name": "fixed cost of a node, ns a block", "block": 0, "ns": statistics.median(values), "goal": 60.0,
            "peers": {}, "ratios": {}, "notes": []}


def convolver_deadline(build, block, rounds):
    """The worst block of the convolver over the mean one, with the worker of the live engine."""
    values = []
    for _ in range(rounds):
        result, error = run(build, ("bench_convolver", str(block), "3"))
        if not result:
            return {"name": "convolver, worst block / mean", "block": block, "error": error}
        values.append(result["worst_over_mean"])
    return {"name": "convolver, worst block / mean", "block": block, "ns": statistics.median(values), "goal": 3.0,
            "peers": {}, "ratios": {}, "notes": []}


def silence_tail(build, block, rounds):
    """Cost of the on-air chain and of a 10-band equaliser in silence after programme, over that in programme."""
    worst = 0.0
    for case in ("onair", "eq," + EQ10):
        ratios = []
        for _ in range(rounds):
            loud, error = ours(build, case, block)
            quiet, error2 = ours(build, case, block, "tail")
            if not loud or not quiet:
                return {"name": "silence tail / programme", "block": block, "error": error or error2}
            ratios.append(quiet["ns_per_frame"] / loud["ns_per_frame"])
        worst = max(worst, statistics.median(ratios))
    return {"name": "silence tail / programme", "block": block, "ns": worst, "goal": 1.05, "peers": {}, "ratios": {},
            "notes": []}


def show(result):
    head = f"{result['name']:<34}{result['block'] or '':>6}"
    if "error" in result:
        print(f"{head}   failed: {result['error']}", flush=True)
        return
    mark = "" if result["goal"] is None else (" ok  " if result["ns"] <= result["goal"] else " MISS")
    goal = "" if result["goal"] is None else f"<= {result['goal']:g}"
    peers = "  ".join(f"{peer} {result['peers'][peer]:.1f} ({result['ratios'][peer]:.1f}x)" for peer in result["peers"])
    print(f"{head}{result['ns']:>9.2f} {goal:>8}{mark:5}  {peers}", flush=True)
    for note in result["notes"]:
        print(f"{'':40}   note: {note}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("-n", "--rounds", type=int, default=3)
    parser.add_argument("-k", "--pattern", default="*")
    parser.add_argument("--json")
    args = parser.parse_args()
    print(f"{'what':<34}{'block':>6}{'ours ns':>9} {'goal':>8}       peers, ns (times ours)")
    results = []
    for category, rows in CATEGORIES:
        rows = [row for row in rows if fnmatch.fnmatch(row[0], args.pattern)]
        if rows:
            print(f"-- {category}")
        for row in rows:
            for block in BLOCKS:
                results.append(measure_row(args.build, args.rounds, row, block))
                show(results[-1])
    for name, measure, blocks in (("deadline", convolver_deadline, BLOCKS), ("fixed", fixed_cost, (256,)),
                                  ("silence", silence_tail, (256,))):
        for block in blocks if fnmatch.fnmatch(name, args.pattern) else ():
            results.append(measure(args.build, block, args.rounds))
            show(results[-1])
    missed = [r for r in results if "error" in r or (r["goal"] is not None and r["ns"] > r["goal"])]
    print("\na strip of 10.4 ns makes 2000 strips on one core at 48 kHz; a graph holds 4096 nodes, hence 1300 strips")
    print(f"{len(results) - len(missed)} of {len(results)} rows meet their goal" +
          "".join(f"\n  missed: {r['name']} at {r['block']}" for r in missed))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
