"""kill -9 at any moment: every acknowledged transaction is there afterwards, and sound is back within a second."""
import random
import threading
import time

import exact
import numpy as np
from case import LiveCase, mixd

ROUNDS = 50
SOUND_S = 1.0
RECORD_S, KILLS_HEARD = 6, 4
RATE = 48000

TONE = """mixd: 1
name: tone
nodes:
  tone: {type: generator, layout: stereo, level: -20dBFS}
  fade: {type: gain}
  out: {type: output, layout: stereo}
links:
  - tone -> fade -> out
"""


class Kill(LiveCase):
    def stream_until_killed(self, daemon, values):
        """Commit until the daemon dies under it. (last acknowledged revision, values by revision)."""
        acknowledged, client = 0, daemon.client
        killer = threading.Timer(random.uniform(0.01, 0.25), daemon.service.kill)
        killer.start()
        try:
            while True:
                value = round(random.uniform(-40, 6), 3)
                try:
                    reply = client.set("fade.gain", value, timeout=0.4)
                except mixd.MixdError:
                    return acknowledged, values
                acknowledged = reply.revision
                values[acknowledged] = value
        finally:
            killer.join()
            daemon.close()

    def test_no_acknowledged_transaction_is_lost(self):
        pw = self.private(bare=True)
        daemon = self.daemon(pw, TONE)
        seed = random.randrange(1 << 32)
        random.seed(seed)
        total, slowest = 0, 0.0
        for turn in range(ROUNDS):
            starts, values = daemon.service.starts, {}
            acknowledged, values = self.stream_until_killed(daemon, values)
            begin = time.monotonic()
            daemon.service.wait_ready(starts + 1)
            slowest = max(slowest, time.monotonic() - begin)
            revision = daemon.client.revision()
            total += len(values)
            # one more may have been written whose reply never left
            self.assertIn(revision - acknowledged, (0, 1) if acknowledged else range(revision + 1),
                          f"round {turn}, seed {seed}: acknowledged {acknowledged}, restored {revision}")
            if revision == acknowledged and acknowledged:
                self.assertAlmostEqual(daemon.client.get("fade.gain"), values[acknowledged], 9,
                                       f"round {turn}, seed {seed}")
        self.note(f"{ROUNDS} kills, {total} acknowledged transactions, none lost; slowest return {slowest * 1000:.0f} ms")
        self.assertGreater(total, ROUNDS)

    def test_sound_is_back_within_a_second(self):
        pw = self.private(bare=True)
        daemon = self.daemon(pw, TONE)
        daemon.wait_linked(source=None)
        silence = np.zeros((int(RECORD_S * RATE), 2), np.float32)
        with exact.Probe(pw, silence, "test-sink", "test-sink") as probe:
            probe.begin()
            for _ in range(KILLS_HEARD):
                starts = daemon.service.starts
                daemon.service.kill()
                daemon.service.wait_ready(starts + 1)
                daemon.wait_linked(source=None)
            gap = longest_silence(probe.finish())
        self.note(f"longest silence around a kill -9: {gap * 1000:.0f} ms")
        self.assertLess(gap, SOUND_S)


def longest_silence(record):
    """Seconds of the longest stretch without sound between the first and the last sound."""
    loud = np.flatnonzero(np.abs(record).max(axis=1) > 1e-4)
    assert len(loud), "nothing but silence was recorded"
    return float(np.max(np.diff(loud), initial=0)) / RATE
