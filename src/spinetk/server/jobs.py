"""Jobs of the server: a row each in a SQLite file, studies and results in folders beside it.

What is in the file survives a restart: jobs that were under way are queued again. Folders of jobs
that the file does not know (it was lost, or damaged) are taken up again.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from spinetk.atomic import lock_folder, remove_unfinished
from spinetk.errors import UsageError
from spinetk.results.folders import results_in, summary_row
from spinetk.results.keys import looks_corrected
from spinetk.server.job import Job, Task, fields_of, job_from
from spinetk.server.job_folder import (
    PASSING,
    changing,
    claim,
    job_folders,
    open_base,
)

STRAY_SECONDS = 3600.0


@dataclass
class JobStore:
    """The jobs of one folder. Every method may be called from any thread.

    Attributes:
        folder: made where it is not there; what lies in it belongs to the store.
    """

    folder: Path
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        claim(self.folder)
        try:
            self._own = lock_folder(self.folder)
        except OSError as error:
            raise UsageError("another server uses this folder", self.folder) from error
        self._base = open_base(self.folder)
        self._take_up()
        for job in self.all():
            if job.state == "running":
                self.change(job.id, state="queued", done=0, doing="")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()
            self._own.close()

    def _take_up(self) -> None:
        """Write rows for folders of jobs that have none which can be read."""
        for key, text in self._base.execute("SELECT id, job FROM jobs").fetchall():
            try:
                if job_from(text).id != key:
                    raise ValueError("the row of another job")
            except ValueError:
                with changing(self._base):  # a person may still make sense of it
                    self._base.execute("INSERT INTO unread (id, job) VALUES (?, ?)", (key, text))
                    self._base.execute("DELETE FROM jobs WHERE id = ?", (key,))
        known = {job.id for job in self.all()}
        for path in job_folders(self.folder):
            for uploaded in (path / "study").iterdir():
                remove_unfinished(uploaded)  # of uploads that were cut off
            if path.name not in known:
                self._insert(_found_again(path))

    def _insert(self, job: Job) -> None:
        with self._lock:
            self._base.execute(
                "INSERT INTO jobs (id, job) VALUES (?, ?)", (job.id, json.dumps(asdict(job)))
            )

    def all(self) -> list[Job]:
        """Every job, the oldest first."""
        with self._lock:
            rows = self._base.execute("SELECT job FROM jobs").fetchall()
        return sorted((job_from(row[0]) for row in rows), key=lambda job: job.created)

    def get(self, job: str) -> Job | None:
        """One job, None where there is no such."""
        with self._lock:
            row = self._base.execute("SELECT job FROM jobs WHERE id = ?", (job,)).fetchone()
        return job_from(row[0]) if row else None

    def add(
        self,
        name: str,
        modality: str | None = None,
        spacing: tuple[float, float] | None = None,
        anchor: tuple[str, int] | None = None,
    ) -> Job:
        """A new job that waits for its files; what a person says of it, see `Job`."""
        now = time.time()
        job = Job(
            uuid.uuid4().hex, name[:200], modality=modality, spacing=spacing, anchor=anchor,
            created=now, touched=now,
        )  # fmt: skip
        # studies are private, whatever the folder that they are in is
        self.study(job.id).parent.mkdir(mode=0o700)
        self.study(job.id).mkdir()
        self._own_results(job.id).mkdir()
        self._insert(job)
        return job

    def open(self, job: Job | None) -> None:
        """Show a folder of the command line's results (`opened.job_of`) in the place of any other;
        none with None."""
        with self._lock:
            for known in self.all():
                if known.results_at:
                    shutil.rmtree(self._forget(known.id), ignore_errors=True)
            if job is not None:
                (self.folder / job.id).mkdir(mode=0o700)  # for what the page needs of it
                self._insert(job)

    def change(self, job: str, **changes: Any) -> Job | None:
        """Change fields of a job; None where it is gone."""
        return self.update(job, lambda _: changes)

    def update(self, job: str, decide: Callable[[Job], dict[str, Any]]) -> Job | None:
        """Change fields of a job as they then are: nothing comes between the look and the change,
        and what `decide` does is done only where the change can be written.

        Args:
            decide: gives the fields to change, none to leave it as it is; what it raises is raised.
        """
        with self._lock, changing(self._base):
            before = self.get(job)
            if before is None:
                return None
            changes = decide(before)
            if not changes:
                return before
            count = {"changed": before.changed + 1, "touched": time.time()}
            after = Job(**(fields_of(before) | changes | count))
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
            trash = self._forget(job)
        shutil.rmtree(trash, ignore_errors=True)

    def _forget(self, job: str) -> Path:
        """Take a job out of the list; returns where its files wait to be deleted: under another
        name nothing is added to them meanwhile."""
        for table in ("jobs", "unread"):
            self._base.execute(f"DELETE FROM {table} WHERE id = ?", (job,))
        self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # nor do names stay in its journal
        trash = self.folder / f".trash-{job}"
        if (self.folder / job).exists():
            (self.folder / job).rename(trash)
        return trash

    def sweep(self, keep_seconds: float) -> int:
        """Delete jobs that nobody changed for so long, and what was left of a deletion or a
        download; returns their number. What a person corrected stays until a person deletes it."""
        swept = 0
        for job in self.all():
            with self._lock:  # as it is now: deleting the one before took its time
                now = self.get(job.id)
                if now is None or not self._is_over(now, keep_seconds):
                    continue
                trash = self._forget(job.id)
            shutil.rmtree(trash, ignore_errors=True)
            swept += 1
        for path in self.folder.iterdir():
            if path.name.startswith(PASSING):
                with contextlib.suppress(FileNotFoundError):  # just being deleted
                    if time.time() - path.stat().st_mtime > min(keep_seconds, STRAY_SECONDS):
                        shutil.rmtree(path, ignore_errors=True)
        return swept

    def _is_over(self, job: Job, keep_seconds: float) -> bool:
        """Whether nobody changed a job for so long, and nobody corrected it: by the names of its
        results, for one that cannot be read may be somebody's work, too."""
        if job.results_at or time.time() - max(job.created, job.touched) <= keep_seconds:
            return False
        results = self.results(job.id)
        return not (results.is_dir() and any(looks_corrected(p.name) for p in results.iterdir()))

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
        known = self.get(job)
        return Path(known.results_at) if known and known.results_at else self._own_results(job)

    def _own_results(self, job: str) -> Path:
        return self.folder / job / "results"

    def display(self, job: str) -> Path:
        """Folder of what only the page needs."""
        return self.folder / job / "display"


def _found_again(path: Path) -> Job:
    """A job of which only the folder is left."""
    results = path / "results"
    rows = [summary_row(record) for _, record in results_in(results)] if results.is_dir() else []
    files = [file for file in (path / "study").rglob("*") if file.is_file()]
    return Job(
        path.name,
        f"study {path.name[:8]}, found again",
        state="done" if rows else "failed",
        created=path.stat().st_mtime,
        touched=time.time(),
        message="" if rows else "the list of studies was lost: try again",
        results=tuple(rows),
        files=len(files),
        size=sum(file.stat().st_size for file in files),
    )
