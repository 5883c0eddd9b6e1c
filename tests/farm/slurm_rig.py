"""A Slurm of one host: munged, slurmctld and slurmd of our own, in a folder of our own, on ports of our own.

Needs Debian's slurm-wlm and munge, and the right to be root (slurmd starts jobs as their owners).
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import tap

CONFIG = """\
ClusterName=mixdtest
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
KillWait=10
MaxArraySize={tasks}
SchedulerParameters=batch_sched_delay=0,sched_interval=1
SlurmdTimeout=0
NodeName={host} NodeAddr=127.0.0.1 NodeHostname={host} CPUs={cores} State=UNKNOWN
PartitionName=audio Nodes={host} Default=YES MaxTime=60 State=UP OverSubscribe=YES
"""


def port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Farm:
    def __init__(self, tasks=1001):
        for program in ("munged", "slurmctld", "slurmd", "sbatch"):
            if not shutil.which(program):
                raise tap.Skip(f"{program} is not installed")
        if os.geteuid() != 0:
            raise tap.Skip("slurmd wants root")
        self.folder = Path(tempfile.mkdtemp(prefix="mixd-farm-"))
        self.folder.chmod(0o755)
        for name in ("munge", "state", "spool"):
            (self.folder / name).mkdir(mode=0o755)
        key = self.folder / "munge" / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        host = socket.gethostname().split(".")[0]
        self.config = self.folder / "slurm.conf"
        self.config.write_text(
            CONFIG.format(folder=self.folder, host=host, controller=port(), node=port(), cores=os.cpu_count(), tasks=tasks)
        )
        self.env = {"SLURM_CONF": str(self.config)}
        self.host = host
        self.processes = []
        munge = self.folder / "munge"
        self.start(
            "munged", "--foreground", "--force", f"--socket={munge}/socket", f"--key-file={key}",
            f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed",
        )  # fmt: skip
        self.wait(lambda: (munge / "socket").exists(), "munged")
        self.start("slurmctld", "-D", "-c")
        self.node = self.start("slurmd", "-D", "-N", host)
        self.wait(lambda: self.ask("sinfo", "--noheader", "--format=%T").strip() == "idle", "an idle node")

    def start(self, *argv):
        process = tap.start(
            list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={**os.environ, **self.env}
        )
        self.processes.append(process)
        return process

    def ask(self, *argv):
        done = subprocess.run(
            argv, env={**os.environ, **self.env}, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout

    def wait(self, what, name, seconds=60):
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, f"{name}: not in time\n{self.logs()}"
            time.sleep(0.1)

    def logs(self):
        return "\n".join(p.read_text(errors="replace")[-2000:] for p in sorted(self.folder.glob("*.log")))

    def done(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
