"""What is known of a study that was sent to the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

State = Literal["uploading", "queued", "running", "done", "failed", "cancelled"]
OVER: tuple[State, ...] = ("done", "failed", "cancelled")
"""States that only the user changes."""


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
        spacing: (row, column) in mm, likewise.
        anchor: a level and the place, from below, of the body that has it, likewise.
        created, touched: when it came and was last changed, in seconds since 1970.
        changed: grows with every change.
        doing: what is under way, `done` of `total` of it.
        message: why it failed, or what was not read.
        results: rows of the summary, as `spinetk segment` writes them.
        tasks: still to be done, the first one under way.
        size: of the uploaded files in bytes.
        results_at, images_at: of a folder of results that the command line made, where it lies, and
            what was segmented; empty of an uploaded study.
    """

    id: str
    name: str
    state: State = "uploading"
    modality: str | None = None
    spacing: tuple[float, float] | None = None
    anchor: tuple[str, int] | None = None
    created: float = 0.0
    touched: float = 0.0
    changed: int = 0
    doing: str = ""
    done: int = 0
    total: int = 0
    message: str = ""
    results: tuple[dict[str, Any], ...] = ()
    tasks: tuple[Task, ...] = ()
    files: int = 0
    size: int = 0
    results_at: str = ""
    images_at: str = ""

    @property
    def opened(self) -> bool:
        """Whether it stands for a folder of the command line's results."""
        return bool(self.results_at)


def fields_of(job: Job) -> dict[str, Any]:
    """The fields of a job as they are, for a changed copy."""
    return {name: getattr(job, name) for name in Job.__dataclass_fields__}


_JOB = TypeAdapter(Job)


def job_from(text: str) -> Job:
    """The job of a row. Fields that are not known, of a later version, are left out.

    Raises:
        ValueError: the row is of no job.
    """
    return _JOB.validate_json(text)
