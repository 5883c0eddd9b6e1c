"""Who is linked to whom: virtual sinks, sources, applications, virtual microphones, two instances."""
import exact
import numpy as np
from case import EMPTY, LiveCase, both

SOURCE = """mixd: 1
name: mic
nodes:
  mic: {type: input, layout: stereo, device: source, target: "test-sink"}
  air: {type: output, layout: stereo, device: source, label: "Processed microphone"}
links:
  - mic -> air
"""


class Routing(LiveCase):
    @both
    def test_the_sink_can_be_the_default(self):
        pw = self.private()
        daemon = self.daemon(pw)
        daemon.wait_linked()
        pw.set_default_sink(daemon.node("program"))
        pw.registry.wait(lambda: pw.default_sink() == daemon.node("program"), "mixd's sink as default")
        # mixd must still play to the device, not into itself
        daemon.wait_linked()
        self.assertFalse(pw.registry.links(daemon.node("out"), daemon.node("program")))
        self.assertFalse(pw.registry.links(daemon.node(), daemon.node("program")))

    @both
    def test_the_output_follows_the_default(self):
        pw = self.private(sinks=("test-sink", "desk"))
        daemon = self.daemon(pw)
        for name in ("desk", "test-sink", "desk"):
            pw.set_default_sink(name)
            pw.registry.wait(lambda: pw.default_sink() == name, f"{name} as default")
            daemon.wait_linked(sink=name)
            other = "test-sink" if name == "desk" else "desk"
            out = daemon.node() if pw.bare else daemon.node("out")
            pw.registry.wait(lambda: not pw.registry.links(out, other), f"no links to {other}")

    @both
    def test_the_virtual_sink_has_a_volume(self):
        pw = self.private()
        daemon = self.daemon(pw)
        daemon.wait_linked()
        node = pw.registry.node(daemon.node("program"))["id"]
        signal = exact.noise(24000, 2)
        levels = []
        for volume in (1.0, 0.5):
            pw.run(["pw-cli", "set-param", str(node), "Props", f"{{ channelVolumes: [ {volume}, {volume} ] }}"])
            with exact.Probe(pw, signal, daemon.node("program"), "test-sink") as probe:
                levels.append(float(np.max(np.abs(probe.run()))))
        self.assertAlmostEqual(levels[1] / levels[0], 0.5, places=2)

    def test_latency_is_told_to_pipewire(self):
        pw = self.private()
        daemon = self.daemon(pw, EMPTY.replace("program -> out", "program -> limit -> out").replace(
            "links:", "  limit: {type: limiter}\nlinks:"))
        daemon.wait_linked()
        frames = daemon.status().latency_frames
        self.assertGreater(frames, 0)
        node = str(pw.registry.node(daemon.node())["id"])

        def told(client):
            return f"Int {frames}" in pw.run(["pw-cli", "enum-params", node, "ProcessLatency"]).stdout
        daemon.client.wait_for(told, timeout=3)

    def test_an_application_goes_through_the_chain(self):
        pw = self.private()
        daemon = self.daemon(pw)
        daemon.wait_linked()
        pw.set_default_sink(daemon.node("program"))
        pw.registry.wait(lambda: pw.default_sink() == daemon.node("program"), "mixd's sink as default")
        self.player(pw)
        pw.registry.wait(lambda: len(pw.registry.links("pw-cat", daemon.node("program"))) >= 2,
                         "links pw-cat -> program")

    @both
    def test_label_is_what_people_see(self):
        pw = self.private()
        daemon = self.daemon(pw)
        daemon.wait_linked()
        node = pw.registry.node("Test program")
        self.assertEqual(node["props"]["media.class"], "Audio/Sink")
        daemon.client.set("program.label", "Other name")
        pw.registry.wait(lambda: pw.registry.node("Other name"), "sink with its new label")
        daemon.wait_linked()

    @both
    def test_a_source_through_a_virtual_microphone(self):
        pw = self.private()
        daemon = self.daemon(pw, SOURCE)
        registry = pw.registry
        registry.wait(lambda: len(registry.links("test-sink", daemon.node())) >= 2, "links from the source")
        registry.wait(lambda: len(registry.ports(daemon.node("air"), "out")) >= 2, "ports of the microphone")
        self.assertTrue(registry.node("Processed microphone")["props"]["media.class"].startswith("Audio/Source"))
        signal = exact.noise(48000, 2)
        with exact.Probe(pw, signal, "test-sink", daemon.node("air")) as probe:
            record = probe.run()
        self.assertGreater(float(np.max(np.abs(record))), 0.05, "no sound comes through")

    def test_an_application_is_captured(self):
        pw = self.private()
        self.player(pw)
        daemon = self.daemon(pw, EMPTY.replace("device: sink, label: \"Test program\"",
                                               "device: app, target: \"pw-cat\""))
        pw.registry.wait(lambda: len(pw.registry.links("pw-cat", daemon.node())) >= 2, "links pw-cat -> mixd")

    @both
    def test_boundaries_follow_the_graph(self):
        pw = self.private()
        daemon = self.daemon(pw)
        daemon.wait_linked()

        def run():
            before = daemon.status().xruns
            with daemon.client.transaction() as t:
                t.add("input", "music", device="sink", layout="stereo", label="Music")
                t.link("music", "out")
            pw.registry.wait(lambda: len(pw.registry.links(daemon.node("music"), daemon.node())) >= 2, "links of music")
            missed = daemon.status().xruns - before
            daemon.client.remove("music")
            pw.registry.wait(lambda: not pw.registry.node(daemon.node("music")), "end of music")
            pw.registry.wait(lambda: not [p for p in pw.registry.ports(daemon.node(), "in")
                                          if p["props"]["port.name"].startswith("music")], "end of its ports")
            return None, missed
        self.without_gaps(run)
        daemon.client.undo()
        pw.registry.wait(lambda: len(pw.registry.links(daemon.node("music"), daemon.node())) >= 2, "music again")

    def test_an_empty_graph_is_at_work(self):
        """The first change of a newcomer is applied, though there is no input and no output yet."""
        pw = self.private()
        daemon = self.daemon(pw, "mixd: 1\nname: empty\n")
        daemon.wait_status(lambda status: status.cycles > 0, "cycles of an empty graph")
        daemon.client.add("gain", "first")

    @both
    def test_bare_ports_are_left_alone(self):
        pw = self.private()
        session = EMPTY.replace("device: sink, label: \"Test program\"", "device: none").replace(
            "out: {type: output,", "out: {type: output, device: none,")
        daemon = self.daemon(pw, session)
        pw.registry.wait(lambda: len(pw.registry.ports(daemon.node())) == 4, "four bare ports")
        self.assertEqual(daemon.wait_status(lambda s: s.clock == "running", "running").clock, "running")
        self.assertEqual(pw.registry.links(daemon.node(), None), [])
        signal = exact.noise(48000, 2)
        with exact.Probe(pw, signal, daemon.node(), daemon.node()) as probe:
            record = probe.run()
        lag = exact.offset(signal, record)
        self.assertEqual(lag, 0, "ports add a cycle")

    @both
    def test_two_instances_side_by_side(self):
        pw = self.private(sinks=("test-sink", "desk"))
        one = self.daemon(pw, EMPTY, "one")
        two = self.daemon(pw, EMPTY.replace("out: {type: output,", 'out: {type: output, target: "desk",'), "two")
        one.wait_linked()
        pw.registry.wait(lambda: len(pw.registry.links(two.node(), "desk")) >= 2, "links of the second")
        signal = exact.noise(24000, 2)
        with exact.Probe(pw, signal, one.node("program"), "desk") as probe:
            self.assertEqual(float(np.max(np.abs(probe.run()))), 0.0, "one is heard at the other's output")
        with exact.Probe(pw, signal, two.node("program"), "desk") as probe:
            self.assertGreater(float(np.max(np.abs(probe.run()))), 0.05)
        self.assertNotEqual(one.status().pid, two.status().pid)
