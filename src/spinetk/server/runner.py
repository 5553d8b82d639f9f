"""Work off the jobs one after the other, in a process of its own that can be stopped at any time.

One process that uses every core keeps memory bounded however many studies wait.
"""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from spinetk.batch import segment_all
from spinetk.batch_options import Options, Outcome
from spinetk.debugging import unexpected
from spinetk.errors import SpineError, UsageError
from spinetk.network.loaded import LoadedModel
from spinetk.one_series import segment_found
from spinetk.results.folders import SUMMARY_COLUMNS, write_summary
from spinetk.results.keys import slice_key
from spinetk.server.job import Job, Task
from spinetk.server.jobs import JobStore
from spinetk.server.opened import images_of, series_in
from spinetk.server.uploads import unpack_archives
from spinetk.study import Modality
from spinetk.workers import begin_process, interruption_kept_from_children

LOOK_SECONDS = 0.2
"""How often the queue and the wish to cancel are looked at."""


@dataclass(frozen=True)
class Order:
    """What the working process is told to do.

    Attributes:
        study: the folder of uploaded files; the images of the task's series in an opened folder of
            results, `sha256` of their content.
    """

    task: Task
    study: Path
    results: Path
    modality: Modality | None
    spacing: tuple[float, float] | None
    anchor: tuple[str, int] | None
    most_bytes: int
    sha256: str | None = None


class Runner:
    """The thread that hands jobs to the working process.

    Args:
        most_bytes: that an archive may unpack to.
    """

    def __init__(self, store: JobStore, most_bytes: int) -> None:
        self._store, self._most_bytes = store, most_bytes
        self._ended = threading.Event()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._thread = threading.Thread(target=self._work, name="runner", daemon=True)

    def start(self) -> None:
        """Begin with the queue."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; the job under way is done again after the next start."""
        self._ended.set()
        self._thread.join()
        self._end_process()

    def _work(self) -> None:
        while not self._ended.is_set():
            job = None
            try:
                job = self._store.next()
                if job is not None:
                    self._run(job)
                    continue
            except Exception as error:  # the queue goes on whatever happens to one job
                self._end_process()  # what it still says would be taken for another job's
                if job is not None:
                    self._fail(job.id, unexpected(error))
            self._ended.wait(LOOK_SECONDS)

    def _fail(self, job: str, message: str) -> None:
        """Write down that a job failed, as soon as that can be written (the disk may be full)."""
        while not self._ended.is_set():
            try:
                self._store.update(
                    job,
                    lambda now: (
                        {"state": "failed", "tasks": (), "message": message}
                        if now.state == "running"  # not cancelled in the meantime
                        else {}
                    ),
                )
                return
            except sqlite3.Error:
                self._ended.wait(LOOK_SECONDS)

    def _run(self, job: Job) -> None:
        """Do the first task of a job in the working process, and take its news."""
        task = job.tasks[0]
        pipe = self._ready()
        study, sha256 = self._store.study(job.id), None
        if job.results_at:
            study, sha256 = images_of(job, str(task.key))
        pipe.send(
            Order(
                task,
                study,
                self._store.results(job.id),
                job.modality,  # type: ignore[arg-type]
                job.spacing,
                job.anchor,
                self._most_bytes,
                sha256,
            )
        )
        while True:
            now = self._store.get(job.id)
            if self._ended.is_set() or now is None or now.state == "cancelled":
                self._end_process()
                return
            try:
                if not pipe.poll(LOOK_SECONDS):
                    continue
                kind, *news = pipe.recv()
            except (EOFError, OSError):
                self._end_process()
                self._fail(job.id, "its process ended: killed, or out of memory")
                return
            if kind == "progress":
                doing, done, total = news
                self._store.change(job.id, doing=doing, done=done, total=total)
            elif kind == "row":  # complete, whatever becomes of the others
                self._store.update(job.id, lambda now: {"results": _with_row(now, news[0])})  # noqa: B023
            else:
                self._finish(job.id, *news)
                return

    def _finish(self, job: str, outcome: Outcome | None, error: str) -> None:
        lines = [error] if error else []
        if outcome is not None:
            lines += [f"{key}: {reason}" for key, reason in outcome.failed]
            lines += [f"passed over {item.name}: {item.reason}" for item in outcome.passed_over]

        def end(now: Job) -> dict[str, Any]:
            if now.state != "running":  # cancelled in the meantime
                return {}
            rest = now.tasks[1:]
            state = "queued" if rest else ("done" if now.results else "failed")
            return {
                "state": state, "tasks": rest, "doing": "", "done": 0, "total": 0,
                "message": "\n".join(lines),
            }  # fmt: skip

        self._store.update(job, end)

    def _ready(self) -> Connection:
        """The pipe to a working process that lives."""
        if self._process is None or not self._process.is_alive() or self._pipe is None:
            self._end_process()
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_process, args=(theirs,), daemon=True)
            with interruption_kept_from_children():
                self._process.start()
            theirs.close()
        return self._pipe

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None


def _with_row(job: Job, row: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return (*(item for item in job.results if item["key"] != row["key"]), row)


def _process(pipe: Connection) -> None:
    """The working process: orders in, news out, until the server ends."""
    begin_process()  # when the server is killed, the next one does the job again
    models: dict[str, LoadedModel] = {}
    while True:
        try:
            order: Order = pipe.recv()
        except EOFError:
            return
        news: tuple[Any, ...]
        try:
            news = ("end", _done(order, models, pipe), "")
        except SpineError as error:  # the person did not name our folders
            news = ("end", None, error.about(order.study))
        except Exception as error:
            news = ("end", None, unexpected(error))
        pipe.send(news)


def _done(order: Order, models: dict[str, LoadedModel], pipe: Connection) -> Outcome:
    def on_progress(doing: str, done: int, total: int) -> None:
        pipe.send(("progress", doing, done, total))

    on_progress("reading", 0, 0)
    if order.sha256 is None:  # what lies elsewhere is not changed
        unpack_archives(order.study, order.most_bytes)
    options = Options(
        modality=order.modality, spacing=order.spacing, anchor=order.anchor, overwrite=True
    )

    def on_done(row: dict[str, Any]) -> None:  # the page need not know where our folders lie
        pipe.send(("row", {name: row[name] for name in SUMMARY_COLUMNS}))

    if order.task.key is None:
        return segment_all(
            [order.study], order.results, options, on_progress, on_done, models=models
        )
    found = series_in(order.study, order.task.key, order.sha256)
    if found is None or order.task.slice_index is None:
        raise UsageError(f"there is no series {order.task.key}")
    key = slice_key(found.key, order.task.slice_index)
    if series_in(order.study, key) is not None:
        raise UsageError(f"another series of the study is called {key}: rename its file")
    # another slice may show other bodies: places are counted on the one that is selected
    item = replace(options, slices=order.task.slice_index, anchor=None)
    outcome = segment_found(replace(found, key=key), order.results, item, models, on_progress)
    for row in outcome.done:
        on_done(row)
    write_summary(order.results)
    return outcome
