#!/usr/bin/python3
"""bench.py - ns per stereo frame of our nodes beside their peers, run alternately, as ratios.

usage: bench.py BUILD_FOLDER [-n ROUNDS] [-k PATTERN] [--json FILE]

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

BLOCKS = (64, 256, 1024)
LSP = "http://lsp-plug.in/plugins/lv2/"
X42 = "http://gareus.org/oss/lv2/"
CALF = "http://calf.sourceforge.net/plugins/"

EQ4 = ("band1.on=on,band1.freq=100Hz,band1.gain=3dB,band2.on=on,band2.freq=400Hz,band2.gain=-3dB,"
       "band3.on=on,band3.freq=2.5kHz,band3.gain=2dB,band4.on=on,band4.freq=9kHz,band4.gain=-2dB")
EQ10 = ",".join(f"band{i}.on=on,band{i}.freq={f}Hz,band{i}.gain={'3' if i % 2 else '-3'}dB"
                for i, f in enumerate((31, 63, 125, 250, 500, 1000, 2000, 4000, 8000, 15000), 1))
LSP_EQ4 = (LSP + "para_equalizer_x16_stereo,ft_0=1,f_0=100,g_0=1.41,ft_1=1,f_1=400,g_1=0.71,"
           "ft_2=1,f_2=2500,g_2=1.26,ft_3=1,f_3=9000,g_3=0.8")
LSP_EQ10 = LSP + "para_equalizer_x16_stereo," + ",".join(
    f"ft_{i}=1,f_{i}={f},g_{i}={'1.41' if i % 2 else '0.71'}"
    for i, f in enumerate((31, 63, 125, 250, 500, 1000, 2000, 4000, 8000, 15000)))
GEQ31 = ",".join(f"band{i}.gain={'4' if i % 2 else '-3'}dB" for i in range(1, 32))
LSP_GEQ31 = LSP + "graph_equalizer_x32_stereo," + ",".join(
    f"g_{i}={'1.58' if i % 2 else '0.71'}" for i in range(32))
LSP_COMP = LSP + "compressor_stereo,al=0.125,cr=3,at=10,rt=100"
X42_EQ = X42 + "fil4#stereo,gain1=3,gain2=-3,gain3=2,gain4=-2"
X42_COMP = X42 + "darc#stereo"
LSP_LIMIT = LSP + "limiter_stereo,ovs=13"
X42_LIMIT = X42 + "dpl#stereo,truepeak=1"


def lv2(*uris, copies=1):
    return ("bench_lv2", "{block}", str(copies), *uris)


# name, our case, goal in ns per stereo frame (None: no goal; or one per block), what one unit is (divides ours), peers
ROWS = [
    ("gain", "gain,gain=-6dB", None, 1, {}),
    ("pan", "pan,pan=L30", None, 1, {}),
    ("eq 4 bands", "eq," + EQ4, 5.0, 1, {"lsp": lv2(LSP_EQ4), "x42": lv2(X42_EQ)}),
    ("eq 10 bands", "eq," + EQ10, 12.0, 1, {"lsp": lv2(LSP_EQ10)}),
    ("geq 31 bands", "geq," + GEQ31, 40.0, 1, {"lsp x32": lv2(LSP_GEQ31), "calf 30": lv2(CALF + "Equalizer30Band")}),
    ("tilt", "tilt,gain=3dB", None, 1, {}),
    ("width, mono below", "width,width=130%,mono_below=120Hz", None, 1, {"calf stereo tools": lv2(CALF + "StereoTools")}),
    ("phase, iir", "phase,angle=90deg", None, 1, {"x42 phaserotate": lv2(X42 + "phaserotate#stereo")}),
    ("phase, fir", "phase,filter=fir,angle=90deg", None, 1, {}),
    ("align", "align,samples=100", None, 1, {"lsp": lv2(LSP + "comp_delay_stereo,samp=100")}),
    ("align, part of a frame", "align,samples=100.5", None, 1, {}),
    ("tremolo", "tremolo", None, 1, {"calf pulsator": lv2(CALF + "Pulsator")}),
    ("matrix 4 x 4", "matrix,inputs=4,outputs=4,out1.in2=-6dB,out1.in3=-6dB,out1.in4=-6dB", None, 1, {}),
    ("dc", "dc", None, 1, {}),
    ("dehum, notch", "dehum,base=50", None, 1, {}),
    ("dehum, subtract", "dehum,base=50,mode=subtract", None, 1, {}),
    ("comp", "comp,threshold=-18dBFS,ratio=3:1", 8.0, 1,
     {"lsp": lv2(LSP_COMP), "x42": lv2(X42_COMP), "calf": lv2(CALF + "Compressor")}),
    ("multicomp 3 bands", "multicomp,bands=3", 30.0, 1,
     {"lsp": lv2(LSP + "mb_compressor_stereo"), "calf 4 bands": lv2(CALF + "MultibandCompressor")}),
    ("multicomp 4 bands", "multicomp,bands=4", 40.0, 1,
     {"lsp": lv2(LSP + "mb_compressor_stereo"), "calf 4 bands": lv2(CALF + "MultibandCompressor")}),
    ("gate", "gate", 8.0, 1, {"lsp": lv2(LSP + "gate_stereo"), "calf": lv2(CALF + "Gate")}),
    ("expander", "expander", None, 1, {"lsp": lv2(LSP + "expander_stereo")}),
    ("deesser", "deesser,amount=8dB", 12.0, 1, {"calf": lv2(CALF + "Deesser")}),
    ("ducker", "ducker", None, 1, {"lsp": lv2(LSP + "sc_compressor_stereo")}),
    ("transient", "transient,attack=40,sustain=-20", None, 1, {"calf": lv2(CALF + "TransientDesigner")}),
    ("dyneq 1 band", "dyneq,band1.on=on,band1.threshold=-30dBFS", None, 1, {}),
    ("dyneq 4 bands", "dyneq,band1.on=on,band2.on=on,band3.on=on,band4.on=on", None, 1, {}),
    ("limiter, true peak", "limiter,ceiling=-1dBTP", 20.0, 1,
     {"lsp full x4": lv2(LSP_LIMIT), "x42 dpl tp": lv2(X42_LIMIT)}),
    ("clipper, 4x adaa", "clipper,drive=12dB,ceiling=-1dBFS", None, 1, {}),
    ("clipper, 2x adaa", "clipper,drive=12dB,ceiling=-1dBFS,oversample=2x", None, 1, {}),
    ("clipper, low latency", "clipper,drive=12dB,ceiling=-1dBFS,filter=low-latency", None, 1, {}),
    ("saturator, tanh 4x adaa", "saturator,drive=12dB", None, 1, {"calf": lv2(CALF + "Saturator,drive=5")}),
    ("saturator, tape 4x adaa", "saturator,drive=12dB,curve=tape", None, 1, {"calf tape": lv2(CALF + "TapeSimulator")}),
    ("exciter", "exciter", None, 1, {"calf": lv2(CALF + "Exciter")}),
    ("delay", "delay,time=350ms,high_cut=6kHz,low_cut=100Hz", None, 1, {"calf vintage": lv2(CALF + "VintageDelay")}),
    ("chorus, 4 voices", "chorus,voices=4", None, 1, {"calf": lv2(CALF + "MultiChorus,voices=4")}),
    ("flanger", "flanger,feedback=50%", None, 1, {"calf": lv2(CALF + "Flanger")}),
    ("phaser, 6 stages", "phaser,stages=6,feedback=40%", None, 1, {"calf": lv2(CALF + "Phaser,stages=6")}),
    ("normalizer", "normalizer,frame=100ms,window=15", None, 1, {}),
    ("leveler", "leveler", None, 1, {}),
    ("lv2, in mixd's process", "lv2:" + LSP_EQ4.replace("=1,f_", "=bell,f_") + ",isolate=none", None, 1,
     {"bare lilv": lv2(LSP_EQ4)}),
    ("lv2, in its own (our thread)", "lv2:" + LSP_EQ4.replace("=1,f_", "=bell,f_"), None, 1,
     {"bare lilv": lv2(LSP_EQ4)}),
    ("loudness, all", "loudness", None, 1,
     {"libebur128 I+LRA+TP": ("bench_ebur128", "milt", "{block}")}),
    ("reverb, 16 lines", "reverb,mix=30%", 40.0, 1, {"calf": lv2(CALF + "Reverb")}),
    ("plate", "plate,mix=30%", None, 1, {}),
    ("convolver, 2 s", "convolver,ir={room}", {64: 95.0, 256: 55.0, 1024: 55.0}, 1, {"zita": ("bench_zita", "{block}")}),
    ("eqlin, 4 bands, 8192 taps", "eqlin," + EQ4, None, 1, {"lsp fir": lv2(LSP_EQ4 + ",mode=1")}),
    ("matcheq", "matcheq", None, 1, {}),
    ("spectrum", "spectrum", None, 1,
     {"lsp": lv2(LSP + "spectrum_analyzer_x2"), "calf": lv2(CALF + "Analyzer"), "x42 30 bands": lv2(X42 + "meters#spectr30stereo")}),
    ("spectrogram", "spectrogram", None, 1, {}),
    ("scope", "scope", None, 1,
     {"x42 k20 + cor + gonio": lv2(X42 + "meters#K20stereo", X42 + "meters#COR", X42 + "meters#goniometer")}),
    ("tap", "tap", None, 1, {"x42 bitmeter": lv2(X42 + "meters#bitmeter")}),
    ("dither, 16 bits", "dither", None, 1, {}),
    ("dither, shaped, 9 taps", "dither,shape=f-weighted", None, 1, {}),
    ("silence", "silence", None, 1, {}),
    ("failover, 2 inputs", "failover", None, 1, {}),
    ("on-air chain", "onair", 50.0, 1, {"libebur128 + dpl": lv2(X42_LIMIT)}),
    ("declick", "declick", None, 1, {}),
    ("deplosive", "deplosive", None, 1, {}),
    ("denoise", "denoise", 60.0, 1, {}),
    ("dereverb", "dereverb", None, 1, {}),
    ("declip", "declip", None, 1, {}),
    ("strip (eq4 comp pan bus)", "strips:200", 10.4, 200,
     {"lsp": lv2(LSP_EQ4, LSP_COMP, copies=50), "x42": lv2(X42_EQ, X42_COMP, copies=50)}),
    ("strip, as many as a graph holds", "strips:1300", 10.4, 1300, {}),
]


def run(build, command):
    done = subprocess.run([os.path.join(build, "tests/bench", command[0]), *command[1:]], check=False,
                          capture_output=True, text=True,
                          env=dict(os.environ, MIXD_NODE_PATH=os.path.join(build, "nodes")))
    if done.returncode != 0:
        return None, (done.stderr.strip().splitlines() or ["failed"])[-1]
    return json.loads(done.stdout), None


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


def ours(build, case, block, *more):
    case = case.replace("{room}", room()) if "{room}" in case else case
    seconds = "0.2" if case.startswith("strips") else "1"
    return run(build, ("bench_engine", case, str(block), seconds, *more))


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
            answer, error = run(build, tuple(word.format(block=block) for word in command))
            if answer:
                theirs[peer].append(answer["ns_per_frame"])
            elif error not in notes:
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
    for row in ROWS:
        if fnmatch.fnmatch(row[0], args.pattern):
            for block in BLOCKS:
                results.append(measure_row(args.build, args.rounds, row, block))
                show(results[-1])
    for name, measure in (("fixed", fixed_cost), ("silence", silence_tail)):
        if fnmatch.fnmatch(name, args.pattern):
            results.append(measure(args.build, 256, args.rounds))
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
