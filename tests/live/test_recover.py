"""Things go and come back: PipeWire, the target, mixd itself, the rate."""
import signal as signals
import time

import exact
import numpy as np
from case import EMPTY, RELINK_S, LiveCase, both

CHAIN = """mixd: 1
name: chain
nodes:
  program: {type: input, layout: stereo, device: sink, label: "Test program"}
  trim: {type: gain}
  limit: {type: limiter}
  out: {type: output, layout: stereo}
links:
  - program -> trim -> limit -> out
"""


class Recover(LiveCase):
    def assertSounds(self, daemon, into="program", out_of="test-sink"):
        signal = exact.noise(24000, 2)
        with exact.Probe(daemon.pw, signal, daemon.node(into), out_of) as probe:
            record = probe.run()
        self.assertGreater(float(np.max(np.abs(record))), 0.05, "no sound comes through")

    @both
    def test_pipewire_is_killed_and_comes_back(self):
        pw = self.private()
        daemon = self.daemon(pw, CHAIN)
        daemon.wait_linked()
        daemon.client.set("trim.gain", "-3dB", wait="applied")
        pid = daemon.service.pid
        for sig in (signals.SIGKILL, signals.SIGTERM, signals.SIGKILL):
            load = self.player(pw, "--target", daemon.node("program"))
            daemon.wait_status(lambda s: s.clock == "running", "running")
            xruns = daemon.status().xruns
            pw.kill_pipewire(sig)
            status = daemon.wait_status(lambda s: s.clock == "disconnected", "disconnected")
            self.assertIn("pipewire-0", status.clock_text)
            daemon.client.set("trim.gain", "-6dB")  # the control plane answers while there is no clock
            pw.restart_pipewire()
            seconds = daemon.wait_linked()
            status = daemon.wait_status(lambda s: s.clock == "running", "running")
            self.note(f"killed by {sig.name}: linked {seconds:.2f} s after the sink was back, "
                      f"{status.frames_lost} frames lost so far")
            self.assertLess(seconds, RELINK_S)
            self.assertGreater(status.xruns, xruns, "the outage was not counted")
            load.kill()
        self.assertEqual(daemon.service.pid, pid)
        self.assertEqual(daemon.client.get("trim.gain"), -6.0)
        self.assertSounds(daemon)

    @both
    def test_target_goes_and_comes_back(self):
        pw = self.private(sinks=("test-sink", "desk"))
        session = EMPTY.replace("out: {type: output,", 'out: {type: output, target: "desk",')
        daemon = self.daemon(pw, session)
        out = daemon.node()  # a named target is linked by mixd itself
        pw.registry.wait(lambda: len(pw.registry.links(out, "desk")) >= 2, "links to desk")
        pw.remove_sink("desk")
        status = daemon.wait_status(lambda s: any(a.id == "device" for a in s.alarms), "alarmed")
        alarm = next(a for a in status.alarms if a.id == "device")
        self.assertEqual(alarm.address, "out")
        self.assertIn("desk", alarm.text)
        self.assertEqual(status.clock, "waiting")
        pw.add_sink("desk")
        begin = time.monotonic()
        pw.registry.wait(lambda: len(pw.registry.links(out, "desk")) >= 2, "links to desk", RELINK_S)
        self.note(f"linked {time.monotonic() - begin:.2f} s after the target was back")
        daemon.wait_status(lambda s: s.clock == "running" and not any(a.id == "device" for a in s.alarms), "calm")
        self.assertSounds(daemon, out_of="desk")

    @both
    def test_default_sink_goes_and_comes_back(self):
        pw = self.private()
        daemon = self.daemon(pw)
        daemon.wait_linked()
        pw.remove_sink("test-sink")
        status = daemon.wait_status(lambda s: s.clock == "waiting", "waiting")
        self.assertIn("waiting for a device", status.clock_text)
        self.assertIn("@default", status.clock_text)
        pw.add_sink("test-sink")
        self.assertLess(daemon.wait_linked(), RELINK_S)
        daemon.wait_status(lambda s: s.clock == "running", "running")
        self.assertSounds(daemon)

    @both
    def test_no_device_at_all(self):
        pw = self.private(sinks=())
        daemon = self.daemon(pw)
        status = daemon.wait_status(lambda s: s.clock == "waiting" and "device" in s.clock_text, "waiting")
        self.note(status.clock_text)
        daemon.client.set("out.mute", True)
        pw.add_sink("test-sink")
        self.assertLess(daemon.wait_linked(), RELINK_S)
        daemon.wait_status(lambda s: s.clock == "running", "running")

    def test_no_pipewire_at_all(self):
        pw = self.private()
        pw.kill_pipewire()
        daemon = self.daemon(pw)
        status = daemon.wait_status(lambda s: s.clock == "disconnected", "disconnected")
        self.note(status.clock_text)
        self.assertEqual(daemon.client.set("out.mute", True).status.code, 0)
        pw.restart_pipewire()
        self.assertLess(daemon.wait_linked(), RELINK_S)

    @both
    def test_mixd_is_killed_and_comes_back(self):
        pw = self.private()
        daemon = self.daemon(pw, CHAIN)
        daemon.wait_linked()
        daemon.client.set("trim.gain", "-9dB")
        daemon.close()
        starts = daemon.service.starts
        begin = time.monotonic()
        daemon.service.kill(signals.SIGKILL)
        daemon.service.wait_ready(starts + 1)
        daemon.wait_linked()
        daemon.wait_status(lambda s: s.clock == "running", "running")
        # 0.1 s of it is RestartSec; without a session manager 0.3 s is waiting for one
        self.note(f"sound {time.monotonic() - begin:.2f} s after kill -9")
        self.assertEqual(daemon.client.get("trim.gain"), -9.0)
        self.assertSounds(daemon)

    def wait_heard(self, daemon, sink="test-sink"):
        """Until the output reaches the sink, through a stream or by mixd's own links. Seconds that took."""
        begin, registry = time.monotonic(), daemon.pw.registry
        registry.wait(lambda: len(registry.links(daemon.node("out"), sink) + registry.links(daemon.node(), sink)) >= 2
                      and len(registry.links(daemon.node("program"), daemon.node())) >= 2, f"links to {sink}")
        return time.monotonic() - begin

    # WirePlumber makes the nodes of sound cards: without it there are none, and with a new one they are new.

    def assertRouted(self, daemon):
        pw = daemon.pw
        pw.registry.wait(pw.default_sink, "a default sink")
        pw.set_default_sink(daemon.node("program"))
        pw.registry.wait(lambda: pw.default_sink() == daemon.node("program"), "mixd's sink as default")
        self.player(pw)
        pw.registry.wait(lambda: len(pw.registry.links("pw-cat", daemon.node("program"))) >= 2,
                         "an application at mixd's sink")
        self.wait_heard(daemon)
        self.assertSounds(daemon)

    def test_the_session_manager_comes_late(self):
        pw = self.private(sinks=())
        pw.wireplumber.kill(hold=True)
        daemon = self.daemon(pw)
        daemon.wait_status(lambda s: s.clock == "waiting" and "device" in s.clock_text, "waiting")
        pw.wireplumber.start()
        pw.add_sink("test-sink")
        self.note(f"linked {self.wait_heard(daemon):.2f} s after the device was there")
        self.assertRouted(daemon)

    def test_the_session_manager_is_restarted(self):
        pw = self.private()
        daemon = self.daemon(pw)
        daemon.wait_linked()
        pw.wireplumber.kill(hold=True)
        pw.remove_sink("test-sink")
        pw.wireplumber.start()
        pw.add_sink("test-sink")
        self.note(f"linked {self.wait_heard(daemon):.2f} s after the device was back")
        self.assertRouted(daemon)

    def test_the_session_manager_goes_and_the_device_stays(self):
        pw = self.private()
        daemon = self.daemon(pw)
        daemon.wait_linked()
        pw.wireplumber.kill(hold=True)
        pw.registry.wait(lambda: not pw.registry.links(daemon.node("out"), "test-sink"), "end of WirePlumber's links")
        seconds = self.wait_heard(daemon)
        self.note(f"mixd's own links came after {seconds:.2f} s")
        self.assertLess(seconds, RELINK_S)
        self.assertSounds(daemon)

    def test_rate_changes(self):
        pw = self.private(rates=[44100, 48000])
        daemon = self.daemon(pw, CHAIN)
        daemon.wait_linked()
        daemon.client.set("trim.gain", "-3dB")
        for rate in (44100, 48000):
            pw.force_rate(rate)
            daemon.wait_status(lambda s, r=rate: s.rate == r and s.clock == "running", f"running at {rate} Hz")
            self.assertSounds(daemon)
        self.assertEqual(daemon.client.get("trim.gain"), -3.0)
