"""What tests of containers share: media_tool (MEDIA_TOOL), a folder, readers that are not ours."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import tap

TOOL = os.environ["MEDIA_TOOL"]
FOLDER = Path(tempfile.mkdtemp(prefix="mixd-media-"))
ENV = {**os.environ, "LC_ALL": "C.UTF-8"}
PATIENCE = float(os.environ.get("MIXD_TEST_PATIENCE", 1))  # see rig.py
LOSSLESS = ("wav", "rf64", "w64", "aiff", "caf", "flac")
FORMATS = LOSSLESS + ("alac", "ogg", "opus", "mp3", "m4a")


def media_tool(*args, code=0, env=None):
    done = subprocess.run(
        [TOOL, *map(str, args)],
        capture_output=True,
        text=True,
        timeout=120 * PATIENCE,
        check=False,
        env={**ENV, **(env or {})},
    )
    assert code is None or done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
    return done.stdout


def read(path, **more):
    """What our reader says: key -> values."""
    result = {}
    for line in media_tool("read", path, **more).splitlines():
        key, value = line.split("\t", 1)
        result.setdefault(key, []).append(value)
    return result


def has_helper():
    probe = FOLDER / "probe.m4a"
    probe.write_bytes(b"\0\0\0\x18ftypM4A \0\0\2\0isomM4A ")
    return "not installed" not in str(read(probe, code=None))


def need_helper():
    if not has_helper():
        raise tap.Skip("mixd-av is not in this build")


def files(variant=""):
    """All formats, written once: format -> path."""
    folder = FOLDER / ("v" + variant)
    if not folder.exists():
        folder.mkdir()
        media_tool("write", folder, variant)
    return {f: folder / f"a.{f}" for f in FORMATS if (folder / f"a.{f}").exists()}


def tool(*argv, text=True, stdin=None):
    if not shutil.which(argv[0]):
        raise tap.Skip(f"{argv[0]} is not installed")
    done = subprocess.run(
        [*map(str, argv)], input=stdin, capture_output=True, text=text, timeout=120, check=False, env=ENV
    )
    assert done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def probe(path):
    """ffprobe: texts by small name, chapters as (start in s, title), stream 0."""
    whole = json.loads(
        tool("ffprobe", "-v", "error", "-show_format", "-show_streams", "-show_chapters", "-of", "json", path)
    )
    stream = whole["streams"][0]
    texts = {**whole["format"].get("tags", {}), **stream.get("tags", {})}
    chapters = [(float(c["start_time"]), c.get("tags", {}).get("title")) for c in whole.get("chapters", [])]
    return {k.lower(): v for k, v in texts.items()}, chapters, stream


def done():
    shutil.rmtree(FOLDER, ignore_errors=True)
