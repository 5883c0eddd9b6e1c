"""The on-air session on real sound: far too quiet, then far too loud, and on target in both."""
import pathlib
import shutil

import exact
import numpy as np
import programme
from case import BUILD, LiveCase
from private import ROOT

TARGET_LUFS, CEILING_DBTP = -23.0, -1.0
TOLERANCE_LU, TOLERANCE_DB = 0.5, 0.1


class OnAir(LiveCase):
    def test_forty_db_of_spread_come_out_on_target(self):
        missing = [tool for tool in ("espeak-ng", "ffmpeg") if not shutil.which(tool)]
        if missing:
            self.skipTest(f"{' and '.join(missing)} not installed")
        path, sections = programme.make(BUILD / "demo")
        sections = [s for s in sections if s[3] in (-44.0, -4.0)]
        sound = programme.read_wav(path)
        parts = [sound[int(start * programme.RATE):int((start + length) * programme.RATE)]
                 for _, start, length, _ in sections]
        pw = self.private(quantum=1024)
        daemon = self.daemon(pw, (ROOT / "systemd/examples/onair.yaml").read_text(), "onair")
        daemon.wait_linked()
        signal = np.concatenate(parts).astype(np.float32)
        with exact.Probe(pw, signal, daemon.node("program"), "test-sink") as probe:
            record = probe.run()
        wav = pathlib.Path(pw.folder) / "record.wav"
        programme.write_wav(wav, record)
        for i, (name, _, length, lufs) in enumerate(sections):
            settled = length - programme.SETTLING_S
            got, _ = programme.loudness(wav, i * length + programme.SETTLING_S, settled)
            self.note(f"{name}: {lufs:.1f} LUFS in, {got:.1f} LUFS out")
            self.assertLessEqual(abs(got - TARGET_LUFS), TOLERANCE_LU, name)
        _, peak = programme.loudness(wav)
        self.note(f"true peak {peak:.1f} dBTP, {daemon.status().xruns} gaps")
        self.assertLessEqual(peak, CEILING_DBTP + TOLERANCE_DB)
