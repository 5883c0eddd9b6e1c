"""Processes that are supervised as their units would be, and that never outlive this one."""
import ctypes
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

_libc = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


class Failure(Exception):
    """What a person should read instead of a traceback."""


def die_with_parent(sig=signal.SIGKILL):
    _libc.prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0)


def _descendants(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    except OSError:
        pass
    return found


def _sweep():
    """End every descendant; as a subreaper this process is the parent of all orphans."""
    while left := _descendants(os.getpid()):
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            os.wait()
        except ChildProcessError:
            return


_folders = None  # pipe to the parent: folders to remove when the child cannot


def remember(folder):
    """FOLDER goes with the contained program, even when that is killed."""
    if _folders is not None:
        os.write(_folders, f"{folder}\n".encode())


class Terminated(KeyboardInterrupt):
    """SIGTERM. Of this family, because a test runner lets nothing else through."""


def _terminated(signo, frame):
    raise Terminated


def contain():
    """Fork: the child goes on, to end by finish(); the parent waits, ends what is left and exits as the child did."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    global _folders
    parent = os.getpid()
    folders, _folders = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(folders)
        signal.signal(signal.SIGTERM, _terminated)
        die_with_parent(signal.SIGTERM)
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(130)
        return
    for sig in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, lambda s, f: os.kill(child, signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells the child too
    while True:
        pid, status = os.wait()
        if pid == child:
            break
    _sweep()
    os.close(_folders)
    with os.fdopen(folders) as names:
        for name in names:
            shutil.rmtree(name.rstrip("\n"), ignore_errors=True)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def finish(code):
    """The end of a contained program."""
    sys.stdout.flush()
    sys.stderr.flush()
    _sweep()
    os._exit(code)


class Service:
    """One supervised process. READY: "fd" (PIPEWIRE_NOTIFICATION_FD), "notify" (sd_notify), or None."""

    def __init__(self, name, argv, env, folder, ready=None, watchdog_s=0, restart=True):
        self.name, self.argv, self.env, self.folder = name, argv, dict(env), folder
        self.ready, self.watchdog_s, self.restart = ready, watchdog_s, restart
        self.changed = threading.Condition()
        self.process, self.starts, self.is_ready, self.status, self.exit = None, 0, False, "", None
        self.before_start = None  # called before each start, e.g. to wait for another service
        self.log = open(folder / f"{name}.log", "ab", buffering=0)
        self._stop_r, self._stop_w = os.pipe()
        self._thread, self._wanted = None, False

    def start(self, timeout_s=20, wait=True):
        self._wanted, self.restart_now = True, True
        starts = self.starts
        self._thread = threading.Thread(target=self._supervise, daemon=True)
        self._thread.start()
        if wait:
            self.wait_ready(starts + 1, timeout_s)

    def wait_ready(self, starts=0, timeout_s=20):
        with self.changed:
            self.changed.wait_for(lambda: (self.is_ready and self.starts >= starts) or not self._wanted
                                  or (self.starts >= starts and self.exit is not None), timeout_s)
            if not self.is_ready:
                how = f"ended with {self.exit}" if self.exit is not None else f"is not ready after {timeout_s} s"
                raise Failure(f"{self.name} {how}; it said:\n" + self.tail())

    def tail(self, lines=15):
        text = (self.folder / f"{self.name}.log").read_text(errors="replace").splitlines()
        return "\n".join("  | " + line for line in text[-lines:])

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def kill(self, sig=signal.SIGKILL, hold=False):
        """Send SIG. HOLD: stay dead until start() is called."""
        process = self.process
        if hold:
            self._wanted = False
            self._join(process, sig)
        elif process:
            process.send_signal(sig)

    def stop(self):
        self._wanted = False
        if self._thread:
            self._join(self.process, signal.SIGTERM)

    def _join(self, process, sig):
        if process and process.poll() is None:
            process.send_signal(sig)
        os.write(self._stop_w, b"x")
        self._thread.join()
        self._thread = None
        os.read(self._stop_r, 1)

    def _spawn(self):
        env, pass_fds, source = dict(self.env), [], None
        if self.ready == "fd":
            source, fd = os.pipe()
            env["PIPEWIRE_NOTIFICATION_FD"] = str(fd)
            pass_fds = [fd]
        elif self.ready == "notify":
            path = self.folder / f"{self.name}.notify"
            path.unlink(missing_ok=True)
            source_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            source_socket.bind(str(path))
            source = source_socket
            env["NOTIFY_SOCKET"] = str(path)
            if self.watchdog_s:
                env["WATCHDOG_USEC"] = str(int(self.watchdog_s * 1e6))
        self.process = subprocess.Popen(self.argv, env=env, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, pass_fds=pass_fds, start_new_session=True,
                                        preexec_fn=die_with_parent)
        for fd in pass_fds:
            os.close(fd)
        (self.folder / f"{self.name}.pid").write_text(f"{self.process.pid}\n")
        return source

    def _set(self, **values):
        with self.changed:
            for key, value in values.items():
                setattr(self, key, value)
            self.changed.notify_all()

    def _supervise(self):
        while self._wanted:
            if self.before_start and not self.before_start(self):
                break
            source = self._spawn()
            self._set(starts=self.starts + 1, is_ready=self.ready is None, exit=None)
            self._watch(source)
            if hasattr(source, "close"):
                source.close()
            elif source is not None:
                os.close(source)
            if not self.restart:
                break
            if self._wanted:  # RestartSec=100ms, as systemd's default
                select.select([self._stop_r], [], [], 0.1)
        self._set(is_ready=False)

    def _watch(self, source):
        process, stop_sent, fed = self.process, 0.0, time.monotonic()
        pidfd = os.pidfd_open(process.pid)
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        if source is not None:
            poll.register(source, select.POLLIN | select.POLLHUP)
        poll.register(self._stop_r, select.POLLIN)
        stop_fd = self._stop_r
        while True:
            wait_ms = None
            if stop_sent:
                wait_ms = max(0, int((stop_sent + 5 - time.monotonic()) * 1000))
            elif self.watchdog_s and self.is_ready:
                wait_ms = max(0, int((fed + self.watchdog_s - time.monotonic()) * 1000))
            events = dict(poll.poll(wait_ms))
            now = time.monotonic()
            if pidfd in events:
                break
            if stop_fd in events:
                poll.unregister(stop_fd)
                stop_sent = now
            elif stop_sent and now >= stop_sent + 5:
                process.kill()
            elif source is not None and events:
                fed = now if self._notified(source, poll) else fed
            elif self.watchdog_s and not stop_sent and now >= fed + self.watchdog_s:
                self.log.write(b"-- watchdog: nothing heard, aborted by the supervisor\n")
                process.send_signal(signal.SIGABRT)
                fed = now
        os.close(pidfd)
        code = process.wait()
        if not stop_sent:
            self.log.write(f"-- {self.name} ended with {code}\n".encode())
        self._set(exit=code, is_ready=False)

    def _notified(self, source, poll):
        if self.ready == "fd":
            if os.read(source, 1):
                self._set(is_ready=True)
            poll.unregister(source)
            return False
        text = source.recv(4096).decode(errors="replace")
        for line in text.splitlines():
            if line == "READY=1":
                self._set(is_ready=True)
            elif line.startswith("STATUS="):
                self._set(status=line[7:])
        return "WATCHDOG=1" in text or "READY=1" in text
