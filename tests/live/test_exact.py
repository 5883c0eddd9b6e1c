"""What goes in comes out, bit for bit, when it should and where it is reported to be."""
import json
import pathlib

import numpy as np

import exact
from case import EMPTY, LiveCase, both

FRAMES = 96000
LATENT = EMPTY.replace("program -> out", "program -> limit -> out").replace(
    "links:", "  limit: {type: limiter}\nlinks:")
MASTER = EMPTY.replace("program -> out", "program -> eq -> comp -> multi -> limit -> out").replace("links:", """\
  eq: {type: eq, band1: {on: on, type: bell, freq: 900Hz, gain: 4dB}, band2: {on: on, type: highshelf, freq: 8kHz}}
  comp: {type: comp, threshold: -30dBFS, ratio: "3:1"}
  multi: {type: multicomp}
  limit: {type: limiter, ceiling: -12dBTP}
links:""")


class Exact(LiveCase):
    def measure(self, daemon, signal, into, out_of, margin=16384):
        """(lag, record compared, frames that differ), in a run in which no cycle was missed."""
        def run():
            before = daemon.status().xruns
            with exact.Probe(daemon.pw, signal, into, out_of) as probe:
                record = probe.run()
            return record, daemon.status().xruns - before + len(probe.gaps)
        record = self.without_gaps(run)
        lag = exact.offset(signal, record)
        compared, different = exact.compare(signal, record, lag, margin=margin)
        return lag, compared, different

    def heard(self, pw, session, signal, frames):
        """What SIGNAL becomes in a mixd that has heard nothing before: its dynamics' envelopes are at rest."""
        def run():
            daemon = self.daemon(pw, session)
            try:
                daemon.wait_linked()
                before = daemon.status().xruns
                with exact.Probe(pw, signal, daemon.node("program"), "test-sink", frames=frames) as probe:
                    record = probe.run()
                return record, daemon.status().xruns - before + len(probe.gaps)
            finally:
                daemon.service.stop()
        return self.without_gaps(run)

    @both
    def test_an_empty_chain_changes_no_bit(self):
        pw = self.private()
        daemon = self.daemon(pw)
        daemon.wait_linked()
        for quantum in (256, 1024):
            pw.force_quantum(quantum)
            daemon.wait_status(lambda s: s.quantum == quantum, f"at quantum {quantum}")
            signal = exact.noise(FRAMES, 2)
            direct, _, _ = self.measure(daemon, signal, "test-sink", "test-sink")
            lag, compared, different = self.measure(daemon, signal, daemon.node("program"), "test-sink")
            self.note(f"quantum {quantum}: {compared} frames of f32 noise, {different} differ; "
                      f"{lag - direct} frames behind the direct way")
            self.assertEqual(different, 0)
            self.assertGreater(compared, FRAMES // 2)
            self.assertEqual(lag - direct, 0, "mixd adds a cycle")

    @both
    def test_latency_is_what_is_reported(self):
        pw = self.private(quantum=512)
        daemon = self.daemon(pw, LATENT)
        daemon.wait_linked()
        signal = exact.noise(FRAMES, 2, level=0.05)
        direct, _, _ = self.measure(daemon, signal, "test-sink", "test-sink")
        lag, _, _ = self.measure(daemon, signal, daemon.node("program"), "test-sink")
        reported = daemon.status().latency_frames
        self.note(f"measured {lag - direct} frames, reported {reported}")
        self.assertGreater(reported, 0)
        self.assertEqual(lag - direct, reported)

    def test_twelve_channels(self):
        pw = self.private(channels=12, quantum=512)
        daemon = self.daemon(pw, EMPTY.replace("stereo", "7.1.4"))
        daemon.wait_linked(channels=12)
        names = [p["props"]["port.name"] for p in pw.registry.ports(daemon.node(), "in")]
        self.assertEqual(names[:4], ["program_FL", "program_FR", "program_FC", "program_LFE"])
        signal = exact.noise(FRAMES // 2, 12)
        _, compared, different = self.measure(daemon, signal, daemon.node("program"), "test-sink")
        self.assertEqual(different, 0)
        self.assertGreater(compared, FRAMES // 8)

    def test_quantum_changes_while_playing(self):
        pw = self.private(quantum=256)
        daemon = self.daemon(pw)
        daemon.wait_linked()
        signal = exact.noise(48000 * 5, 2)

        def run():
            before = daemon.status().xruns
            with exact.Probe(pw, signal, daemon.node("program"), "test-sink") as probe:
                probe.begin()
                for quantum in (64, 1024, 96, 256):
                    pw.force_quantum(quantum)
                    wanted = 64 if quantum == 96 else quantum
                    daemon.wait_status(lambda s: s.quantum in (quantum, wanted), f"at quantum {quantum}")
                record = probe.finish()
            return (record, probe), daemon.status().xruns - before
        record, probe = self.without_gaps(run)
        lag = exact.offset(signal[-48000:], record[-48000:])
        self.note(f"quanta seen {probe.quanta}, gaps {probe.gaps}, lag at the end {lag}")
        self.assertGreaterEqual(len(probe.quanta), 4)
        compared, different = exact.compare(signal[-48000:], record[-48000:], lag, [])
        self.assertEqual(different, 0, "not exact after the changes")

    def test_a_render_is_what_was_heard(self):
        """The same session, live and over a file: the difference is below -120 dBFS."""
        pw = self.private(quantum=512)
        folder = pathlib.Path(pw.folder)
        signal = exact.noise(FRAMES, 2, level=0.5)
        raw, session = folder / "given.f32", folder / "master.yaml"
        signal.tofile(raw)
        pw.run(["ffmpeg", "-v", "error", "-f", "f32le", "-ar", "48000", "-ac", "2", "-i", str(raw), "-c:a", "pcm_f32le",
                str(folder / "given.wav")])
        session.write_text(MASTER)
        said = json.loads(pw.run(["mixctl", "render", str(session), "-i", str(folder / "given.wav"), "-o", "json", "-o",
                                  str(folder / "rendered.wav"), "--float", "--tail", "0s"]).stdout)
        self.assertEqual(said["frames"], FRAMES)
        data = (folder / "rendered.wav").read_bytes()
        rendered = np.frombuffer(data, "<f4", offset=data.index(b"data") + 8, count=2 * FRAMES).reshape(-1, 2)
        record = self.heard(pw, MASTER, signal, FRAMES + 24000)
        lag = exact.offset(rendered, record)
        n = min(FRAMES, len(record) - lag)
        null = np.abs(record[lag:lag + n].astype(np.float64) - rendered[:n]).max()
        same = np.all(record[lag:lag + n] == rendered[:n], axis=1).mean()
        self.note(f"{n} frames, null {20 * np.log10(max(null, 1e-12)):.1f} dBFS, {100 * same:.1f} % to the bit")
        self.assertGreater(n, FRAMES // 2)
        self.assertLess(null, 1e-6)
