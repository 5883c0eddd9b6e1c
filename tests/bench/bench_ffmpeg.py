#!/usr/bin/python3
"""bench_ffmpeg.py - what a filter of ffmpeg costs: ns of processor time per stereo frame, its own threads off.

usage: bench_ffmpeg.py BLOCK FILTER [FORMAT [SECONDS]]

The same 40 s of material (less for what is slow) go through ffmpeg with the filter and without it; the difference of
user and system time, over the frames. FORMAT (fltp, dblp) is what the filter works in: no conversion is counted.
"""
import json
import os
import resource
import subprocess
import sys
import tempfile

import numpy as np

RATE = 48000


def material(seconds):
    """As bench_material.h: decaying noise bursts with 10 % of silence."""
    at = np.arange(RATE * seconds) % 12000
    envelope = np.where(at < 10800, 0.89 * np.exp(-at / 4000.0), 0.0)
    noise = np.random.default_rng(1).uniform(-1, 1, (len(at), 2))
    return (noise * envelope[:, None]).astype("<f4")


def cpu_s(path, block, chain):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["ffmpeg", "-v", "error", "-nostats", "-filter_threads", "1", "-filter_complex_threads", "1",
                    "-f", "f32le", "-ar", str(RATE), "-ac", "2", "-i", path,
                    "-filter_complex", f"[0]asetnsamples=n={block}:p=0,{chain}", "-f", "null", "-"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    block, filters, form, seconds = (sys.argv[1:] + ["fltp", "40"][len(sys.argv) - 3:])[:4]
    seconds = int(seconds)
    with tempfile.NamedTemporaryFile(suffix=".f32") as file:
        material(seconds).tofile(file)
        file.flush()
        form = f"aformat=sample_fmts={form}"
        with_it = min(cpu_s(file.name, block, f"{form},{filters}") for _ in range(2))
        without = min(cpu_s(file.name, block, form) for _ in range(2))
    print(json.dumps({"ns_per_frame": round((with_it - without) / (RATE * seconds) * 1e9, 3)}))
    return 0


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    sys.exit(main())
