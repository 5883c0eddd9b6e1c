"""An LV2 plug-in that dies in a running mixd: the sound goes on, an alarm says why, and it comes back."""
import pathlib
import time

import exact
import numpy as np
from case import LiveCase

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
        """What comes out, over what goes in."""
        signal = exact.noise(24000, 2)
        with exact.Probe(daemon.pw, signal, daemon.node("program"), "test-sink") as probe:
            record = probe.run()
        return float(np.max(np.abs(record))) / float(np.max(np.abs(signal)))

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
