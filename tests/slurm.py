"""A Slurm cluster of one node on this machine: Debian's munge, slurmctld and slurmd on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=6000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str | None:
    """Why no cluster can be started here."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"needs {', '.join(missing)}: apt-get install slurm-wlm munge"
    return None if os.getuid() == 0 else "Slurm's daemons are started as root"


needs_slurm = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """Start the daemons; gives the environment that Slurm's commands need."""
    folder.chmod(0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    host = socket.gethostname().split(".")[0]
    config = folder / "slurm.conf"
    ports = (_free_port(), _free_port())
    config.write_text(CONFIG.format(host=host, folder=folder, ports=ports))
    environment = os.environ | {"SLURM_CONF": str(config)}
    files = {"key-file": key} | {
        name: folder / file
        for name, file in (
            ("socket", "munge.socket"),
            ("pid-file", "munged.pid"),
            ("log-file", "munged.log"),
            ("seed-file", "seed"),
        )
    }
    munge = [f"--{name}={path}" for name, path in files.items()]
    running = []
    try:
        running.append(
            subprocess.Popen(
                ["munged", *munge, "--force", "--foreground"], stderr=subprocess.DEVNULL
            )
        )
        _until((folder / "munge.socket").exists, "munged")
        for daemon in ("slurmctld", "slurmd"):
            command = [daemon, "-D", "-f", str(config)]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            running.append(subprocess.Popen(command, env=environment, **quiet))  # type: ignore[call-overload]
        _until(lambda: "idle" in _said(environment, "sinfo", "-h", "-o", "%t"), "slurmd")
        yield environment
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _said(environment: dict[str, str], *command: str) -> str:
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    ).stdout


def _until(happened: object, what: str, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not happened():  # type: ignore[operator]
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not start")
        time.sleep(0.2)


def submit(environment: dict[str, str], *arguments: object) -> str:
    """Submit a script; returns the job's number."""
    done = subprocess.run(
        ["sbatch", "--parsable", *map(str, arguments)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip().split(";")[0]


def wait_for(environment: dict[str, str], job: str, seconds: float = 240.0) -> None:
    """Wait until no task of a job is left in the queue."""
    _until(lambda: not _said(environment, "squeue", "-h", "-j", job).strip(), f"job {job}", seconds)
