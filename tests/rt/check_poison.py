"""The fence of the compiler: below <mixd/rt.h> forbidden names do not compile, others do."""

import re
import subprocess
import sys

from fences import TOP, Tap

HEADER = TOP / "nodes/include/mixd/rt.h"
MUST = ("malloc calloc realloc free strdup printf fprintf fopen fwrite pthread_mutex_lock "
        "pthread_create usleep nanosleep poll read write mmap dlopen system exit abort").split()


def compiles(compiler, body):
    text = f"#include <math.h>\n#include <string.h>\n#include <mixd/node.h>\n#include <mixd/rt.h>\n{body}\n"
    run = subprocess.run([*compiler, "-std=gnu11", "-fsyntax-only", "-I", str(TOP / "nodes/include"),
                          "-xc", "-"], input=text, text=True, capture_output=True, check=False)
    return run.returncode == 0


def main():
    compiler, tap = sys.argv[1:], Tap()
    words = set()
    for line in re.sub(r"\\\n", " ", HEADER.read_text()).splitlines():
        if line.startswith("#pragma GCC poison"):
            words |= set(line.split()[3:])
    tap.check("poison_names_what_it_must", [f"{w} is not poisoned" for w in MUST if w not in words])
    tap.check("allowed_code_compiles",
              [] if compiles(compiler, "double f(double x); double f(double x) { return sin(x); }")
              else ["plain code does not compile"])
    tap.check("poisoned_names_do_not_compile",
              [f"{w} compiles" for w in sorted(words) if compiles(compiler, f"void f(void) {{ {w}(); }}")])
    return tap.done()


sys.exit(main())
