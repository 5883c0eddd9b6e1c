#!/usr/bin/python3
"""bench_pipewire.py - what builtins of PipeWire's filter-chain cost: ns of processor time per stereo frame.

usage: bench_pipewire.py BUILD_FOLDER BLOCK COPIES NODE [NODE...]

A NODE is one of filter.graph without type and name: 'label = bq_peaking control = { "Freq" = 400 }'. A private PipeWire
(tests/live/private.py) with a quantum of BLOCK plays noise through a chain of COPIES of these nodes, in a process of
its own, and through one with a plain copy in their place; the difference of the processor time of the two processes,
over the frames and COPIES. One line of JSON.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import wave

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
RATE, SECONDS = 48000, 4
INSIDE = "--inside"
CONF = """
context.properties = {{ log.level = 1 }}
context.spa-libs = {{ audio.convert.* = audioconvert/libspa-audioconvert support.* = support/libspa-support }}
context.modules = [
 {{ name = libpipewire-module-rt flags = [ ifexists nofail ] }}
 {{ name = libpipewire-module-protocol-native }} {{ name = libpipewire-module-client-node }}
 {{ name = libpipewire-module-adapter }}
 {{ name = libpipewire-module-filter-chain
   args = {{ node.description = "chain" media.name = "chain"
     filter.graph = {{ nodes = [ {nodes} ] links = [ {links} ] }}
     audio.channels = 2 audio.position = [ FL FR ]
     capture.props = {{ node.name = "chain_in" media.class = Audio/Sink }}
     playback.props = {{ node.name = "chain_out" }} }} }} ]
"""


def conf(chain):
    nodes = " ".join(f"{{ type = builtin {node} name = n{i} }}" for i, node in enumerate(chain))
    links = " ".join(f'{{ output = "n{i}:Out" input = "n{i + 1}:In" }}' for i in range(len(chain) - 1))
    return CONF.format(nodes=nodes, links=links)


def cpu_ns(pid):
    """Of all threads of PID."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


def ports(*what):
    return subprocess.run(["pw-link", *(what or ("-i",))], check=False, capture_output=True, text=True).stdout


def is_linked():
    text = ports("-l")
    return "chain_in:playback" in text and "chain_out:output" in text


def until(condition, what, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"bench_pipewire: after {seconds} s still no {what}")
        time.sleep(0.05)


def measure(folder, text, noise):
    """Inside the private PipeWire: ns of processor time per frame of the process that holds the chain."""
    path = os.path.join(folder, "chain.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    chain = subprocess.Popen(["pipewire", "-c", path])  # pylint: disable=consider-using-with
    player = None
    try:
        until(lambda: "chain_in" in ports(), "chain")
        player = subprocess.Popen(["pw-play", "--target", "chain_in", noise])  # pylint: disable=consider-using-with
        until(is_linked, "links")
        time.sleep(1)
        begin, ns = time.monotonic(), cpu_ns(chain.pid)
        time.sleep(SECONDS)
        return (cpu_ns(chain.pid) - ns) / ((time.monotonic() - begin) * RATE)
    finally:
        for process in (player, chain):
            if process:
                process.terminate()
                process.wait()


def inside(copies, nodes):
    with tempfile.TemporaryDirectory() as folder:
        noise = os.path.join(folder, "noise.wav")
        samples = np.random.default_rng(1).uniform(-8000, 8000, (SECONDS + 20) * RATE * 2)
        with wave.open(noise, "wb") as file:
            file.setparams((2, 2, RATE, 0, "NONE", ""))
            file.writeframes(samples.astype("<i2").tobytes())
        without = measure(folder, conf(["label = copy"]), noise)
        with_it = measure(folder, conf(nodes * copies), noise)
    print(json.dumps({"ns_per_frame": round((with_it - without) / copies, 3)}))


def main():
    if sys.argv[1] == INSIDE:
        inside(int(sys.argv[2]), sys.argv[3:])
        return 0
    private = os.path.join(HERE, "..", "live", "private.py")
    options = ["--no-mixd", "--build", sys.argv[1], "--quantum", sys.argv[2], "--rate", str(RATE)]
    return subprocess.run([sys.executable, private, "run", *options, "--", sys.executable, os.path.abspath(__file__),
                           INSIDE, *sys.argv[3:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
