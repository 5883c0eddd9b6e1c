#!/usr/bin/python3
"""A private PipeWire, with a null sink, a session manager and mixd, for tests and for trying things out.

    private.py run [-s SESSION] [--bare] [--no-mixd] [--quantum N] [--rate N] -- COMMAND...

runs COMMAND in an environment of its own (runtime folder, sockets, configuration) beside whatever runs on this
machine, passes its exit code on and takes everything down. Without COMMAND: a shell. As a module: class Private.

PipeWire, WirePlumber and mixd are supervised as their units would be: restarted when they die. Nothing outlives
this script, however it ends: the work is done in a child, whose parent adopts and ends what is left over, and
each service asks the kernel to be ended with its starter. Nothing sleeps: services say when they are ready
(PIPEWIRE_NOTIFICATION_FD, NOTIFY_SOCKET), everything else is a condition on the registry (pw_monitor).
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import string
import subprocess
import sys
import tempfile
import threading

from supervise import Failure, Service, contain, die_with_parent, finish, remember

HERE = pathlib.Path(__file__).resolve().parent
CONF = HERE / "conf"
ROOT = HERE.parent.parent
POSITIONS = {1: "MONO", 2: "FL FR", 6: "FL FR FC LFE SL SR", 8: "FL FR FC LFE RL RR SL SR",
             12: "FL FR FC LFE RL RR SL SR TFL TFR TRL TRR"}
FAULT = re.compile(r"Sanitizer: |runtime error: |^-- .* ended with (-(?!9$|15$)\d+|[1-9]\d*)$", re.M)


def build_folder(path=None):
    for candidate in (path, os.environ.get("MIXD_BUILD"), ROOT / "build"):
        if candidate and pathlib.Path(candidate).is_dir():
            return pathlib.Path(candidate).resolve()
    raise Failure("no build folder: say --build DIR or set MIXD_BUILD (./dev build makes one)")


class Registry:
    """What a PipeWire has, followed live through pw_monitor. objects: id -> {"id", "type", "props", "metadata"}."""

    def __init__(self, argv, env, pipewire):
        self.argv, self.env, self.pipewire = argv, env, pipewire
        self.changed, self.objects, self.synced = threading.Condition(), {}, False
        self._stop, self._process = False, None
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self):
        while True:
            with self.pipewire.changed:
                self.pipewire.changed.wait_for(lambda: self.pipewire.is_ready or self._stop)
            if self._stop:
                return
            self._process = subprocess.Popen(self.argv, env=self.env, stdin=subprocess.DEVNULL,
                                             stdout=subprocess.PIPE, preexec_fn=die_with_parent)
            for line in self._process.stdout:
                self._take(json.loads(line))
            self._process.wait()
            with self.changed:
                self.objects, self.synced = {}, False
                self.changed.notify_all()
            with self.pipewire.changed:  # gone with its server: give the supervisor time to see it, too
                self.pipewire.changed.wait_for(lambda: not self.pipewire.is_ready or self._stop, 0.2)

    def _take(self, item):
        with self.changed:
            if item.get("synced"):
                self.synced = True
            elif item.get("gone"):
                self.objects.pop(item["id"], None)
            elif "subject" in item:
                entries = self.objects.get(item["id"], {}).setdefault("metadata", {})
                entries[item["subject"], item["key"]] = item["value"]
            else:
                self.objects[item["id"]] = item
            self.changed.notify_all()

    def stop(self):
        self._stop = True
        if self._process:
            self._process.kill()
        with self.pipewire.changed:
            self.pipewire.changed.notify_all()
        self._thread.join(5)

    def wait(self, predicate, what, timeout_s=10):
        """Until PREDICATE() is true; returns its value. Failure names WHAT."""
        with self.changed:
            if not self.changed.wait_for(predicate, timeout_s):
                raise Failure(f"after {timeout_s} s still no {what}; there is: {self.summary()}")
            return predicate()

    def of(self, kind):
        return [o for o in list(self.objects.values()) if o.get("type") == kind]

    def node(self, name):
        """The node whose node.name or node.description is NAME, or None."""
        for item in self.of("Node"):
            if name in (item["props"].get("node.name"), item["props"].get("node.description")):
                return item
        return None

    def ports(self, node_name, direction=None):
        """Ports of a node, in order. DIRECTION: "in", "out" or None."""
        node = self.node(node_name)
        if not node:
            return []
        found = [p for p in self.of("Port") if p["props"].get("node.id") == str(node["id"])
                 and direction in (None, p["props"].get("port.direction"))]
        return sorted(found, key=lambda p: int(p["props"].get("port.id", 0)))

    def links(self, from_node=None, to_node=None):
        ids = []
        for name in (from_node, to_node):
            node = self.node(name) if name else None
            if name and not node:
                return []
            ids.append(str(node["id"]) if node else None)
        return [o for o in self.of("Link") if ids[0] in (None, o["props"].get("link.output.node"))
                and ids[1] in (None, o["props"].get("link.input.node"))]

    def metadata(self, name, key):
        for item in self.of("Metadata"):
            if item["props"].get("metadata.name") == name:
                return item.get("metadata", {}).get((0, key))
        return None

    def summary(self):
        names = [n["props"].get("node.name", "?") for n in self.of("Node")]
        return f"nodes {', '.join(names)}; {len(self.of('Port'))} ports, {len(self.of('Link'))} links"


class Private:
    """with Private() as pw: pw.run(["pw-play", "x.wav"])."""

    def __init__(self, build=None, bare=False, rate=48000, rates=None, quantum=256, sinks=("test-sink",),
                 keep=None, channels=2):
        self.build, self.bare, self.rate, self.quantum = build, bare, rate, quantum
        self.rates, self.sinks, self.channels = rates or [rate], sinks, channels
        self.keep, self.folder, self.mixds, self.env = keep, None, {}, {}
        self.pipewire = self.wireplumber = self.registry = None
        self.faults = []  # after stop(): crashes and sanitizer reports, which no test may cause

    # ---- life

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *exc):
        self.stop()

    def start(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mixd-", dir=os.environ.get("TMPDIR", "/tmp")))
        remember(self.folder)
        self._make_conf()
        self._make_env()
        self.pipewire = Service("pipewire", ["pipewire"], self.env, self.folder, ready="fd")
        self.pipewire.start()
        self.registry = Registry([self.monitor()], self.env, self.pipewire)
        for name in self.sinks:
            self.add_sink(name, wait=False)
        if not self.bare:
            self.wireplumber = Service("wireplumber", self._wireplumber_argv(), self.env, self.folder)
            self.wireplumber.before_start = self._pipewire_up
            self.wireplumber.start()
        for name in self.sinks:
            self.wait_sink(name)
        if self.sinks and not self.bare:
            self.registry.wait(lambda: self.default_sink(), "default sink")
        return self

    def stop(self):
        for service in [*self.mixds.values(), self.wireplumber]:
            if service:
                service.stop()
        if self.registry:
            self.registry.stop()
        if self.pipewire:
            self.pipewire.stop()
        self.faults += self._faults()
        if self.folder:
            if self.keep:
                shutil.copytree(self.folder, self.keep, dirs_exist_ok=True, ignore=lambda d, names: [
                    n for n in names if not n.endswith(".log") and not os.path.isdir(os.path.join(d, n))])
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def _faults(self):
        """PipeWire's crashes count, too: it must not die of what mixd asks of it."""
        found = []
        for service in [self.pipewire, *self.mixds.values()] if self.folder else []:
            text = (self.folder / f"{service.name}.log").read_text(errors="replace") if service else ""
            if FAULT.search(text):
                found.append(f"{service.name}:\n{text[-6000:]}")
        return found

    def _make_conf(self):
        conf = self.folder / "conf"
        shutil.copytree(CONF, conf)
        source = CONF / ("pipewire-bare.conf" if self.bare else "pipewire.conf")
        (conf / "pipewire-bare.conf").unlink()
        (conf / "pipewire.conf").write_text(string.Template(source.read_text()).substitute(
            RATE=self.rate, RATES=" ".join(map(str, self.rates)), QUANTUM=self.quantum))
        for name in ("home", "state", "config", "runtime"):
            (self.folder / name).mkdir(mode=0o700)

    def _make_env(self):
        keep = {k: v for k, v in os.environ.items()
                if not k.startswith(("PIPEWIRE_", "WIREPLUMBER_", "MIXD_", "XDG_", "DBUS_", "NOTIFY_", "WATCHDOG_",
                                     "RUNTIME_DIR", "STATE_DIR", "JOURNAL_"))}
        runtime = str(self.folder / "runtime")
        self.env = {**keep, "XDG_RUNTIME_DIR": runtime, "PIPEWIRE_RUNTIME_DIR": runtime,
                    "PIPEWIRE_REMOTE": "pipewire-0", "PIPEWIRE_CONFIG_DIR": str(self.folder / "conf"),
                    "WIREPLUMBER_CONFIG_DIR": str(self.folder / "conf"), "HOME": str(self.folder / "home"),
                    "XDG_CONFIG_HOME": str(self.folder / "config"), "XDG_STATE_HOME": str(self.folder / "state"),
                    "DBUS_SESSION_BUS_ADDRESS": "disabled:", "MIXD_PRIVATE": str(self.folder)}
        if os.environ.get("MIXD_LOG"):
            self.env["MIXD_LOG"] = os.environ["MIXD_LOG"]
        if self.build:
            build = pathlib.Path(self.build)
            self.env["MIXD_BUILD"] = str(build)
            self.env["PATH"] = ":".join([str(build / "clients/mixctl"), str(build / "daemon"),
                                         str(build / "tests/live"), keep.get("PATH", "/usr/bin:/bin")])
            self.env["MIXD_NODE_PATH"] = ":".join(sorted({str(p.parent) for p in (build / "nodes").rglob("*.so")}))
            self.env["PYTHONPATH"] = ":".join([str(build / "clients/python"),
                                               keep.get("PYTHONPATH", "")]).strip(":")

    def monitor(self):
        return str(pathlib.Path(self.build) / "tests/live/pw_monitor")

    @staticmethod
    def _wireplumber_argv():
        version = subprocess.run(["wireplumber", "--version"], capture_output=True, text=True).stdout
        return ["wireplumber"] + ([] if " 0.4." in version else ["-p", "test"])

    def _pipewire_up(self, service):
        with self.pipewire.changed:
            self.pipewire.changed.wait_for(lambda: self.pipewire.is_ready or not service._wanted, 60)
        return service._wanted

    # ---- the world around mixd

    def run(self, argv, check=True, timeout_s=60, **kwargs):
        try:
            result = subprocess.run(argv, env=self.env, timeout=timeout_s, text=True, stdin=subprocess.DEVNULL,
                                    capture_output=True, preexec_fn=die_with_parent, **kwargs)
        except subprocess.TimeoutExpired as late:
            raise Failure(f"{' '.join(map(str, argv))}: not done after {timeout_s} s") from late
        if check and result.returncode:
            raise Failure(f"{' '.join(map(str, argv))}: exit {result.returncode}: {result.stderr or result.stdout}")
        return result

    def popen(self, argv, **kwargs):
        return subprocess.Popen(argv, env=self.env, text=True, stdin=subprocess.DEVNULL,
                                preexec_fn=die_with_parent, **kwargs)

    def add_sink(self, name, channels=None, rate=None, wait=True):
        channels = channels or self.channels
        extra = "adapter.auto-port-config = { mode = dsp monitor = true position = preserve }" if self.bare else ""
        text = string.Template((CONF / "sink.conf").read_text()).substitute(
            NAME=name, DESCRIPTION=name.replace("-", " ").capitalize(), CHANNELS=channels,
            POSITION=POSITIONS[channels], RATE=rate or self.rate, EXTRA=extra)
        self.run(["pw-cli", "create-node", "adapter", text])
        if wait:
            self.wait_sink(name, channels)

    def wait_sink(self, name, channels=None):
        count = 2 * (channels or self.channels)
        self.registry.wait(lambda: len(self.registry.ports(name)) >= count, f"sink {name} with {count} ports")

    def remove_sink(self, name):
        node = self.registry.node(name)
        if not node:
            raise Failure(f"no node {name} to remove")
        self.run(["pw-cli", "destroy", str(node["id"])])
        self.registry.wait(lambda: self.registry.node(name) is None, f"disappearance of {name}")

    def default_sink(self):
        value = self.registry.metadata("default", "default.audio.sink")
        return json.loads(value).get("name") if value else None

    def set_default_sink(self, name):
        key = "default.audio.sink" if self.bare else "default.configured.audio.sink"
        self.run(["pw-metadata", "-n", "default", "0", key, json.dumps({"name": name}), "Spa:String:JSON"])

    def force_quantum(self, frames):
        self.run(["pw-metadata", "-n", "settings", "0", "clock.force-quantum", str(frames)])

    def force_rate(self, rate):
        self.run(["pw-metadata", "-n", "settings", "0", "clock.force-rate", str(rate)])

    def kill_pipewire(self, sig=signal.SIGKILL):
        """End PipeWire and keep it down; its sinks go with it."""
        if self.wireplumber:
            self.wireplumber.kill(signal.SIGKILL, hold=True)
        self.pipewire.kill(sig, hold=True)

    def restart_pipewire(self):
        self.pipewire.start()
        for name in self.sinks:
            self.add_sink(name, wait=False)
        if self.wireplumber:
            self.wireplumber.start()
        for name in self.sinks:
            self.wait_sink(name)

    # ---- mixd

    def wait_output(self, timeout_s):
        """Until something is linked to a sink; True when it is. A session need not have an output."""
        try:
            return bool(self.registry.wait(lambda: any(self.registry.links(None, name) for name in self.sinks),
                                           "link to a sink", timeout_s))
        except Failure:
            return False

    def start_mixd(self, session=None, instance="default", args=(), wait=True, program="mixd"):
        argv = [program, "--instance", instance, *(["--session", str(session)] if session else []), *args]
        service = Service(f"mixd-{instance}", argv, self.env, self.folder, ready="notify", watchdog_s=10)
        self.mixds[instance] = service
        service.start(wait=wait)
        return service


def _supervised_sinks(private):
    """`run` alone: when PipeWire comes back after a kill, so does its test sink, as a sound card would."""
    starts = private.pipewire.starts

    def follow():
        nonlocal starts
        while private.folder:
            with private.pipewire.changed:
                private.pipewire.changed.wait_for(lambda: private.pipewire.is_ready
                                                  and private.pipewire.starts > starts)
            starts = private.pipewire.starts
            for name in private.sinks:
                try:
                    private.add_sink(name, wait=False)
                except (Failure, OSError):
                    pass

    threading.Thread(target=follow, daemon=True).start()


def _run(args):
    command = args.command or [os.environ.get("SHELL", "/bin/sh")]
    rates = [int(r) for r in args.rates.split(",")] if args.rates else [args.rate]
    sinks = () if args.no_sink else tuple(args.sink or ["test-sink"])
    with Private(build_folder(args.build), args.bare, args.rate, rates, args.quantum, sinks, args.logs, args.channels) as private:
        _supervised_sinks(private)
        if not args.no_mixd:
            private.start_mixd(os.path.abspath(args.session) if args.session else None, args.instance)
            if args.session and sinks:
                private.wait_output(2)
        if args.verbose:
            print(f"private.py: {private.folder}: {private.registry.summary()}", file=sys.stderr)
        child = subprocess.Popen(command, env=private.env, preexec_fn=die_with_parent)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command decides what an interrupt means
        try:
            code = child.wait()
        except KeyboardInterrupt:
            child.terminate()
            child.wait(2)
            raise
        for service in (private.pipewire, private.wireplumber, *private.mixds.values()):
            if service and args.verbose:
                print(f"private.py: {service.name}: started {service.starts} times", file=sys.stderr)
        return code if code >= 0 else 128 - code


def main():
    parser = argparse.ArgumentParser(prog="private.py", description=__doc__.split("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="run COMMAND beside a private PipeWire and mixd")
    run.add_argument("-s", "--session", help="session file for mixd")
    run.add_argument("--instance", default="default")
    run.add_argument("--bare", action="store_true", help="no session manager")
    run.add_argument("--no-mixd", action="store_true", help="PipeWire alone")
    run.add_argument("--no-sink", action="store_true", help="no audio device at all")
    run.add_argument("--sink", action="append", help="name of a null sink (default test-sink; repeatable)")
    run.add_argument("--channels", type=int, default=2, choices=sorted(POSITIONS))
    run.add_argument("--rate", type=int, default=48000)
    run.add_argument("--rates", help="allowed rates, comma-separated")
    run.add_argument("--quantum", type=int, default=256)
    run.add_argument("--build", help="build folder (default $MIXD_BUILD, then build/)")
    run.add_argument("--logs", help="keep the logs in this folder")
    run.add_argument("-v", "--verbose", action="store_true")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    argv = sys.argv[1:]
    rest = []
    if "--" in argv:
        at = argv.index("--")
        argv, rest = argv[:at], argv[at + 1:]
    args = parser.parse_args(argv)
    args.command += rest
    contain()
    try:
        code = _run(args)
    except Failure as failure:
        print(f"private.py: {failure}", file=sys.stderr)
        code = 1
    except FileNotFoundError as failure:
        print(f"private.py: {failure}", file=sys.stderr)
        code = 127
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        code = 143
    finish(code)


if __name__ == "__main__":
    main()
