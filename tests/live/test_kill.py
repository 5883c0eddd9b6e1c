"""kill -9 at any moment under a stream of transactions: every acknowledged one is there afterwards."""
import random
import threading
import time

from case import LiveCase, mixd

ROUNDS = 50

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
        """Commit until the daemon dies under it. (last acknowledged revision, values by revision). The
        last one may have been sent again and answered by the daemon's next life: acknowledged all the same."""
        acknowledged, client = 0, daemon.client
        killer = threading.Timer(random.uniform(0.01, 0.25), daemon.service.kill)
        killer.start()
        try:
            while killer.is_alive():
                value = round(random.uniform(-40, 6), 3)
                try:
                    reply = client.set("fade.gain", value, timeout=0.2)
                except mixd.MixdError:
                    break
                acknowledged = reply.revision
                values[acknowledged] = value
            return acknowledged, values
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
