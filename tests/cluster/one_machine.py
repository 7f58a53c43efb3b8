"""SLURM on this machine alone: its daemons in the foreground, all they write and all ports their own.

Any user may start it, without systemd. Nothing of it outlives the process that started it.
"""

import getpass
import os
import platform
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
PACKAGES = ("slurm-wlm", "munge")
PATIENCE = 30.0  # seconds for a daemon to answer
_SETTINGS = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
KillWait=10
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """Return why SLURM cannot be had here, None where it can; root installs Debian's packages."""
    lacking = [name for name in PROGRAMS if _found(name) is None]
    if lacking and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            done = subprocess.run(["apt-get", *command], env=environment, capture_output=True, check=False)
            if done.returncode != 0:
                break
        lacking = [name for name in PROGRAMS if _found(name) is None]
    return f"there is no {', '.join(lacking)}: install {' and '.join(PACKAGES)}" if lacking else None


@contextmanager
def folder_of_its_own():
    """A folder with a name that is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def slurm(folder, *, cores=2, memory=16000):
    """Run the daemons inside a `with` block; yields what the environment of a command needs."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    settings = {"host": platform.node().split(".")[0], "user": getpass.getuser(), "ports": _free_ports(2)}
    config = folder / "slurm.conf"
    config.write_text(_SETTINGS.format(folder=folder, cores=cores, memory=memory, **settings))
    environment = {**os.environ, "SLURM_CONF": str(config)}
    with ExitStack() as stack:
        key = folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        files = [f"--{name}-file={folder / ending}" for name, ending in _MUNGE]
        munged = ["munged", "--foreground", "--force", f"--socket={folder / 'munge.socket'}", *files]
        stack.enter_context(_daemon(munged, environment, folder / "munged.out"))
        _wait_for(lambda: (folder / "munge.socket").exists(), "munged", folder)
        for command in (["slurmctld", "-D", "-c"], ["slurmd", "-D", "-c"]):
            stack.enter_context(_daemon(command, environment, folder / f"{command[0]}.out"))
        _wait_for(lambda: _said(["sinfo", "-h", "-o", "%t"], environment) == "idle", "slurmctld", folder)
        stack.callback(end_jobs, environment)
        yield {"SLURM_CONF": str(config)}


_MUNGE = (("key", "munge.key"), ("pid", "munge.pid"), ("log", "munge.log"), ("seed", "munge.seed"))


@contextmanager
def _daemon(command, environment, output):
    # If this process is killed, its daemons end with it.
    tied = [_found("setpriv"), "--pdeathsig", "TERM"] if _found("setpriv") else []
    with output.open("wb") as stream:
        program = [*tied, _found(command[0]), *command[1:]]
        process = subprocess.Popen(program, env=environment, stdout=stream, stderr=stream, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def end_jobs(environment):
    """End what is in the queue, and wait until it is gone."""
    mine = ["scancel", f"--user={getpass.getuser()}"]
    subprocess.run(mine, env=environment, check=False)
    end = time.monotonic() + PATIENCE
    while _said(["squeue", "-h"], environment) and time.monotonic() < end:
        time.sleep(0.1)


def _wait_for(condition, name, folder):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            told = "\n".join(path.read_text()[-2000:] for path in sorted(folder.glob("*.out")))
            raise RuntimeError(f"{name} does not answer:\n{told}")
        time.sleep(0.05)


def _said(command, environment):
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _found(name):
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))


def _free_ports(count):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
