"""Jobs: studies come in, are segmented, and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import StreamingResponse

import spinetk
from spinetk.results.keys import slice_key
from spinetk.results.record import read_record
from spinetk.server.job import OVER, Job, Task
from spinetk.server.schema import About, JobState, NewJob, Saved, SliceWish
from spinetk.server.shared import ERRORS, JobId, Key, KnownJob, ResultFolder, Shared
from spinetk.server.uploads import MOST_FILES, TooLarge, place_for, receive, size_of
from spinetk.structures import BODY_LEVELS, DISC_LEVELS
from spinetk.study import UNSURE_SCORE

EVENT_SECONDS = 0.25
EVENTS = "text/event-stream"
AT_ONCE = {"X-Accel-Buffering": "no"}
"""A proxy (nginx) hands on what comes as it comes."""

router = APIRouter()


@router.get("/api/about", tags=["server"])
def about(shared: Shared) -> About:
    """What this server is and does."""
    settings = shared.settings
    return About(
        version=spinetk.__version__,
        keep_hours=settings.keep_hours,
        most_bytes=settings.most_bytes,
        send_to=str(settings.send_to) if settings.send_to else None,
        body_levels=list(BODY_LEVELS),
        disc_levels=list(DISC_LEVELS),
        unsure_score=UNSURE_SCORE,
    )


@router.get("/api/jobs", tags=["jobs"])
def jobs(shared: Shared) -> list[JobState]:
    """Every job, the newest first."""
    return [JobState.of(job) for job in reversed(shared.store.all())]


@router.post("/api/jobs", status_code=201, tags=["jobs"])
def new_job(shared: Shared, wanted: NewJob) -> JobState:
    """A new job; its files are sent next, then it is started."""
    anchor = (wanted.anchor.level, wanted.anchor.place) if wanted.anchor else None
    return JobState.of(shared.store.add(wanted.name, wanted.modality, wanted.spacing, anchor))


@router.get("/api/jobs/{job}", responses=ERRORS, tags=["jobs"])
def one_job(job: KnownJob) -> JobState:
    """The state of a job."""
    return JobState.of(job)


@router.delete("/api/jobs/{job}", status_code=204, responses=ERRORS, tags=["jobs"])
def remove(shared: Shared, job: KnownJob) -> None:
    """Delete a job, its study and its results."""
    shared.store.remove(job.id)
    shared.desk.clear()


@router.put(
    "/api/jobs/{job}/files/{name:path}", status_code=201, tags=["jobs"],
    responses=ERRORS | {413: {"description": "Over the limit."}},
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {
        "schema": {"type": "string", "format": "binary"}}}}},
)  # fmt: skip
async def take_file(shared: Shared, job: KnownJob, name: str, request: Request) -> JobState:
    """Take one file of a study: a DICOM, NIfTI or image file, or a zip archive of them.

    The name may hold folders; files of one folder stay together.
    """
    if job.state != "uploading":
        raise HTTPException(409, "the job has been started")
    if job.files >= MOST_FILES:
        raise HTTPException(413, f"a study has at most {MOST_FILES} files")
    most_bytes = shared.settings.most_bytes
    target = place_for(shared.store.study(job.id), name)
    room = most_bytes - job.size + (size_of(target) or 0)
    unfinished, written = await receive(request.stream(), target, room)

    def taken(now: Job) -> dict[str, Any]:  # others may have come in the meantime
        if now.state != "uploading":
            raise HTTPException(409, "the job has been started")
        older = size_of(target)  # sent twice
        size = now.size + written - (older or 0)
        if size > most_bytes:
            raise TooLarge("the study is over the limit of this server")
        unfinished.replace(target)
        return {"files": now.files + (older is None), "size": size}

    try:
        # the file of the jobs may be locked for seconds
        return _changed(await asyncio.to_thread(shared.store.update, job.id, taken))
    finally:
        unfinished.unlink(missing_ok=True)


@router.post("/api/jobs/{job}/start", responses=ERRORS, tags=["jobs"])
def start(shared: Shared, job: JobId) -> JobState:
    """Queue a job whose files are there, or one that failed or was cancelled again."""

    def begun(now: Job) -> dict[str, Any]:
        if now.state not in ("uploading", "failed", "cancelled"):
            raise HTTPException(409, f"the job is {now.state}")
        if not now.files:
            raise HTTPException(409, "the job has no files")
        return {"state": "queued", "message": "", "tasks": (Task(),)}

    return _changed(shared.store.update(job, begun))


@router.post("/api/jobs/{job}/cancel", responses=ERRORS, tags=["jobs"])
def cancel(shared: Shared, job: JobId) -> JobState:
    """Stop a job; what is complete is kept."""

    def stopped(now: Job) -> dict[str, Any]:
        if now.state in OVER:
            raise HTTPException(409, "the job is over")
        return {"state": "cancelled", "tasks": (), "doing": ""}

    return _changed(shared.store.update(job, stopped))


@router.post("/api/jobs/{job}/results/{key}/slice", responses=ERRORS, tags=["results"])
def segment_slice(
    shared: Shared, job: KnownJob, key: Key, folder: ResultFolder, wish: SliceWish
) -> Saved:
    """Segment another slice of a result's series; returns the key of the result that it becomes."""
    record = read_record(folder)
    if wish.slice_index >= record.n_slices:
        last = record.n_slices - 1
        raise HTTPException(409, f"there is no such slice: the series has 0 to {last}")
    if job.state == "cancelled":
        raise HTTPException(409, "the job was cancelled: start it again first")
    _changed(shared.store.enqueue(job.id, Task(record.series_key, wish.slice_index)))
    return Saved(key=slice_key(record.series_key, wish.slice_index))


@router.get(
    "/api/jobs/{job}/events", tags=["jobs"], response_class=StreamingResponse,
    responses=ERRORS | {200: {"content": {EVENTS: {}}}},
)  # fmt: skip
async def events(shared: Shared, job: KnownJob, request: Request) -> StreamingResponse:
    """The job's state at every change, as server-sent events, until it is over."""

    def look() -> list[Job]:
        now = shared.store.get(job.id)
        return [now] if now else []

    return StreamingResponse(_news(request, look, until_over=True), 200, AT_ONCE, EVENTS)


@router.get(
    "/api/events", tags=["jobs"], response_class=StreamingResponse,
    responses={200: {"content": {EVENTS: {}}}},
)  # fmt: skip
async def all_events(shared: Shared, request: Request) -> StreamingResponse:
    """Every job's state when it changes, as server-sent events, for as long as one listens."""
    return StreamingResponse(_news(request, shared.store.all), 200, AT_ONCE, EVENTS)


async def _news(
    request: Request, look: Callable[[], Sequence[Job]], until_over: bool = False
) -> AsyncIterator[str]:
    """The state of each job when it changes, as server-sent events, for as long as one listens; or
    until all are over."""
    last: dict[str, int] = {}
    while not (await request.is_disconnected() or getattr(request.app.state, "ending", False)):
        jobs = await asyncio.to_thread(look)
        for now in jobs:
            if last.get(now.id) != now.changed:
                last[now.id] = now.changed
                yield f"data: {JobState.of(now).model_dump_json()}\n\n"
        if until_over and all(now.state in OVER for now in jobs):
            return
        await asyncio.sleep(EVENT_SECONDS)


def _changed(job: Job | None) -> JobState:
    if job is None:
        raise HTTPException(404, "there is no such job")
    return JobState.of(job)
