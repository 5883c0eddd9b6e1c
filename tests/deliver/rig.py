"""What tests of verbs that work on files share: a folder, mixctl run to its end, sound made and read.

Environment: MIXD, MIXCTL (programs), MIXD_NODE_PATH. Each test program has a folder of its own, which is gone
at its end; what mixctl leaves beside what it was asked for is a failure (`tidy`). MIXD_TEST_PATIENCE: how many
times longer than usual things may take (under a sanitizer). What a sanitizer has to say of any process, mixctl's
own daemon included, fails the program at its end.
"""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy

import tap

MIXD, MIXCTL = os.environ["MIXD"], os.environ["MIXCTL"]
PATIENCE = float(os.environ.get("MIXD_TEST_PATIENCE", 1))
FOLDER = Path(tempfile.mkdtemp(prefix="mixd-deliver-"))
TEMP = FOLDER / "temp"
TEMP.mkdir()
ENV = {
    key: value
    for key, value in os.environ.items()
    if key not in ("RUNTIME_DIRECTORY", "MIXD_ENDPOINT", "MIXD_INSTANCE", "XDG_RUNTIME_DIR")
}
ENV.update(
    TMPDIR=str(TEMP),
    HOME=str(FOLDER / "home"),
    XDG_CONFIG_HOME=str(FOLDER / "config"),
    XDG_DATA_HOME=str(FOLDER / "data"),
    MIXD_DAEMON=MIXD,
    LC_ALL="C.UTF-8",
    TZ="UTC",
)
REPORTS = FOLDER / "sanitizer"
REPORTS.mkdir()
for _name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
    if _name in ENV:
        ENV[_name] += f":log_path={REPORTS}/report"


# Under nohup mixctl ignores it, too, and tests send it: caught here, it is as usual in what we start.
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)


# ---- what verbs say -------------------------------------------------------------------------------


def run_help(*words):
    return subprocess.run([MIXCTL, *words], capture_output=True, text=True, check=True, env=ENV).stdout


@functools.cache
def options_of(verb):
    """All options of VERB, and those that every verb has."""
    common = run_help("help").split("\noptions of all verbs")[1].split("\nexit codes")[0]
    own = run_help("help", verb) + (run_help("help", "edit") if verb == "edit" else "")
    own = own.split("\nexamples")[0]
    return {m for m in re.findall(r"^  (?:-\w, )?--([a-z-]+)", own + common, re.M)}


@functools.cache
def verbs():
    listed = run_help("help").split("options of all verbs")[0]
    return set(re.findall(r"^  ([a-z]+) ", listed, re.M)) | set(verbs_on_files())


@functools.cache
def verbs_on_files():
    listed = run_help("help").split("verbs that work on files")[1].split("options of all")[0]
    return [line.split()[0] for line in listed.splitlines()[1:] if line.strip()]


def options_named(text):
    """(verb or None, option) of each option in TEXT; the verb when `mixctl VERB` or 'VERB stands before it."""
    found = []
    text = re.sub(r"(--engine-options) '[^']*'", r"\1", text)  # sbatch's
    for part in re.split(r"[;`]|\. |' ", text):
        verb = None
        for word in re.finditer(r"mixctl ([a-z]+)|'([a-z]+) |(?<![\w-])--([a-z][a-z-]*)", part):
            verb = next((w for w in (word[1], word[2]) if w in verbs()), verb)
            if word[3]:
                found.append((verb, word[3]))
    return found


def check_words(args, said):
    """No error, warning or note of a verb names an option that it does not have."""
    words = [str(a) for a in args]
    verb = next((w for w in words if w in verbs_on_files()), None)
    for line in said.splitlines():
        if not verb or not line.startswith("mixctl: ") or "no such option" in line or "has no option" in line:
            continue
        for named, option in options_named(line):
            if any(w.startswith(f"--{option}") for w in words) or any(f"--{option}" in w for w in words):
                continue
            assert option in options_of(named or verb), f"{named or verb} has no --{option}: {line}"


def mixctl(*args, code=0, cwd=FOLDER, env=None, timeout=120, stdin=None):
    """Run it; the exit code must be CODE (None: any)."""
    done = subprocess.run(
        [MIXCTL, *map(str, args)],
        cwd=cwd,
        env={**ENV, **(env or {})},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout * PATIENCE,
        check=False,
    )
    assert code is None or done.returncode == code, (
        f"mixctl {' '.join(map(str, args))}: exit {done.returncode}, want {code}\n"
        f"{done.stdout[-3000:]}{done.stderr[-3000:]}"
    )
    check_words(args, done.stderr)
    return done


def out(*args, **more):
    return mixctl(*args, **more).stdout


def err(*args, **more):
    return mixctl(*args, **more).stderr


def ask(*args, **more):
    """The result as an object."""
    return json.loads(mixctl(*args, "-o", "json", **more).stdout)


def tool(*argv, cwd=FOLDER, text=True):
    """An independent reader; its standard output. Skips the test when it is not installed."""
    if not shutil.which(argv[0]):
        raise tap.Skip(f"{argv[0]} is not installed")
    done = subprocess.run(
        [*map(str, argv)], cwd=cwd, capture_output=True, text=text, timeout=120, check=False
    )
    assert done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def ebur128(path):
    """Integrated loudness, LRA and true peak by ffmpeg."""
    if not shutil.which("ffmpeg"):
        raise tap.Skip("ffmpeg is not installed")
    done = subprocess.run(
        ["ffmpeg", "-nostdin", "-hide_banner", "-i", str(path)]
        + ["-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    figures = {}
    for line in done.stderr.split("Summary:")[-1].splitlines():
        words = line.split()
        if len(words) >= 3 and words[0] in ("I:", "LRA:", "Peak:"):
            figures[words[0][:-1].lower()] = float(words[1])
    return figures


def write_wav(path, samples, rate=48000, bits=24):
    """SAMPLES: frames, or frames x channels, within -1..1; rounded, not dithered."""
    samples = numpy.asarray(samples, dtype=numpy.float64)
    samples = samples.reshape(len(samples), -1)
    scale = 2.0 ** (bits - 1)
    whole = numpy.clip(numpy.rint(samples * scale), -scale, scale - 1).astype("<i4")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(bits // 8)
        file.setframerate(rate)
        data = whole.reshape(-1, 1).view("u1").reshape(-1, 4)[:, : bits // 8]
        file.writeframes(data.tobytes())
    return path


def read_float(path, rate=None, channels=None):
    """Any file by ffmpeg: frames x channels as float64 (through f32)."""
    probe = tool(
        "ffprobe", "-v", "error", "-select_streams", "a:0", "-show_entries",
        "stream=channels,sample_rate", "-of", "json", path,
    )  # fmt: skip
    stream = json.loads(probe)["streams"][0]
    data = tool(
        "ffmpeg", "-nostdin", "-v", "error", "-i", path, "-f", "f32le",
        *(["-ar", rate] if rate else []), *(["-ac", channels] if channels else []), "-",
        text=False,
    )  # fmt: skip
    return numpy.frombuffer(data, "<f4").astype(numpy.float64).reshape(
        -1, channels or stream["channels"]
    )


def speech(path, text, rate=48000):
    """Espeak-ng's voice, resampled by ffmpeg; frames."""
    raw = FOLDER / "speech-raw.wav"
    tool("espeak-ng", "-w", raw, text)
    tool("ffmpeg", "-nostdin", "-v", "error", "-y", "-i", raw, "-ar", rate, "-ac", 1, path)
    return path


def leftovers(folder=FOLDER):
    """Temporary files that somebody forgot."""
    return sorted(
        str(p)
        for p in Path(folder).rglob("*")
        if p.name.endswith(".part") or p.name.endswith(".master") or p.name.startswith(".mixd")
        or p.name.startswith("mixctl-")
    )  # fmt: skip


def reports():
    """What sanitizers said; not that a thread was gone before its registers were read (a signal ends all at once)."""
    said = [path.read_text(errors="replace") for path in sorted(REPORTS.iterdir())]
    lines = [[line for line in text.splitlines() if "Unable to get registers from thread" not in line] for text in said]
    return ["\n".join(text) for text in lines if any(text)]


def done():
    said = reports()
    shutil.rmtree(FOLDER, ignore_errors=True)
    assert not said, f"{len(said)} reports of a sanitizer:\n{said[0][:6000]}"
