"""What the routes share: the store, the open series, and what an address names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi import Path as InPath

from spinetk.results.record import is_result, read_record
from spinetk.server.box_outlines import BoxOutlines
from spinetk.server.desk import Desk
from spinetk.server.job import Job
from spinetk.server.jobs import JobStore
from spinetk.server.opened import images_of
from spinetk.server.review import Review, open_review
from spinetk.server.settings import Settings


@dataclass(frozen=True)
class Served:
    """What the routes share."""

    settings: Settings
    store: JobStore
    desk: Desk
    boxes: BoxOutlines


def _served(request: Request) -> Served:
    state: Served = request.app.state.spinetk
    return state


Shared = Annotated[Served, Depends(_served)]
JobId = Annotated[str, InPath(pattern=r"^[0-9a-f]{32}$")]
Key = Annotated[str, InPath(max_length=200)]

ERRORS: dict[int | str, dict[str, Any]] = {
    403: {"description": "The request comes from another site."},
    404: {"description": "There is no such job, result or file."},
    409: {"description": "Not possible in the state that things are in."},
}


def _known_job(shared: Shared, job: JobId) -> Job:
    found = shared.store.get(job)
    if found is None:
        raise HTTPException(404, "there is no such job")
    return found


KnownJob = Annotated[Job, Depends(_known_job)]


def _result_folder(shared: Shared, job: KnownJob, key: Key) -> Path:
    """The folder of a result; what is in the way of finding it is a 404."""
    folder = shared.store.results(job.id) / key
    if "/" in key or key.startswith(".") or not key or not is_result(folder):
        raise HTTPException(404, "there is no such result")
    return folder


ResultFolder = Annotated[Path, Depends(_result_folder)]


def review_in(shared: Served, job: Job, folder: Path) -> Review:
    """A result with its series; the caller holds the job's lock."""
    record = read_record(folder)
    if job.results_at:
        place, sha256 = images_of(job, record.series_key)
        series = shared.desk.series(place, record.series_key, sha256)
    else:
        series = shared.desk.series(shared.store.study(job.id), record.series_key)
    return open_review(folder, record, series)
