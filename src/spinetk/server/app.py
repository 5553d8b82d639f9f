"""The web application: routes over the jobs, the results and their corrections."""

from __future__ import annotations

import asyncio
import errno
import shutil
import sqlite3
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi import Path as InPath
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.background import BackgroundTask

import spinetk
from spinetk.dicom_network import Peer, send_files
from spinetk.errors import SpineError
from spinetk.results import (
    is_result,
    read_record,
    results_in,
    summary_row,
    whole_record,
    write_summary,
)
from spinetk.server.editing import Marked, painted, replaced, with_outline_moved
from spinetk.server.export import corrections
from spinetk.server.guard import Guard
from spinetk.server.jobs import OVER, Job, JobStore, Task
from spinetk.server.messages import (
    Change,
    Edit,
    JobState,
    Mark,
    NewJob,
    Shown,
    SliceWish,
    Version,
)
from spinetk.server.review import (
    Desk,
    Review,
    all_named,
    as_mask,
    described,
    display_volume,
    open_review,
    save_version,
    series_key,
)
from spinetk.server.runner import Runner
from spinetk.server.uploads import TooLarge, place_for, receive, size_of

PAGE = Path(str(resources.files("spinetk.server") / "page"))
MOST_FILES = 20_000
EVENT_SECONDS = 0.25
EVENTS = "text/event-stream"
SWEEP_SECONDS = 60.0

JobId = Annotated[str, InPath(pattern=r"^[0-9a-f]{32}$")]
Key = Annotated[str, InPath(max_length=200)]


@dataclass(frozen=True)
class Settings:
    """How the server is run.

    Attributes:
        folder: of the jobs.
        token: that every request must bear; None serves this machine only.
        keep_hours: no study stays longer.
        most_bytes: of one study.
        send_to: where results are sent on the page's word.
    """

    folder: Path
    token: str | None = None
    keep_hours: float = 24.0
    most_bytes: int = 8 * 2**30
    send_to: Peer | None = None


def create_app(settings: Settings) -> FastAPI:
    """The application; its runner and its sweeper live as long as it is served."""
    store, desk = JobStore(settings.folder), Desk()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        runner = Runner(store, settings.most_bytes)
        runner.start()
        sweeper = asyncio.create_task(_sweep(store, desk, settings.keep_hours))
        try:
            yield
        finally:
            sweeper.cancel()
            await asyncio.to_thread(runner.stop)
            store.close()

    app = FastAPI(
        title="SpineTK", version=spinetk.__version__, lifespan=lifespan,
        description="Segment spine studies, correct the results and send them on. Research only.",
        docs_url=None, redoc_url=None, openapi_url="/api/openapi.json",
    )  # fmt: skip
    app.middleware("http")(Guard(settings.token))
    app.exception_handler(SpineError)(_told)
    app.exception_handler(OSError)(_not_there)
    app.exception_handler(sqlite3.Error)(_not_kept)
    app.exception_handler(RequestValidationError)(_not_valid)
    _add_job_routes(app, store, desk, settings)
    _add_result_routes(app, store, desk, settings)
    app.mount("/", StaticFiles(directory=PAGE, html=True, check_dir=False))
    return app


async def _told(_: Request, error: Exception) -> Response:
    status = 413 if isinstance(error, TooLarge) else 409
    return JSONResponse({"detail": str(error)}, status)


async def _not_there(_: Request, error: Exception) -> Response:
    """Files that go while they are asked for, and a full disk."""
    full = isinstance(error, OSError) and error.errno == errno.ENOSPC
    detail = "the disk is full" if full else "it is not there any more, or is just being changed"
    return JSONResponse({"detail": detail}, 507 if full else 409)


async def _not_kept(_: Request, error: Exception) -> Response:
    """The file of the jobs cannot be written."""
    return JSONResponse({"detail": f"the list of studies cannot be written ({error})"}, 507)


async def _not_valid(_: Request, error: Exception) -> Response:
    """What is wrong with a request, without its values: they need not be JSON."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    first = found[0] if found else {}
    place = ".".join(str(part) for part in first.get("loc", ())[1:])
    detail = f"{place}: {first.get('msg', 'not valid')}".encode("ascii", "replace").decode()
    return JSONResponse({"detail": detail[:300]}, 422)


async def _sweep(store: JobStore, desk: Desk, keep_hours: float) -> None:
    """Delete what is older than it may be."""
    while True:
        try:
            if await asyncio.to_thread(store.sweep, keep_hours * 3600):
                desk.clear()
        except (OSError, sqlite3.Error):  # look again later
            pass
        await asyncio.sleep(min(SWEEP_SECONDS, keep_hours * 3600 / 2))


ERRORS: dict[int | str, dict[str, Any]] = {
    403: {"description": "The request comes from another site."},
    404: {"description": "There is no such job, result or file."},
    409: {"description": "Not possible in the state that things are in."},
}


def _add_job_routes(app: FastAPI, store: JobStore, desk: Desk, settings: Settings) -> None:
    def job_of(job: str) -> Job:
        found = store.get(job)
        if found is None:
            raise HTTPException(404, "there is no such job")
        return found

    def changed(job: Job | None) -> JobState:
        if job is None:
            raise HTTPException(404, "there is no such job")
        return JobState.of(job)

    @app.get("/api/about", tags=["server"])
    def about() -> dict[str, Any]:
        """What this server is and does."""
        return {
            "version": spinetk.__version__,
            "keep_hours": settings.keep_hours,
            "most_bytes": settings.most_bytes,
            "send_to": str(settings.send_to) if settings.send_to else None,
        }

    @app.get("/api/jobs", tags=["jobs"])
    def jobs() -> list[JobState]:
        """Every job, the newest first."""
        return [JobState.of(job) for job in reversed(store.all())]

    @app.post("/api/jobs", status_code=201, tags=["jobs"])
    def new_job(wanted: NewJob) -> JobState:
        """A new job; its files are sent next, then it is started."""
        return JobState.of(store.add(wanted.name, wanted.modality))

    @app.get("/api/jobs/{job}", responses=ERRORS, tags=["jobs"])
    def one_job(job: JobId) -> JobState:
        """The state of a job."""
        return JobState.of(job_of(job))

    @app.delete("/api/jobs/{job}", status_code=204, responses=ERRORS, tags=["jobs"])
    def remove(job: JobId) -> None:
        """Delete a job, its study and its results."""
        job_of(job)
        store.remove(job)
        desk.clear()

    @app.put(
        "/api/jobs/{job}/files/{name:path}", status_code=201, tags=["jobs"],
        responses=ERRORS | {413: {"description": "Over the limit."}},
        openapi_extra={"requestBody": {"content": {"application/octet-stream": {
            "schema": {"type": "string", "format": "binary"}}}}},
    )  # fmt: skip
    async def take_file(job: JobId, name: str, request: Request) -> JobState:
        """Take one file of a study: a DICOM, NIfTI or image file, or a zip archive of them.

        The name may hold folders; files of one folder stay together.
        """
        found = job_of(job)
        if found.state != "uploading":
            raise HTTPException(409, "the job has been started")
        if found.files >= MOST_FILES:
            raise HTTPException(413, f"a study has at most {MOST_FILES} files")
        target = place_for(store.study(job), name)
        room = settings.most_bytes - found.size + (size_of(target) or 0)
        partial, written = await receive(request.stream(), target, room)

        def taken(now: Job) -> dict[str, Any]:  # others may have come in the meantime
            if now.state != "uploading":
                raise HTTPException(409, "the job has been started")
            older = size_of(target)  # sent twice
            size = now.size + written - (older or 0)
            if size > settings.most_bytes:
                raise TooLarge("the study is over the limit of this server")
            partial.replace(target)
            return {"files": now.files + (older is None), "size": size}

        try:
            return changed(store.update(job, taken))
        finally:
            partial.unlink(missing_ok=True)

    @app.post("/api/jobs/{job}/start", responses=ERRORS, tags=["jobs"])
    def start(job: JobId) -> JobState:
        """Queue a job whose files are there, or one that failed or was cancelled again."""

        def begun(now: Job) -> dict[str, Any]:
            if now.state not in ("uploading", "failed", "cancelled"):
                raise HTTPException(409, f"the job is {now.state}")
            if not now.files:
                raise HTTPException(409, "the job has no files")
            return {"state": "queued", "message": "", "tasks": (Task(),)}

        return changed(store.update(job, begun))

    @app.post("/api/jobs/{job}/cancel", responses=ERRORS, tags=["jobs"])
    def cancel(job: JobId) -> JobState:
        """Stop a job; what is complete is kept."""

        def stopped(now: Job) -> dict[str, Any]:
            if now.state in OVER:
                raise HTTPException(409, "the job is over")
            return {"state": "cancelled", "tasks": (), "doing": ""}

        return changed(store.update(job, stopped))

    @app.get(
        "/api/jobs/{job}/events", tags=["jobs"], response_class=StreamingResponse,
        responses=ERRORS | {200: {"content": {EVENTS: {}}}},
    )  # fmt: skip
    async def events(job: JobId, request: Request) -> StreamingResponse:
        """The job's state at every change, as server-sent events, until it is over."""
        job_of(job)

        def look() -> list[Job]:
            now = store.get(job)
            return [now] if now else []

        return StreamingResponse(_news(request, look, until_over=True), media_type=EVENTS)

    @app.get(
        "/api/events", tags=["jobs"], response_class=StreamingResponse,
        responses={200: {"content": {EVENTS: {}}}},
    )  # fmt: skip
    async def all_events(request: Request) -> StreamingResponse:
        """Every job's state when it changes, as server-sent events, for as long as one listens."""
        return StreamingResponse(_news(request, store.all), media_type=EVENTS)

    @app.post("/api/jobs/{job}/results/{key}/slice", responses=ERRORS, tags=["results"])
    def segment_slice(job: JobId, key: Key, wish: SliceWish) -> JobState:
        """Segment another slice of a result's series; it becomes a result of its own."""
        found = job_of(job)
        folder = _result_folder(store, job, key)
        count = read_record(folder)["n_slices"]
        if wish.slice_index >= count:
            raise HTTPException(409, f"there is no such slice: the series has 0 to {count - 1}")
        if found.state == "cancelled":
            raise HTTPException(409, "the job was cancelled: start it again first")
        return changed(store.enqueue(job, Task(series_key(folder), wish.slice_index)))


async def _news(
    request: Request, look: Callable[[], Sequence[Job]], until_over: bool = False
) -> AsyncIterator[str]:
    """The state of each job when it changes, as server-sent events, for as long as one listens; or
    until all are over."""
    last: dict[str, int] = {}
    while not await request.is_disconnected():
        jobs = await asyncio.to_thread(look)
        for now in jobs:
            if last.get(now.id) != now.changed:
                last[now.id] = now.changed
                yield f"data: {JobState.of(now).model_dump_json()}\n\n"
        if until_over and all(now.state in OVER for now in jobs):
            return
        await asyncio.sleep(EVENT_SECONDS)


def _result_folder(store: JobStore, job: str, key: str) -> Path:
    """The folder of a result; what is in the way of finding it is a 404."""
    folder = store.results(job) / key
    if "/" in key or key.startswith(".") or not key or not is_result(folder):
        raise HTTPException(404, "there is no such result")
    return folder


def _add_result_routes(app: FastAPI, store: JobStore, desk: Desk, settings: Settings) -> None:
    def review_of(job: str, key: str) -> Review:
        if store.get(job) is None:
            raise HTTPException(404, "there is no such job")
        folder = _result_folder(store, job, key)
        return open_review(folder, desk.series(store.study(job), series_key(folder)))

    def marked_of(review: Review, marks: list[Mark]) -> list[Marked]:
        try:
            return [
                Marked(
                    m.id,
                    m.kind,
                    m.level,
                    as_mask(review, m.rle.model_dump() if m.rle else None),
                    m.score,
                )
                for m in marks
            ]
        except (ValueError, IndexError, OverflowError) as error:
            raise HTTPException(422, "a mask's run lengths do not fit the slice") from error

    @app.get("/api/jobs/{job}/results/{key}", responses=ERRORS, tags=["results"])
    def result(job: JobId, key: Key) -> Shown:
        """A result: its instances with outlines and measures, upright, and the search."""
        with desk.of(job):
            review = review_of(job, key)
            results, record, turn = store.results(job), review.record, review.turn
            base = series_key(results / key)
            searched = whole_record(results / base) or record
            versions = [one.name for one in results_in(results) if series_key(one) == base]
            found = store.get(job)
            return Shown(
                key=key,
                series=base,
                upload=found.name if found else "",
                modality=record["modality"],
                selected_slice=record["selected_slice"],
                n_slices=record["n_slices"],
                shape=turn.apply(review.slice.pixels).shape,
                spacing=turn.spacing(review.slice.spacing),
                trace=searched["slices"],
                warnings=record["warnings"],
                correction=record.get("correction"),
                instances=described(review, review.marked),
                versions=versions,
                files=sorted(path.name for path in (results / key).iterdir()),
            )

    @app.get(
        "/api/jobs/{job}/results/{key}/volume.nii", responses=ERRORS, tags=["results"],
        response_class=FileResponse,
    )  # fmt: skip
    def volume(job: JobId, key: Key) -> FileResponse:
        """The series' slices, upright, for the viewer."""
        with desk.of(job):
            review = review_of(job, key)
            base = series_key(store.results(job) / key)
            path = display_volume(review.series, store.display(job) / f"{base}.nii")
        return FileResponse(path, media_type="application/octet-stream")

    @app.post("/api/jobs/{job}/results/{key}/edit", responses=ERRORS, tags=["corrections"])
    def edit(job: JobId, key: Key, wanted: Edit) -> list[dict[str, Any]]:
        """Make one change on the instances and measure them; nothing is saved."""
        with desk.of(job):
            review = review_of(job, key)
            marked = marked_of(review, wanted.marks)
            if wanted.change is not None:
                if wanted.change.place >= len(marked):
                    raise HTTPException(422, "there is no instance at this place")
                marked = _changed(marked, wanted.change)
            return described(review, [one for one in marked if one.mask.any()])

    @app.post(
        "/api/jobs/{job}/results/{key}/versions", status_code=201, responses=ERRORS,
        tags=["corrections"],
    )  # fmt: skip
    def save(job: JobId, key: Key, wanted: Version) -> dict[str, str]:
        """Save the instances as a new version beside the original; returns its key."""
        with desk.of(job):
            review = review_of(job, key)
            marked = [one for one in marked_of(review, wanted.marks) if one.mask.any()]
            made = save_version(store.results(job), review, marked, wanted.who, wanted.note)
            folder = store.results(job) / made
            row = summary_row(folder, read_record(folder))
            store.update(job, lambda now: {"results": (*now.results, row)})
            return {"key": made}

    @app.get(
        "/api/jobs/{job}/results/{key}/files/{name}", responses=ERRORS, tags=["results"],
        response_class=FileResponse,
    )  # fmt: skip
    def file(job: JobId, key: Key, name: Key) -> FileResponse:
        """One file of a result."""
        folder = _result_folder(store, job, key)
        if name not in {path.name for path in folder.iterdir()}:
            raise HTTPException(404, "there is no such file")
        return FileResponse(folder / name, filename=f"{key}-{name}")

    @app.get(
        "/api/jobs/{job}/results.zip", responses=ERRORS, tags=["results"],
        response_class=FileResponse,
    )  # fmt: skip
    def archive(job: JobId) -> FileResponse:
        """Every result of a job with all its versions."""
        found = store.get(job)
        if found is None or not found.results:
            raise HTTPException(404, "there is no such job, or it has no results")
        write_summary(store.results(job))  # of all that goes into the archive
        return _zipped(store.results(job), store.scratch(), "results.zip")

    @app.get(
        "/api/corrections.zip", responses=ERRORS, tags=["corrections"],
        response_class=FileResponse,
    )  # fmt: skip
    def dataset(exhaustive: bool = False) -> FileResponse:
        """The latest corrected version of every result as a data set for `spinetk train --init`.

        `exhaustive` says that every visible body and disc of the classes in it is outlined.
        """
        work = store.scratch()
        try:
            out = corrections([store.results(job.id) for job in store.all()], work, exhaustive)
            return _zipped(out, work, "corrections.zip")
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise

    @app.post("/api/jobs/{job}/results/{key}/send", responses=ERRORS, tags=["results"])
    def send(job: JobId, key: Key) -> dict[str, int]:
        """Send a result's SEG and SR to the destination that the server was started with."""
        if settings.send_to is None:
            raise HTTPException(409, "no destination: start the server with --send-to")
        folder = _result_folder(store, job, key)
        files = sorted(folder.glob("*.dcm"))
        if not files:
            raise HTTPException(409, "the result has no DICOM files: its source is not DICOM")
        send_files(settings.send_to, files)
        return {"sent": len(files)}


def _changed(marked: list[Marked], change: Change) -> list[Marked]:
    """The instances after one change."""
    if change.how == "name_all":
        return all_named(marked, change.place)
    mask = marked[change.place].mask
    if change.how == "outline":
        mask = with_outline_moved(mask, change.before, change.after)
    elif change.stroke:
        brush = painted(change.stroke, change.radius, mask.shape)
        mask = mask | brush if change.how == "paint" else mask & ~brush
    return replaced(marked, change.place, mask)


def _zipped(folder: Path, work: Path, name: str) -> FileResponse:
    """A folder as an archive in `work`, which is deleted once it is sent (or swept later)."""
    with zipfile.ZipFile(work / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and not any(part.startswith(".") for part in inside.parts):
                archive.write(path, inside)
    done = BackgroundTask(shutil.rmtree, work, ignore_errors=True)
    return FileResponse(work / name, filename=name, background=done)
