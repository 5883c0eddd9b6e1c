"""LV2 plug-ins that die in a running mixd, or are gone at its next start: the sound goes on, an alarm says why, and
they come back."""
import pathlib
import time

import exact
import numpy as np
from case import LiveCase, mixd

BLOCK = 1024
SESSION = """mixd: 1
name: plugins
nodes:
  program: {type: input, layout: stereo, device: sink, label: "Test program"}
  fx: {type: "lv2:urn:mixd:crash"}
  beside: {type: "lv2:urn:mixd:keeper"}
  out: {type: output, layout: stereo}
links:
  - program -> fx -> out
  - program -> beside -> out
"""


def helpers(pid):
    """Processes of plug-ins whose parent is PID."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name == "mixd-lv2" and rest.split()[1] == str(pid) and rest.split()[0] != "Z":
            found.append(int(path.parent.name))
    return found


class Plugins(LiveCase):
    def started(self):
        pw = self.private()
        bundles = pathlib.Path(pw.build) / "tests/node/lv2"
        if not (bundles / "mixd-test.lv2/mixd-test.so").exists():
            self.skipTest("built without LV2")
        pw.env["LV2_PATH"] = str(bundles)
        daemon = self.daemon(pw, SESSION)
        daemon.wait_linked()
        return daemon

    def level(self, daemon):
        """What comes out, over what goes in: of most blocks, for a plug-in that is late once passes dry once."""
        signal = exact.noise(24000, 2)
        with exact.Probe(daemon.pw, signal, daemon.node("program"), "test-sink") as probe:
            record = probe.run()
        blocks = np.abs(record[:len(record) // BLOCK * BLOCK]).reshape(-1, BLOCK * 2)
        return float(np.median(blocks.max(axis=1))) / float(np.max(np.abs(signal)))

    def wait(self, daemon, address, value, timeout_s=20):
        daemon.client.wait_for(lambda c: c.get(address) == value, timeout_s, every=0.05)

    def test_a_crash_is_heard_as_the_dry_signal_only(self):
        daemon = self.started()
        pid, client = daemon.service.pid, daemon.client
        load = self.player(daemon.pw, "--target", daemon.node("program"))
        daemon.wait_status(lambda s: s.clock == "running", "running")
        # The clock's blocks are twice as long as the plug-ins': mixd reserves what that takes.
        quantum = daemon.status().quantum
        self.wait(daemon, "fx.reserve", quantum)
        self.wait(daemon, "fx.health", "good")
        self.assertEqual(client.get("fx.latency"), quantum)
        load.kill()
        before = helpers(pid)
        self.assertEqual(len(before), 2)
        self.assertAlmostEqual(self.level(daemon), 0.5, delta=0.05)
        begin = time.monotonic()
        client.set("fx.fuse", 0)
        # Late is what is seen first; that it is dead, a moment later.
        status = daemon.wait_status(lambda s: any("crashed" in a.text for a in s.alarms), "alarmed")
        self.note(f"alarmed {time.monotonic() - begin:.2f} s after the crash")
        alarm = next(a for a in status.alarms if a.id == "node")
        self.assertEqual((alarm.address, alarm.text), ("fx", "fx: health is crashed"))
        self.assertAlmostEqual(self.level(daemon), 1.0, delta=0.05)
        self.assertEqual(client.get("beside.health"), "good")
        client.set("fx.fuse", 1000000)
        load = self.player(daemon.pw, "--target", daemon.node("program"))
        daemon.wait_status(lambda s: not any(a.id == "node" for a in s.alarms), "calm", 30)
        load.kill()
        self.note(f"back {time.monotonic() - begin:.1f} s after the crash, "
                  f"{client.get('fx.relaunches'):g} starts")
        self.assertAlmostEqual(self.level(daemon), 0.5, delta=0.05)
        self.assertEqual(len(helpers(pid)), 2)
        self.assertEqual(len(set(helpers(pid)) & set(before)), 1, "the one beside was started again")
        self.assertEqual(daemon.service.pid, pid)

    def test_a_state_is_kept_in_the_session(self):
        daemon = self.started()
        load = self.player(daemon.pw, "--target", daemon.node("program"))
        daemon.client.set("beside.learn", 0.75)
        daemon.client.wait_for(lambda c: "keep=float:0.75" in c.get("beside.plugin_state"), 20, every=0.05)
        daemon.client.set("beside.learn", 0)
        load.kill()
        daemon.client.remove("fx")
        self.assertIn("keep=float:0.75", daemon.client.export())
        self.assertAlmostEqual(self.level(daemon), 0.75, delta=0.05)

    def again(self, daemon, path, kill=False):
        """mixd ends (KILL: so that its journal is replayed), and starts where plug-ins are those of PATH."""
        daemon.close()
        if kill:
            daemon.service.kill(hold=True)
        else:
            daemon.service.stop()
        daemon.service.env["LV2_PATH"] = str(path)
        daemon.service.start()
        daemon.wait_linked()

    def test_one_that_is_uninstalled_costs_nothing_but_itself(self):
        daemon = self.started()
        bundles, client = daemon.service.env["LV2_PATH"], daemon.client
        load = self.player(daemon.pw, "--target", daemon.node("program"))
        client.remove("fx")
        client.set("beside.learn", 0.75)
        client.wait_for(lambda c: "keep=float:0.75" in c.get("beside.plugin_state"), 20, every=0.05)
        client.set("beside.learn", 0)
        client.add("lv2:urn:mixd:gain", "plug", {"freq": 2000, "mode": "high-steep"}, after="beside")
        # What comes after it in the journal, and does not need it.
        client.set("plug.gain", 0.5)
        client.add("gain", "later", {"gain": -6}, after="plug")
        daemon.wait_status(lambda s: s.clock == "running", "running")
        quantum = daemon.status().quantum
        self.wait(daemon, "plug.reserve", quantum)
        self.wait(daemon, "plug.health", "good")
        self.wait(daemon, "beside.health", "good")
        load.kill()
        later = 10 ** (-6 / 20)
        self.assertAlmostEqual(self.level(daemon), 0.375 * later, delta=0.02)
        before, revision = client.export(), client.revision()

        self.again(daemon, "/nowhere", kill=True)
        client = daemon.client
        self.assertEqual((client.revision(), client.export()), (revision, before))
        alarms = {a.address: a.text for a in daemon.wait_status(lambda s: len(s.alarms) >= 2, "alarmed").alarms}
        self.assertEqual(sorted(alarms), ["beside", "plug"])
        self.assertEqual(alarms["plug"], "plug passes dry: no LV2 plug-in <urn:mixd:gain> is installed; "
                                         "install it and restart mixd, or remove the node")
        self.assertAlmostEqual(self.level(daemon), later, delta=0.02)
        self.assertEqual((client.get("plug.health"), client.get("plug.latency")), ("missing", quantum))
        self.assertEqual((client.get("plug.mode"), client.get("plug.gain")), ("high-steep", 0.5))
        # Again from what this one has kept, and a session that was saved says the same.
        self.again(daemon, "/nowhere")
        client = daemon.client
        client.remove("plug", "later", heal=True)
        client.apply(before)
        self.assertEqual(client.export(), before)
        revision = client.revision()
        # A new one is refused; what is there can be set, removed and brought back.
        with self.assertRaisesRegex(mixd.NotFoundError, "no LV2 plug-in <urn:mixd:gain> is installed"):
            client.add("lv2:urn:mixd:gain", "other")
        client.set("plug.freq", 3000)
        client.remove("plug", heal=True)
        daemon.wait_status(lambda s: [a.address for a in s.alarms] == ["beside"], "calm about what was removed")
        client.undo()
        daemon.wait_status(lambda s: len(s.alarms) == 2, "alarmed again")
        before, revision = client.export(), client.revision()

        self.again(daemon, bundles)
        client = daemon.client
        self.assertEqual((client.revision(), client.export()), (revision, before))
        self.assertEqual(client.get("plug.freq"), 3000)
        self.assertEqual([a.text for a in daemon.status().alarms if a.id == "missing"], [])
        load = self.player(daemon.pw, "--target", daemon.node("program"))
        self.wait(daemon, "plug.health", "good")
        self.wait(daemon, "beside.health", "good")
        load.kill()
        self.assertAlmostEqual(self.level(daemon), 0.375 * later, delta=0.02)
