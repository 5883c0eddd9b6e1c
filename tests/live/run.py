#!/usr/bin/python3
"""Run the live tests: every test_*.py here, or those that contain a given word. TAP out, counts last.

    run.py [--build DIR] [-l] [--but WORD] [WORD...]
"""
import argparse
import os
import pathlib
import sys
import time
import unittest

import private


class TapResult(unittest.TestResult):
    """One line per test; a failed subtest fails its test."""

    def __init__(self):
        super().__init__()
        self.count = self.failed = 0
        self.begin, self.bad = 0.0, []

    def startTest(self, test):
        super().startTest(test)
        self.begin, self.bad, self.reason = time.monotonic(), [], None

    def _fail(self, test, err):
        self.bad.append(self._exc_info_to_string(err, test))

    def addError(self, test, err):
        self._fail(test, err)

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err:
            self.bad.append(f"{subtest._subDescription()}\n{self._exc_info_to_string(err, test)}")

    def addSkip(self, test, reason):
        self.reason = reason

    def stopTest(self, test):
        super().stopTest(test)
        self.count += 1
        self.failed += bool(self.bad)
        for text in self.bad:
            print("".join(f"# {line}\n" for line in text.splitlines()), end="")
        name = ".".join(test.id().split(".")[-3:])
        skip = f" # SKIP {self.reason}" if self.reason else f" # {(time.monotonic() - self.begin) * 1000:.0f} ms"
        print(f"{'not ok' if self.bad else 'ok'} {self.count} {name}{skip}", flush=True)


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def main():
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__.split("\n")[0])
    parser.add_argument("--build", help="build folder (default $MIXD_BUILD, then build/)")
    parser.add_argument("-l", "--list", action="store_true")
    parser.add_argument("--but", metavar="WORD", help="leave out those that contain it")
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    private.contain()
    try:
        os.environ["MIXD_BUILD"] = str(private.build_folder(args.build))
    except private.Failure as failure:
        print(f"run.py: {failure}", file=sys.stderr)
        private.finish(2)
    tests = [t for t in flatten(unittest.TestLoader().discover(str(pathlib.Path(__file__).parent), "test_*.py"))
             if (not args.words or any(word in t.id() for word in args.words))
             and not (args.but and args.but in t.id())]
    if args.list:
        print("\n".join(t.id() for t in tests))
        private.finish(0)
    print("TAP version 13", flush=True)
    result = TapResult()
    try:
        unittest.TestSuite(tests).run(result)
    except KeyboardInterrupt:
        print("# interrupted")
        result.failed += 1
    print(f"1..{result.count}")
    print(f"{max(result.count - result.failed, 0)} passed, {result.failed} failed", flush=True)
    private.finish(1 if result.failed or not result.count else 0)


if __name__ == "__main__":
    main()
