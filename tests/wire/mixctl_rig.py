"""What the tests of mixctl share: a folder of their own, a daemon in it, and mixctl run to its end.

Environment: MIXD, MIXCTL (programs), MIXD_NODE_PATH, PYTHONPATH with the binding.
"""

import os
import shutil
import signal
import subprocess
import tempfile

import tap

MIXD, MIXCTL = os.environ["MIXD"], os.environ["MIXCTL"]
FOLDER = tempfile.mkdtemp(prefix="mixctl-")
ENV = {k: v for k, v in os.environ.items() if k not in ("RUNTIME_DIRECTORY", "MIXD_ENDPOINT")}
ENV.update(XDG_RUNTIME_DIR=FOLDER, MIXD_INSTANCE="test", TZ="UTC", LC_ALL="C.UTF-8", USER="anna")
DAEMON = []

SESSION = """mixd: 1
name: test
nodes:
  in: {type: input}
  vox/gain: {type: gain, gain: -6dB}
  limit: {type: limiter, ceiling: -1dBTP}
  out: {type: output}
links:
  - in -> vox/gain -> limit -> out
"""


def mixctl(*args, code=0, stdin=None, env=None, timeout=20):
    done = subprocess.run(
        [MIXCTL, *args],
        input=stdin,
        env={**ENV, **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == code, (
        f"mixctl {' '.join(args)}: exit {done.returncode}, want {code}\n"
        f"{done.stdout}{done.stderr}"
    )
    return done


def out(*args, **more):
    return mixctl(*args, **more).stdout


def err(*args, **more):
    return mixctl(*args, **more).stderr


def start():
    if not DAEMON:
        DAEMON.append(
            tap.start(
                [MIXD, "--no-pipewire", "--state-dir", FOLDER + "/state", "--instance", "test"],
                env=ENV,
            )
        )
        mixctl("wait", "up", "--timeout", "10s")
    mixctl("apply", "-f", "-", stdin=SESSION)


def stop():
    while DAEMON:
        daemon = DAEMON.pop()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0


def done():
    stop()
    shutil.rmtree(FOLDER, ignore_errors=True)
