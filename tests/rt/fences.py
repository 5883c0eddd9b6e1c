"""What the fences share: TAP out, the sources of the tree, their rooms."""

import pathlib

TOP = pathlib.Path(__file__).resolve().parents[2]


class Tap:
    """Lines of TAP; `check` takes the faults found, which are printed."""

    def __init__(self):
        self.count = self.failed = 0

    def check(self, name, faults):
        self.count += 1
        for fault in faults:
            print("#", fault)
        self.failed += bool(faults)
        print("not ok" if faults else "ok", self.count, name)

    def done(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def is_real_time(path):
    """Whether PATH (relative to the top) runs on the audio thread, by its place or name."""
    text, stem = str(path), pathlib.Path(path).stem
    if text.startswith("nodes/") and not text.startswith("nodes/include/"):
        return not stem.endswith("_setup")
    return text.startswith("daemon/") and stem.endswith("_rt")
