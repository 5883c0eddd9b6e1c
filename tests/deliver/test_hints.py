#!/usr/bin/env python3
"""What errors and hints advise can be done: every option that a verb names is one that it has.

Two ways: the words in the sources of the daemon, each file with the verbs that it works for; and what verbs
say in earnest (rig.mixctl looks at every word of every call of every test).
Environment: as rig.py.
"""

import re
import textwrap
from pathlib import Path

import numpy

import rig
import tap

ROOT = Path(__file__).resolve().parents[2]
RENDERS = ("render", "master", "podcast", "audiobook", "album")
# What a source says is said by these verbs. First match; a file with an option and no row is a failure.
REACH = [
    (r"delivery/verb_(\w+)\.c", None),  # its own
    (r"delivery/album\w*\.c|delivery/redbook\.c", ("album",)),
    (r"delivery/batch\w*\.c", ("batch",)),
    (r"delivery/encode_options\.c", ("render", "master")),  # audiobook has one of each two that can clash
    (r"delivery/master_reference\.c", ("master",)),
    (r"delivery/master\w*\.c", ("master", "podcast", "audiobook")),
    (r"delivery/plot\w*\.c", ("measure", "check")),
    (r"delivery/spec\w*\.c", ("check", "master", "podcast", "audiobook")),
    (r"delivery/speech_option\.c", ("measure", "check", "master")),
    (r"render/render_stages\.c", RENDERS),
    (r"render/render(_graph)?\.c", ("render",)),  # places in time and --set: others give none
]
# Words of other programs: a farm's, a style sheet's.
FOREIGN = re.compile(r"report_css\.c|plot_svg\.c|batch_slurm\.c|batch_child\.c")


def literals(source):
    """Adjacent string literals as one, comments left out."""
    text = re.sub(r"/\*.*?\*/", "", source, flags=re.S)
    return [
        "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', run))
        for run in re.findall(r'"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*', text)
    ]


def test_every_option_in_a_source_is_one_of_its_verbs():
    n = 0
    for path in sorted([*ROOT.glob("daemon/delivery/*.c"), *ROOT.glob("daemon/render/*.c")]):
        if FOREIGN.search(path.name):
            continue
        for text in literals(path.read_text(encoding="utf-8")):
            for verb, option in rig.options_named(text):
                row = next(((p, v) for p, v in REACH if re.search(p, str(path))), None)
                assert row, f"{path.name} names --{option}: say in REACH for which verbs"
                own = re.search(r"verb_(\w+)\.c", path.name)
                for reach in [verb] if verb else row[1] or (own[1],):
                    assert option in rig.options_of(reach), f"{path.name}: {reach} has no --{option}: {text}"
                    n += 1
    assert n > 60, n


def test_help_names_every_key_of_a_document():
    """A document can be written from the help of its verb: what a wrong key's error lists stands there."""
    rig.write_wav(rig.FOLDER / "k.wav", numpy.zeros((4800, 2)))
    documents = {
        ("album",): ["zzz: 1\ntracks: [k.wav]", "tracks: [{file: k.wav, zzz: 1}]", "tracks: [{file: k.wav, trim: {zzz: 1}}]"],
        ("podcast", "-o", "k.mp3"): ["zzz: 1\nvoices: [k.wav]", "voices: [{file: k.wav, zzz: 1}]"]
        + [f"voices: [k.wav]\n{key}: {{file: k.wav, zzz: 1}}" for key in ("intro", "outro", "bed")]
        + ["voices: [k.wav]\ninserts: [{file: k.wav, at: 0s, zzz: 1}]", "voices: [k.wav]\nchapters: [{at: 0s, zzz: 1}]"],
    }
    for (verb, *words), texts in documents.items():
        known = set(re.findall(r"[a-z_]+", rig.out("help", verb)))
        for text in texts:
            (rig.FOLDER / "k.yaml").write_text("title: x\n" + text + "\n")
            said = rig.mixctl(verb, "k.yaml", *words, *(["--plan"] if verb == "album" else []), code=5).stderr
            keys = said.partition("; it has: ")[2].split()
            assert keys, said
            assert not set(keys) - known, f"{verb}, {text!r}: help has no word of {sorted(set(keys) - known)}"
    known = set(re.findall(r"[a-z_0-9-]+", rig.out("help", "spec")))
    for text in ("{zzz: 1, clauses: [{id: lra, max: 1LU}]}", "{clauses: [{id: lra, zzz: 1}]}", "{clauses: [{id: zzz, max: 1}]}"):
        (rig.FOLDER / "k.yaml").write_text("mixd_spec: 1\nspecs: {mine: " + text + "}\n")
        keys = rig.mixctl("spec", "add", "k.yaml", code=5).stderr.partition("; one of ")[2].split()
        assert len(keys) > 5 and not set(keys) - known, f"spec, {text!r}: help has no word of {sorted(set(keys) - known)}"


def test_examples_in_help_use_options_that_are_there():
    for verb in rig.verbs_on_files():
        examples = rig.out("help", verb).split("examples")[-1]
        for line in examples.splitlines():
            for named, option in rig.options_named(line):
                assert option in rig.options_of(named or verb), line


def test_what_is_said_is_looked_at():
    """The net itself: a hint that names what is not there is caught."""
    rig.check_words(["master", "a.wav"], "mixctl: a.wav: too loud; say --force\n")
    rig.check_words(["ddp", "check"], "mixctl: a.wav: too loud; mixctl master --force does it\n")
    rig.check_words(["ddp", "--bogus"], "mixctl: --bogus: no such option\n")
    for args, text in (
        (["ddp", "check"], "mixctl: a.wav: too loud; say --force\n"),
        (["master", "a.wav"], "mixctl: warning: a.wav: mixctl ddp --force\n"),
    ):
        try:
            rig.check_words(args, text)
        except AssertionError:
            continue
        raise AssertionError(f"not caught: {text}")


def test_help_session_names_all_keys():
    """What the reader of sessions says it takes stands in the help, and the example there can be rendered."""
    said = rig.out("help", "session")
    top, track, clip, example = re.split(r"^(?:a track|a clip|example).*$", said, flags=re.M)
    begin = "mixd: 1\nqqqq: 1\n", "mixd: 1\ntracks: {a: {qqqq: 1}}\n", "mixd: 1\ntracks: {a: {clips: [{qqqq: 1}]}}\n"
    parts = *zip(begin, (top, track, clip)), ("mixd: 1\nbuses: {a: {qqqq: 1}}\n", track), (
        "mixd: 1\nbuses: {b: {}}\ntracks: {a: {sends: {b: {qqqq: 1}}}}\n", track), (
        "mixd: 1\nenvelopes: [{qqqq: 1}]\n", top)  # fmt: skip
    for text, part in parts:
        (rig.FOLDER / "keys.yaml").write_text(text)
        hint = rig.err("render", "keys.yaml", "-o", "x.wav", code=5)
        keys = re.search(r"want one of (.*)", hint)[1].split(", ")
        assert len(keys) > 3
        for key in keys:
            if key != "gain" or part is not track:
                assert re.search(rf"\b{key}\b", part), (key, part)
    (rig.FOLDER / "page.yaml").write_text(textwrap.dedent(example.split("More of them")[0]))
    for name in ("drums.wav", "take3.wav"):
        rig.write_wav(rig.FOLDER / name, spikes()[:48000])
    rig.out("render", "page.yaml", "-o", "page.wav")


def test_limiting_is_allowed_by_the_verb_that_refuses_it():
    rig.write_wav(rig.FOLDER / "voice.wav", spikes())
    (rig.FOLDER / "ep.yaml").write_text(
        "title: Spikes\nvoices:\n  - {file: voice.wav, comp: off, gate: off, deplosive: off, denoise: off}\n",
        encoding="utf-8",
    )
    said = rig.mixctl("podcast", "ep.yaml", "-o", "ep.wav", "--max-limiting", "1", code=None)
    if said.returncode != 0:
        assert "--max-limiting" in said.stderr, said.stderr
    said = rig.err("master", "voice.wav", "-o", "m.wav", "--spec", "spotify", "--max-limiting", "1", code=5)
    assert "--max-limiting" in said and "--force" in said
    need = re.search(r"--max-limiting (\d+)dB", said)[1]
    rig.out("master", "voice.wav", "-o", "m.wav", "--spec", "spotify", "--max-limiting", need)


def spikes():
    noise = numpy.random.default_rng(3).normal(0, 0.01, 10 * 48000)
    noise[::4800] = 0.9
    return noise


tap.run(globals(), rig.done)
