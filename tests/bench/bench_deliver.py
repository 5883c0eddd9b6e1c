#!/usr/bin/python3
"""bench_deliver.py - verbs over files beside what a person would use instead, run alternately, as ratios.

usage: bench_deliver.py BUILD_FOLDER [-n ROUNDS] [-k PATTERN] [--seconds S] [--corpus FOLDER] [--json FILE]

Makes its material itself (seeded), in FOLDER when one is named and nothing is there yet. Each round runs ours and every
peer in turn; counted is CPU time (user and system, with all that a process has started and waited for), of wall time
only for "second core". A ratio is the median of the ratios of the rounds, peer over ours, so higher is better; of
encoders ours over the encoder alone. Masters are measured again, by us and by ffmpeg: a fast one that misses its
targets is marked. Exit code 0: this is a report, not a test.
"""
import argparse
import fnmatch
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import scscore

RATE = 48000
HERE = Path(__file__).resolve().parent
EQ4 = ("band1.on=on,band1.freq=100Hz,band1.gain=3dB,band2.on=on,band2.freq=400Hz,band2.gain=-3dB,"
       "band3.on=on,band3.freq=2.5kHz,band3.gain=2dB,band4.on=on,band4.freq=9kHz,band4.gain=-2dB")
FF_EQ4 = ",".join(f"equalizer=f={f}:t=q:w=1:g={g}" for f, g in scscore.EQ4)
FF_COMP = "acompressor=threshold=0.125:ratio=3:attack=10:release=100"
FF_MULTI = ("mcompand='0.005\\,0.1 6 -47/-40\\,-34/-34\\,-17/-33 200 | 0.003\\,0.05 6 -47/-40\\,-34/-34\\,-17/-33 2500 | "
            "0.000625\\,0.0125 6 -47/-40\\,-34/-34\\,-15/-33 22000'")
FF_MASTER = f"{FF_EQ4},{FF_COMP},{FF_MULTI},alimiter=limit=0.891:level=0,aresample=osf=s16:dither_method=triangular"
LOUDNORM = "loudnorm=I=-14:TP=-1:LRA=25"


# ---- sessions -------------------------------------------------------------------------------------------------------

def settings(text):
    return "{" + ", ".join(pair.replace("=", ": ") for pair in text.split(",")) + "}"


def chain_session():
    return ("mixd: 1\nnodes:\n  in: {type: input, layout: stereo}\n"
            f"  eq: {{type: eq, {settings(EQ4)[1:]}\n"
            "  comp: {type: comp, threshold: -18dBFS, ratio: '3:1', attack: 10ms, release: 100ms}\n"
            "  multi: {type: multicomp, bands: 3}\n  limit: {type: limiter, ceiling: -1dBTP}\n"
            "  dither: {type: dither, bits: 16}\n  out: {type: output, layout: stereo}\n"
            "links: [in -> eq -> comp -> multi -> limit -> dither -> out]\n")


def mix_session(count):
    nodes = ["mixd: 1", "nodes:", f"  mix: {{type: bus, inputs: {count + 1}}}", f"  send: {{type: bus, inputs: {count}}}",
             "  verb: {type: reverb}", "  out: {type: output, layout: stereo}"]
    links = ["links:", "  - mix -> out", f"  - send -> verb -> mix:in{count + 1}"]
    for k in range(1, count + 1):
        nodes += [f"  i{k}: {{type: input, layout: mono}}", f"  e{k}: {{type: eq, {settings(EQ4)[1:]}",
                  f"  c{k}: {{type: comp, threshold: -18dBFS, ratio: '3:1', attack: 10ms, release: 100ms}}",
                  f"  p{k}: {{type: pan, pan: {'C' if abs(k - 8.5) < 1 else ('L' if k < 8.5 else 'R') + str(int(abs(k - 8.5) * 13))}}}",
                  f"  g{k}: {{type: gain, gain: -14dB}}"]
        links += [f"  - i{k} -> e{k} -> c{k} -> p{k} -> mix:in{k}", f"  - p{k} -> g{k} -> send:in{k}"]
    return "\n".join(nodes + links) + "\n"


# ---- runs -----------------------------------------------------------------------------------------------------------

class Bench:
    def __init__(self, args, corpus, work):
        build = Path(args.build).resolve()
        self.work, self.corpus, self.rounds = work, corpus, args.rounds
        self.mixctl = str(build / "clients/mixctl/mixctl")
        self.ebur128 = str(build / "tests/bench/bench_ebur128_file")
        self.env = dict(os.environ, MIXD_NODE_PATH=str(build / "nodes"), MIXD_DAEMON=str(build / "daemon/mixd"),
                        HOME=str(work), XDG_RUNTIME_DIR=str(work), TMPDIR=str(work), LC_ALL="C.UTF-8")
        self.seconds = int((corpus / "seconds").read_text())

    def run(self, command):
        """(cpu_s, wall_s, rss_mib, text) of COMMAND, a list or a list of lists; None: why it failed."""
        cpu = wall = rss = 0.0
        text = ""
        for one in command if isinstance(command[0], list) else [command]:
            if callable(one[0]):
                one = one[0](text)
            start = time.monotonic()
            with tempfile.TemporaryFile("w+") as said:
                try:
                    child = subprocess.Popen(one, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=self.env,
                                             cwd=self.work)
                except FileNotFoundError:
                    return None, f"{one[0]}: not installed"
                _, status, usage = os.wait4(child.pid, 0)
                child.returncode = os.waitstatus_to_exitcode(status)
                said.seek(0)
                text = said.read()
            if child.returncode:
                return None, f"{one[0]}: exit {child.returncode}: {text.strip()[-200:]}"
            cpu += usage.ru_utime + usage.ru_stime
            wall += time.monotonic() - start
            rss = max(rss, usage.ru_maxrss / 1024)
        return (cpu, wall, rss, text), None

    def peers(self):
        """(name, ours, {peer: (command, goal)}, which figure, output to verify)."""
        wav, bed = str(self.corpus / "programme.wav"), str(self.corpus / "bed.wav")
        out = lambda name: str(self.work / name)  # noqa: E731
        ff = lambda *more: ["ffmpeg", "-v", "error", "-nostats", "-y", "-i", wav, *more]  # noqa: E731
        scan = lambda path: ["ffmpeg", "-hide_banner", "-nostats", "-i", path, "-af",  # noqa: E731
                             "ebur128=peak=true:framelog=verbose", "-f", "null", "-"]
        (self.work / "chain.yaml").write_text(chain_session())
        (self.work / "through.yaml").write_text(
            "mixd: 1\nnodes:\n  in: {type: input, layout: stereo}\n  out: {type: output, layout: stereo}\nlinks: [in -> out]\n")
        (self.work / "mix.yaml").write_text(mix_session(16))
        stems = [str(self.corpus / f"stem{k:02}.wav") for k in range(1, 17)]
        scscore.write_master(self.work / "master.osc", wav, self.seconds)
        scscore.write_mix(self.work / "mix.osc", stems, max(10, self.seconds // 4))

        def limited(text):
            loudness = float(re.findall(r"I: +(-[0-9.]+) LUFS", text)[-1])
            return ff("-af", f"volume={-14 - loudness:.2f}dB,aresample=192000,alimiter=limit=0.891:level=0,"
                      "aresample=48000", "-c:a", "pcm_s24le", out("limited.wav"))

        def normed(text):
            found = json.loads(re.search(r"{.*}", text, re.S).group())
            measured = ":".join(f"measured_{a}={found['input_' + b]}" for a, b in
                                (("I", "i"), ("TP", "tp"), ("LRA", "lra"), ("thresh", "thresh")))
            return ff("-af", f"{LOUDNORM}:{measured}:offset={found['target_offset']}:linear=true", "-ar", "48000",
                      "-c:a", "pcm_s24le", out("normed.wav"))

        measure = [self.mixctl, "measure"]
        master = [self.mixctl, "master", wav, "--spec", "spotify", "--force", "-o"]
        chain = [self.mixctl, "render", "chain.yaml", "-i", f"in={wav}", "--bits", "16", "--dither", "none"]
        through = [self.mixctl, "render", "through.yaml", "-i", f"in={wav}", "-o"]
        mix = [self.mixctl, "render", "mix.yaml", "--threads", "1", "--tail", "0s", "-o", out("mix.wav")]
        for k, stem in enumerate(stems, 1):
            mix += ["-i", f"i{k}={stem}"]
        loudnorm = [["ffmpeg", "-hide_banner", "-nostats", "-i", wav, "-af", LOUDNORM + ":print_format=json", "-f",
                     "null", "-"], [normed]]
        ebu = lambda path: {"libebur128": ([self.ebur128, path], 8), "ffmpeg ebur128": (scan(path), 13)}  # noqa: E731
        sc = lambda score, bits, name: ["scsynth", "-N", out(score), "_", out(name), str(RATE), "WAV", bits, "-o",  # noqa: E731
                                        "2", "-i", "0"]
        return [
            ("measure I LRA TP", measure + ["--only", "loudness,peaks", wav], ebu(wav), None),
            ("measure 7.1.4", measure + ["--only", "loudness,peaks", bed],
             {"libebur128": ([self.ebur128, bed], 8), "ffmpeg ebur128": (scan(bed), None)}, None),
            ("measure everything", measure + [wav], {"ffmpeg ebur128": (scan(wav), None)}, None),
            ("master -14/-1 to WAV", master + [out("ours.wav")],
             {"ffmpeg scan+limiter": ([scan(wav), [limited]], 5.5), "ffmpeg loudnorm x2": (loudnorm, 24)}, "ours.wav"),
            ("chain", chain + ["--threads", "1", "-o", out("chain.wav")],
             {"scsynth -N": (sc("master.osc", "int16", "sc.wav"), 2),
              "ffmpeg 1 thread": (["ffmpeg", "-v", "error", "-nostats", "-filter_threads", "1", "-y", "-i", wav, "-af",
                                   FF_MASTER, "-c:a", "pcm_s16le", out("ff.wav")], 9)}, None),
            ("mix of 16 stems", mix, {"scsynth -N": (sc("mix.osc", "int24", "scmix.wav"), 3)}, None),
            ("master to MP3 V2", master + [out("ours.mp3"), "--quality", "2"],
             {"lame -V2": (["lame", "--quiet", "-V2", wav, out("lame.mp3")], -1.25)}, "ours.mp3"),
            ("master to FLAC", master + [out("ours.flac")],
             {"ffmpeg flac": (ff("-c:a", "flac", "-sample_fmt", "s32", out("ff.flac")), None),
              "flac -5": (["flac", "-s", "-f", "-5", wav, "-o", out("cli.flac")], None)}, "ours.flac"),
            ("FLAC output", through + [out("thin.flac")],
             {"flac -5": (["flac", "-s", "-f", "-5", wav, "-o", out("cli.flac")], -1.25),
              "ffmpeg flac": (ff("-c:a", "flac", "-sample_fmt", "s32", out("ff.flac")), None)}, None),
            ("MP3 output V2", through + [out("thin.mp3"), "--quality", "2"],
             {"lame -V2": (["lame", "--quiet", "-V2", wav, out("lame.mp3")], -1.25)}, None),
            ("second core, wall", chain + ["--threads", "2", "-o", out("two.wav")],
             {"1 thread": (chain + ["--threads", "1", "-o", out("one.wav")], 1.7)}, None),
            ("memory, 6 times as long", [self.mixctl, "master", str(self.corpus / "long.wav"), "--spec", "spotify",
                                         "--force", "-o", out("long.wav")], {}, None),
        ]

    def verify(self, name):
        """What ffmpeg says about our file: both targets really met."""
        done, error = self.run(["ffmpeg", "-hide_banner", "-nostats", "-i", str(self.work / name), "-af",
                                "ebur128=peak=true:framelog=verbose", "-f", "null", "-"])
        if not done:
            return error
        loudness = float(re.findall(r"I: +(-[0-9.]+) LUFS", done[3])[-1])
        peak = float(re.findall(r"Peak: +(-?[0-9.]+) dBFS", done[3])[-1])
        met = abs(loudness + 14) <= 0.1 and peak <= -0.9
        return f"{'targets met' if met else 'TARGETS MISSED'}: {loudness:.1f} LUFS, {peak:.1f} dBTP by ffmpeg"

    def measure_row(self, row):
        name, ours, peers, check = row
        figure = 1 if name.endswith("wall") else 0
        mine, theirs, notes, rss = [], {peer: [] for peer in peers}, [], 0.0
        for _ in range(self.rounds):
            done, error = self.run(ours)
            if not done:
                return {"name": name, "error": error}
            mine.append(done[figure])
            rss = max(rss, done[2])
            for peer, (command, _goal) in peers.items():
                answer, error = self.run(command)
                if answer:
                    theirs[peer].append(answer[figure])
                elif error not in notes:
                    notes.append(error)
        if check:
            notes.append(self.verify(check))
        results = {}
        for peer, values in theirs.items():
            goal = peers[peer][1]
            if len(values) != len(mine):
                continue
            ratio = statistics.median(t / m for t, m in zip(values, mine))
            met = None if goal is None else ratio >= goal if goal > 0 else 1 / ratio <= -goal
            results[peer] = {"seconds": statistics.median(values), "ratio": ratio, "goal": goal, "met": met}
        return {"name": name, "seconds": statistics.median(mine), "rss_mib": rss, "peers": results, "notes": notes}


def show(result):
    if "error" in result:
        print(f"{result['name']:<26} failed: {result['error']}", flush=True)
        return
    memory = "ok  " if result["rss_mib"] <= 32 else "MISS"
    print(f"{result['name']:<26}{result['seconds']:>9.2f} s {result['rss_mib']:>6.1f} MiB {memory}", flush=True)
    for peer, at in result["peers"].items():
        goal, encoder = at["goal"], at["goal"] is not None and at["goal"] < 0
        ratio = f"{1 / at['ratio']:.2f} of it" if encoder else f"{at['ratio']:.2f} x"
        limit = "" if goal is None else f"<= {-goal:g}" if encoder else f">= {goal:g}"
        print(f"    {peer:<22}{at['seconds']:>9.2f} s {ratio:>13} {limit:>8} "
              f"{'' if at['met'] is None else 'ok' if at['met'] else 'MISS'}", flush=True)
    for note in result["notes"]:
        print(f"    {note}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("-n", "--rounds", type=int, default=3)
    parser.add_argument("-k", "--pattern", default="*")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--json")
    args = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="mixd-bench-"))
    try:
        corpus = args.corpus or work / "corpus"
        if not (corpus / "seconds").exists():
            # In a process of its own: the memory of this one would count for all that it starts.
            subprocess.run([sys.executable, str(HERE / "deliver_corpus.py"), str(corpus), str(args.seconds)], check=True)
        bench = Bench(args, corpus.resolve(), work)
        print(f"{bench.seconds} s of programme; {'CPU time':>22} {'memory':>9}; peers: times ours")
        results = []
        for row in bench.peers():
            if fnmatch.fnmatch(row[0], args.pattern):
                results.append(bench.measure_row(row))
                show(results[-1])
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if args.json:
        Path(args.json).write_text(json.dumps(results, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
