"""The fence of the linker: real-time objects may leave undefined only what is on the list.

Arguments: the build folder. Objects are found by the names meson gives them."""

import functools
import pathlib
import subprocess
import sys

from fences import TOP, Tap, is_real_time

MATH = ("sin cos tan asin acos atan atan2 sinh cosh tanh exp exp2 expm1 log log2 log10 log1p pow sqrt "
        "cbrt hypot fabs fmin fmax floor ceil round trunc rint nearbyint lrint llrint lround fmod "
        "ldexp frexp scalbn copysign sincos").split()
ALLOWED = {m + s for m in MATH for s in ("", "f")} | set(
    # Memory and text without allocation; words for a fault; the clock by vDSO.
    "memcpy memmove memset memcmp strcmp strncmp strlen snprintf __snprintf_chk __memcpy_chk "
    "__memset_chk __memmove_chk clock_gettime "
    # What compilers insert: stack protector, clones' resolvers.
    "__stack_chk_fail _GLOBAL_OFFSET_TABLE_ __cpu_model __cpu_indicator_init __cpu_features2 __assert_fail "
    # Wakes the worker thread: one futex call at most, never waits.
    "sem_post "
    # host->wake: FUTEX_WAKE; the fence at run time sees any other number.
    "syscall "
    # The run-time fence itself (weak).
    "rtcheck_enter rtcheck_exit".split())


def symbols(paths):
    """Path -> (undefined, defined) names of these objects."""
    out = subprocess.run(["nm", "-P", "-A", *map(str, paths)], capture_output=True, text=True, check=True).stdout
    found = {str(path): (set(), set()) for path in paths}
    for line in out.splitlines():
        path, words = line.split(": ", 1)
        words = words.split()
        found[path][0 if words[1] in "Uwv" and len(words) < 3 else 1].add(words[0])
    return found


@functools.cache
def sources(folder):
    """The C files below FOLDER by the name meson gives their objects."""
    return {str(source.relative_to(TOP / folder)).replace("/", "_"): source.relative_to(TOP)
            for source in (TOP / folder).rglob("*.c")}


def source_of(path, build):
    """nodes/node-eq.so.p/eq_eq.c.o -> nodes/eq/eq.c; daemon/engine/libx.a.p/a_rt.c.o -> .../a_rt.c"""
    return sources(path.parent.parent.relative_to(build)).get(path.name[:-2])


def main():
    build, tap = pathlib.Path(sys.argv[1]).resolve(), Tap()
    real_time, setup = [], []
    for folder in ("nodes", "daemon/base", "daemon/engine"):
        for path in sorted((build / folder).rglob("*.c.o")):
            source = source_of(path, build)
            if source is None:
                continue
            if is_real_time(source):
                real_time.append((source, path))
            elif source.parts[0] == "nodes":
                setup.append(path)  # *_setup.c: called from activate() only
    names = symbols([path for _, path in real_time] + setup)
    ours = set().union(*(defined for _, defined in names.values()))
    faults = []
    for source, path in real_time:
        extra = names[str(path)][0] - ALLOWED - ours
        if extra:
            faults.append(f"{source}: {' '.join(sorted(extra))}")
    tap.check("real_time_objects_need_only_what_is_allowed", faults)
    tap.check("there_are_objects_to_check",
              [] if len(real_time) > 5 else [f"only {len(real_time)} real-time objects in {build}"])
    print(f"# {len(real_time)} objects")
    return tap.done()


sys.exit(main())
