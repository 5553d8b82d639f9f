"""Jobs of the server: a row each in a SQLite file, studies and results in folders beside it.

What is in the file survives a restart: jobs that were under way are queued again.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from spinetk.errors import UsageError

State = Literal["uploading", "queued", "running", "done", "failed", "cancelled"]
OVER: tuple[State, ...] = ("done", "failed", "cancelled")
"""States that only the user changes."""
STRAY_SECONDS = 3600.0


def lock_file(file: IO[str]) -> None:
    """Keep a file for this process as long as it is open.

    Raises:
        OSError: another process has it.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@dataclass(frozen=True)
class Task:
    """What is to be done with a job's study.

    Attributes:
        key: of the series of which one slice is to be segmented; None segments the whole study.
        slice_index: of that slice.
    """

    key: str | None = None
    slice_index: int | None = None


@dataclass(frozen=True)
class Job:
    """A study on its way to results.

    Attributes:
        name: what the person calls it, the uploaded folder's name for one.
        modality: "MR", "CT" or "XR" where the person said so.
        created: seconds since 1970.
        changed: grows with every change.
        doing: what is under way, `done` of `total` of it.
        message: why it failed, or what was not read.
        results: rows of the summary, as `spinetk segment` writes them.
        tasks: still to be done, the first one under way.
        size: of the uploaded files in bytes.
    """

    id: str
    name: str
    state: State = "uploading"
    modality: str | None = None
    created: float = 0.0
    changed: int = 0
    doing: str = ""
    done: int = 0
    total: int = 0
    message: str = ""
    results: tuple[dict[str, Any], ...] = ()
    tasks: tuple[Task, ...] = ()
    files: int = 0
    size: int = 0


@dataclass
class JobStore:
    """The jobs of one folder. Every method may be called from any thread.

    Attributes:
        folder: made where it is not there.
    """

    folder: Path
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        if not self.folder.exists():
            self.folder.mkdir(parents=True, mode=0o700)  # studies are private
        self._own = (self.folder / ".lock").open("w")
        try:
            lock_file(self._own)
        except OSError as error:
            raise UsageError("another server uses this folder", self.folder) from error
        self._base = sqlite3.connect(
            self.folder / "jobs.sqlite", check_same_thread=False, isolation_level=None
        )
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA secure_delete=ON")  # names do not stay in the file
        self._base.execute("CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, job TEXT)")
        for job in self.all():
            if job.state == "running":
                self.change(job.id, state="queued", done=0, doing="")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()
            self._own.close()

    def all(self) -> list[Job]:
        """Every job, the oldest first."""
        with self._lock:
            rows = self._base.execute("SELECT job FROM jobs").fetchall()
        return sorted((_job(row[0]) for row in rows), key=lambda job: job.created)

    def get(self, job: str) -> Job | None:
        """One job, None where there is no such."""
        with self._lock:
            row = self._base.execute("SELECT job FROM jobs WHERE id = ?", (job,)).fetchone()
        return _job(row[0]) if row else None

    def add(self, name: str, modality: str | None = None) -> Job:
        """A new job that waits for its files."""
        job = Job(uuid.uuid4().hex, name[:200], modality=modality, created=time.time())
        self.study(job.id).mkdir(parents=True)
        self.results(job.id).mkdir()
        with self._lock:
            self._base.execute("INSERT INTO jobs VALUES (?, ?)", (job.id, json.dumps(asdict(job))))
        return job

    def change(self, job: str, **changes: Any) -> Job | None:
        """Change fields of a job; None where it is gone."""
        return self.update(job, lambda _: changes)

    def update(self, job: str, decide: Callable[[Job], dict[str, Any]]) -> Job | None:
        """Change fields of a job as they then are: nothing comes between the look and the change.

        Args:
            decide: gives the fields to change, none to leave it as it is; what it raises is raised.
        """
        with self._lock:
            before = self.get(job)
            if before is None:
                return None
            changes = decide(before)
            if not changes:
                return before
            after = Job(**(_plain(before) | changes | {"changed": before.changed + 1}))
            self._base.execute(
                "UPDATE jobs SET job = ? WHERE id = ?", (json.dumps(asdict(after)), job)
            )
            return after

    def enqueue(self, job: str, task: Task) -> Job | None:
        """Put a task behind those of a job."""
        return self.update(
            job,
            lambda now: {
                "state": now.state if now.state == "running" else "queued",
                "message": "",
                "tasks": (*now.tasks, task),
            },
        )

    def next(self) -> Job | None:
        """Take the oldest job that is queued; it is running then."""
        with self._lock:
            for job in self.all():
                if job.state == "queued":
                    return self.change(job.id, state="running", done=0, total=0, doing="starting")
        return None

    def remove(self, job: str) -> None:
        """Forget a job and delete its files."""
        with self._lock:
            self._base.execute("DELETE FROM jobs WHERE id = ?", (job,))
            # under another name nothing is added to it while it is deleted
            trash = self.folder / f".trash-{job}"
            if (self.folder / job).exists():
                (self.folder / job).rename(trash)
        shutil.rmtree(trash, ignore_errors=True)

    def sweep(self, keep_seconds: float) -> int:
        """Delete jobs that are older, and folders that belong to no job; returns their number."""
        old = [job.id for job in self.all() if time.time() - job.created > keep_seconds]
        for job in old:
            self.remove(job)
        with self._lock:
            known = {job.id for job in self.all()}
            strays = [p for p in self.folder.iterdir() if p.is_dir() and p.name not in known]
        for stray in strays:
            if time.time() - stray.stat().st_mtime > min(keep_seconds, STRAY_SECONDS):
                shutil.rmtree(stray, ignore_errors=True)
        return len(old)

    def scratch(self) -> Path:
        """Folder of archives that are being sent; what is left in it is swept."""
        folder = self.folder / f".archive-{uuid.uuid4().hex}"
        folder.mkdir()
        return folder

    def study(self, job: str) -> Path:
        """Folder of the uploaded files."""
        return self.folder / job / "study"

    def results(self, job: str) -> Path:
        """Folder of the results, as `spinetk segment -o` has it."""
        return self.folder / job / "results"

    def display(self, job: str) -> Path:
        """Folder of what only the page needs."""
        return self.folder / job / "display"


def _plain(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in Job.__dataclass_fields__}


def _job(text: str) -> Job:
    content = json.loads(text)
    content["results"] = tuple(content["results"])
    content["tasks"] = tuple(Task(**task) for task in content["tasks"])
    return Job(**content)
