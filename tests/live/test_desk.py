"""The example sessions of the desk on real sound: a podcast with four microphones, and a master."""
import pathlib
import shutil
import time

import exact
import numpy as np
import programme
from case import BUILD, LiveCase, cpu_seconds
from private import ROOT

VOICES = (("en-gb", 150), ("en-us", 165), ("en-gb-scotland", 140), ("en-us", 180))
TURN_S, TURNS = 3, 8
CORE_LIMIT = 0.15  # of one core, at a quantum of 128


def material():
    """Four microphones that take turns and hear each other faintly, and music: frames x 6."""
    folder = BUILD / "demo"
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(5)
    n = TURN_S * TURNS * programme.RATE
    sound = random.standard_normal((n, 6)) * 10 ** (-62 / 20)
    for mic, (voice, speed) in enumerate(VOICES):
        speech = programme.speech(voice, speed, TURN_S * TURNS, folder)[:n, 0]
        speech *= 10 ** (-24 / 20) / np.sqrt(np.mean(speech[speech != 0] ** 2))
        for turn in range(mic, TURNS, len(VOICES)):
            part = slice(turn * TURN_S * programme.RATE, (turn + 1) * TURN_S * programme.RATE)
            sound[part, mic] += speech[part]
            for other in range(4):
                if other != mic:
                    sound[part, other] += 10 ** (-18 / 20) * speech[part]
    sound[:, 4:] = 0.1 * programme.music(TURN_S * TURNS, random)
    return sound.astype(np.float32)


class Desk(LiveCase):
    def begin(self, name, instance):
        missing = [tool for tool in ("espeak-ng", "ffmpeg") if not shutil.which(tool)]
        if missing:
            self.skipTest(f"{' and '.join(missing)} not installed")
        pw = self.private(quantum=128)
        return pw, self.daemon(pw, (ROOT / f"systemd/examples/{name}.yaml").read_text(), instance)

    def cost(self, daemon, probe, frames, meanwhile=None):
        """Plays; the part of a core that the daemon takes meanwhile."""
        probe.begin()
        begin, used = time.monotonic(), cpu_seconds(daemon.service.pid)
        if meanwhile:
            meanwhile()
        record = probe.finish()
        share = (cpu_seconds(daemon.service.pid) - used) / (time.monotonic() - begin)
        status = daemon.status()
        self.note(f"quantum {status.quantum}, {status.nodes} nodes: {share * 100:.1f} % of a core, load "
                  f"{status.load_percent:.1f} % of the cycle, peak {status.load_peak_percent:.1f} %, "
                  f"{status.xruns} gaps, latency {status.latency_frames} frames")
        self.assertEqual(status.quantum, 128)
        self.assertGreater(len(record), frames // 2)
        return record, share

    def test_a_podcast_with_four_microphones(self):
        pw, daemon = self.begin("podcast-live", "podcast")
        daemon.wait_linked("music")
        signal = material()

        def one_talks():
            # the automix is open for one, and the music makes room
            daemon.client.wait_for(lambda c: c.get("automix.noms") < 1.5 and c.get("duck.gr") < -10, TURN_S * 4,
                                   every=0.05)

        with exact.Probe(pw, signal, daemon.node(), "test-sink", heard=2) as probe:
            record, share = self.cost(daemon, probe, len(signal), one_talks)
        self.assertLess(share, CORE_LIMIT)
        wav = pathlib.Path(pw.folder) / "podcast.wav"
        programme.write_wav(wav, record)
        lufs, peak = programme.loudness(wav, 9, TURN_S * TURNS - 9)
        self.note(f"{lufs:.1f} LUFS, {peak:.1f} dBTP")
        self.assertLessEqual(abs(lufs + 16), 1.0)
        self.assertLessEqual(peak, -0.9)

    def test_a_master(self):
        pw, daemon = self.begin("master", "master")
        daemon.wait_linked("mix")
        signal = (0.5 * programme.music(15, np.random.default_rng(6))).astype(np.float32)
        with exact.Probe(pw, signal, daemon.node("mix"), "test-sink") as probe:
            record, _ = self.cost(daemon, probe, len(signal))
        wav = pathlib.Path(pw.folder) / "master.wav"
        programme.write_wav(wav, record)
        lufs, peak = programme.loudness(wav, 2, 12)
        self.note(f"{lufs:.1f} LUFS, {peak:.1f} dBTP")
        self.assertLessEqual(peak, -0.9)
        self.assertGreater(lufs, -30)
        # what leaves is dithered to 24 bits: whole steps of 2^-23
        steps = record.astype(np.float64) * 2 ** 23
        self.assertEqual(np.count_nonzero(steps != np.round(steps)), 0)
