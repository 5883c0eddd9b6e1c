"""The time line on a real clock: what a player plays is the file, what a recorder hears is in its file,
and both know where they are."""
import pathlib

import numpy as np

from case import LiveCase

SESSION = """mixd: 1
name: timeline
nodes:
  song: {{type: player, layout: stereo, clips: "[{{file: {folder}/song.wav, at: 0s}}]"}}
  take: {{type: recorder, file: "{folder}/take-{{n}}.wav", bits: 32, with: transport, record: on}}
  out: {{type: output, layout: stereo}}
links:
  - song -> take -> out
"""
RATE, SECONDS = 48000, 6
FADE = 240  # a start in the middle of a clip


def wav(samples):
    """32-bit float, without a library."""
    data = samples.astype("<f4").tobytes()
    head = b"fmt " + (16).to_bytes(4, "little") + b"".join(
        value.to_bytes(size, "little")
        for value, size in ((3, 2), (2, 2), (RATE, 4), (RATE * 8, 4), (8, 2), (32, 2)))
    body = b"WAVE" + head + b"data" + len(data).to_bytes(4, "little") + data
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def chunks(path):
    data, at, found = path.read_bytes(), 12, {}
    assert data[:4] == b"RIFF" and data[8:12] == b"WAVE"
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4:at + 8], "little")
        found[data[at:at + 4]] = data[at + 8:at + 8 + size]
        at += 8 + size + size % 2
    return found


class Timeline(LiveCase):
    def take(self, folder, number):
        """(frame on the time line, samples) of a finished take."""
        found = chunks(folder / f"take-{number:03}.wav")
        reference = int.from_bytes(found[b"bext"][338:346], "little")
        return reference, np.frombuffer(found[b"data"], "<f4").reshape(-1, 2)

    def test_player_and_recorder_agree_to_the_bit(self):
        pw = self.private(quantum=256)
        folder = pathlib.Path(pw.folder)
        song = np.random.default_rng(1).uniform(-0.05, 0.05, (RATE * SECONDS, 2)).astype("<f4")
        (folder / "song.wav").write_bytes(wav(song))
        daemon = self.daemon(pw, SESSION.format(folder=folder))
        daemon.wait_linked(source=None)
        client = daemon.client
        for number, begin in ((1, 0.0), (2, 2.5)):
            client.locate(f"{begin}s")
            client.play()
            client.wait_for(lambda c, s=begin: c.transport().position_s > s + 1.0, 20, every=0.05)
            client.stop()
            client.wait_for(lambda c, n=number: (folder / f"take-{n:03}.wav").exists(), 10, every=0.05)
            reference, heard = self.take(folder, number)
            self.assertEqual(reference, round(begin * RATE))
            self.assertGreater(len(heard), RATE)
            played = song[reference:reference + len(heard)]
            exact = FADE if begin else 0
            self.assertTrue(np.array_equal(heard[exact:], played[exact:]), f"take {number}")
            self.note(f"take {number} from {begin} s: {len(heard)} frames, none differs behind the first {exact}")
