"""Every verb over files that nobody should have: words, the right exit code, nothing left, and always an end."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import bad_media
import rig
import tap

FOLDER = rig.FOLDER / "bad"
HOME = rig.FOLDER / "run"
JOBS = {"XDG_RUNTIME_DIR": str(HOME)}
MADE = {}
# What is wrong with them is said of the graph that would hear them.
UNNAMED = ("data-0.wav", "data-size-0.wav", "huge.wav", "rate-0.aiff", "rate-1.wav")
CRASHES = (3, 134, 139)  # the daemon went, or mixctl itself


def corpus():
    """Made once; and a daemon that does the work of all calls."""
    if not MADE:
        FOLDER.mkdir()
        HOME.mkdir()
        MADE.update(bad_media.make(FOLDER))
        tap.start([rig.MIXD, "--jobs", "--instance", "jobs"], env={**rig.ENV, **JOBS}, cwd=FOLDER)
        rig.mixctl("--instance", "jobs", "wait", "up", "--timeout", "20s", env=JOBS)
    return MADE


def work(*args, **more):
    return rig.mixctl("--instance", "jobs", *args, cwd=FOLDER, env=JOBS, **more)


def as_given(name):
    """A name is an argument: with a dash first it needs a folder before it."""
    return f"./{name}" if name.startswith("-") else name


def said_well(done, name):
    """Something a person can use: the file's name, no text of a programmer."""
    text = done.stderr
    assert text.strip(), f"{name}: exit {done.returncode} without a word"
    if name not in UNNAMED:
        assert name.split("\n")[0].split("\t")[0][:40] in text, f"{name}: not named in {text}"
    for word in ("(null)", "errno", "Assertion", "assert", "AddressSanitizer", "runtime error", "No Error"):
        assert word not in text, f"{name}: {text}"


def test_measure_and_check_tell_each():
    for verb in (("measure",), ("check", "--spec", "ebu-r128")):
        names = [name for name in sorted(corpus()) if verb[0] == "measure" or few(name)]
        paths = [as_given(name) for name in names]
        done = work(*verb, *paths, "-o", "json", code=None, timeout=280)
        items = json.loads(done.stdout)["items"]
        assert done.returncode == 8, (verb, done.returncode, done.stderr[-2000:])
        assert [item["file"] for item in items] == paths, verb
        wrong = []
        for name, item in zip(names, items):
            refused = item.get("error") is not None
            if corpus()[name] != bad_media.ODD and refused != (corpus()[name] == bad_media.BAD):
                wrong.append(f"{name}: {json.dumps(item)[:300]}")
        assert not wrong, f"{verb}: {len(wrong)} of {len(items)}\n" + "\n".join(wrong)


def one_at_a_time(verb, wanted):
    """VERB(name) -> arguments; each bad file is refused by its name, each good one taken."""
    names = [name for name in sorted(corpus()) if wanted(name)]

    def one(name):
        goal = FOLDER / f"goal of {name}.wav"
        done = work(*verb(as_given(name), goal.name), code=None, timeout=60)
        verdict = corpus()[name]
        try:
            assert done.returncode not in CRASHES and done.returncode >= 0, (name, done.returncode, done.stderr)
            if verdict == bad_media.BAD:
                assert done.returncode in (4, 5, 8), (name, done.returncode, done.stdout, done.stderr)
            if verdict == bad_media.GOOD:
                fine = done.returncode in (0, 1) or "too short" in done.stderr
                assert fine, (name, done.returncode, done.stderr)
            if done.returncode > 1:
                said_well(done, name)
            assert goal.exists() == (done.returncode <= 1), (name, "a partial file, or none")
        except AssertionError as error:
            return str(error)
        if goal.exists():
            goal.unlink()
        return None

    with ThreadPoolExecutor(3) as pool:
        wrong = [text for text in pool.map(one, names) if text]
    assert not wrong, f"{len(wrong)} of {len(names)}\n" + "\n".join(wrong)
    assert not rig.leftovers(FOLDER), rig.leftovers(FOLDER)


def few(name):
    """Of the cut ones each third: measure sees them all."""
    return not name.startswith("cut-") or int(name[4:6]) % 3 == 1


def test_master():
    one_at_a_time(lambda name, goal: ("master", name, "-o", goal, "--target", "-30", "--force"), few)


def test_render():
    (FOLDER / "through.yaml").write_text(
        "mixd: 1\nnodes:\n  in: {type: input, layout: auto}\n  out: {type: output, layout: auto}\nlinks: [in -> out]\n"
    )
    one_at_a_time(lambda name, goal: ("render", "through.yaml", "-i", f"in={name}", "-o", goal), few)


def test_names():
    corpus()
    good, refused = bad_media.names(FOLDER)
    for name in refused:
        said = work("measure", name, code=5).stderr
        assert "is no UTF-8" in said and "rename" in said, said
    for name in good:
        given = as_given(name)
        goal = f"made {name[-200:]}"
        item = json.loads(work("measure", given, "-o", "json", code=None).stdout or "{}").get("items", [{}])[0]
        assert item.get("integrated_lufs") is not None, (name, item)
        rig.mixctl("--instance", "jobs", "measure", "--", name, cwd=FOLDER, env=JOBS)
        said = work("measure", given)
        assert "\x1b[31m" not in said.stdout + said.stderr, said
        if name == "{spec}.wav":
            continue  # a word of its own
        work("master", given, "-o", as_given(goal), "--target", "-30")
        assert (FOLDER / goal).exists(), goal
        (FOLDER / goal).unlink()


def test_more_than_4_gib():
    corpus()
    names = bad_media.giants(FOLDER)
    for name, (verdict, at) in names.items():
        args = ("measure", name, "--start", at, "--end", at + 0.9, "-o", "json")
        if verdict == bad_media.BAD:
            assert name in work(*args, code=5).stderr
            continue
        item = json.loads(work(*args).stdout)["items"][0]
        assert abs(item["sample_peak_dbfs"] + 10.46) < 0.1, item  # 0.3
    for name in names:
        (FOLDER / name).unlink()


def test_pages_that_are_none():
    """Session and other pages: what is no page has a place and words, whichever verb reads it."""
    corpus()
    pages = {
        "empty.yaml": b"", "binary.yaml": bytes(range(256)) * 8, "tab.yaml": b"mixd:\t1\n\tnodes: {}\n",
        "deep.yaml": b"[" * 20000, "brackets.yaml": b"{" * 5000 + b"}" * 5000, "list.yaml": b"- 1\n- 2\n",
        "number.yaml": b"7\n", "twice.yaml": b"mixd: 1\nmixd: 1\n", "unknown.yaml": b"mixd: 1\nnoodles: {}\n",
        "lol.yaml": b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
            b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(98, 107)),
        "utf16.yaml": "mixd: 1\nnodes: {}\n".encode("utf-16"), "latin1.yaml": b"mixd: 1\nname: Gr\xf6\xdfe\n",
        "long.yaml": b"mixd: 1\nname: " + b"x" * 3_000_000 + b"\n", "future.yaml": b"mixd: 999\nnodes: {}\n",
    }  # fmt: skip
    for name, data in pages.items():
        (FOLDER / name).write_bytes(data)
    shutil.copy(FOLDER / "good.wav", FOLDER / "in.wav")
    verbs = [
        ("render", None, "-i", "in.wav", "-o", "page.wav"), ("edit", "-f", None, "vox"), ("spec", "add", None),
        ("master", "in.wav", "-o", "page.wav", "-s", None, "--target", "-30"), *PAGE_VERBS(),
    ]  # fmt: skip
    wrong = []
    for verb in verbs:
        for name in (*pages, "folder.wav", "pipe.wav", "no such.wav", "random.wav"):
            done = work(*(name if word is None else word for word in verb), code=None, timeout=30)
            if done.returncode not in (2, 4, 5, 8) or not done.stderr.strip() or name not in done.stderr:
                wrong.append(f"{verb} {name}: {done.returncode} {done.stdout[-200:]} {done.stderr[-300:]}")
    assert not wrong, "\n".join(wrong)
    assert not (FOLDER / "page.wav").exists() and not rig.leftovers(FOLDER)


def PAGE_VERBS():
    """Those that this build has."""
    words = rig.out("help", code=None)
    verbs = {
        "album": ("album", None, "-o", "made", "--pq"), "podcast": ("podcast", None, "-o", "page.mp3"),
        "batch": ("batch", None),
    }  # fmt: skip
    return [verbs[name] for name in verbs if f" {name} " in words]


def test_a_batch_goes_on():
    """All that can be made of a folder is made; the others are told by name, and again the next time."""
    corpus()
    folder = FOLDER / "mixed"
    folder.mkdir()
    good = ("good.wav", "with spaces.wav", "quote'\".wav", "größe.wav", "-dash.wav", "new\nline.wav", "{stem}.wav",
            "$HOME.wav", "semi;touch x.wav")  # fmt: skip
    bad = ("empty.wav", "nan.wav", "data-longer.wav", "text.wav", "channels-1000.wav")
    for name in good:
        shutil.copy(FOLDER / "good.wav", folder / name)
    for name in bad:
        shutil.copy(FOLDER / name, folder / name)
    os.mkfifo(folder / "pipe.wav")
    os.symlink("nowhere", folder / "dangling.wav")
    (folder / bad_media.NO_NAMES[0]).write_bytes((FOLDER / "good.wav").read_bytes())
    for again in (False, True):
        done = rig.mixctl("batch", "mixed", "-o", "out", "--verb", "master --target -30", cwd=FOLDER, code=1)
        assert f"{len(bad) + 3} failed" in done.stdout, done.stdout
        assert ("0 done" if again else f"{len(good)} done") in done.stdout.splitlines()[-1], done.stdout
        for name in (*bad, "pipe.wav", "dangling.wav", "latin1-"):
            assert name in done.stdout, (name, done.stdout)
    made = sorted(name for name in os.listdir(FOLDER / "out") if not name.startswith(".mixd"))
    assert made == sorted(good), made
    assert not (FOLDER / "x.wav").exists()
    shutil.rmtree(FOLDER / "out")
    said = rig.err("audiobook", "mixed", "-o", "book", cwd=FOLDER, code=5)
    assert "channels-1000.wav" in said and not (FOLDER / "book").exists(), said
    (FOLDER / "said.wav").symlink_to("good.wav")
    rig.err("audiobook", "said.wav", "-o", "book", "--cover", "mixed/pipe.wav", cwd=FOLDER, code=5)
    assert not (FOLDER / "book").exists() and not rig.leftovers(), rig.leftovers()


def test_places_that_are_none():
    """Outputs that cannot be: a missing folder, a folder in the way, the input itself, no right to write."""
    corpus()
    (FOLDER / "taken.wav").mkdir(exist_ok=True)
    shutil.copy(FOLDER / "good.wav", FOLDER / "in.wav")
    before = (FOLDER / "in.wav").read_bytes()
    os.link(FOLDER / "in.wav", FOLDER / "same.wav")
    os.symlink("in.wav", FOLDER / "link.wav")
    (FOLDER / "through.yaml").write_text(
        "mixd: 1\nnodes:\n  in: {type: input, layout: auto}\n  out: {type: output, layout: auto}\nlinks: [in -> out]\n"
    )
    wrong = []
    for verb in (("master", "in.wav", "--target", "-30"), ("render", "through.yaml", "-i", "in.wav")):
        for goal, codes in (("none/x.wav", (4, 8)), ("taken.wav", (5, 6, 8)), ("in.wav", (6,)), ("same.wav", (6,)),
                            ("link.wav", (6,)), ("x", (2, 5)), ("x.txt", (2, 5)), ("in.wav/x.wav", (4, 5, 8)), ("", (2, 5)),
                            ("/dev/full", (2, 5, 8)), ("/proc/x.wav", (4, 5, 7, 8)), ("n" * 300 + ".wav", (4, 5, 8)),
                            (".", (2, 5, 6, 8)), ("..", (2, 5, 6, 8)), (".wav", (0, 2, 5))):  # fmt: skip
            done = work(*verb, "-o", goal, code=None, timeout=30)
            if done.returncode not in codes or (done.returncode and not done.stderr.strip()):
                wrong.append(f"{verb} -o {goal}: {done.returncode} {done.stderr}")
    assert not wrong, "\n".join(wrong)
    assert (FOLDER / "in.wav").read_bytes() == before and not rig.leftovers(FOLDER), rig.leftovers(FOLDER)
    for name in ("same.wav", "link.wav"):
        (FOLDER / name).unlink()


tap.run(globals(), rig.done)
