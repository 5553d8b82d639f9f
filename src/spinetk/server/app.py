"""The web application: its routes, its background work, and what it says of errors."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

import spinetk
from spinetk.errors import SpineError
from spinetk.server.access import Guard
from spinetk.server.box_outlines import BoxOutlines
from spinetk.server.desk import Desk
from spinetk.server.jobs import JobStore
from spinetk.server.opened import job_of
from spinetk.server.request_log import log_request
from spinetk.server.routes import corrections, jobs, looking, results, watched
from spinetk.server.runner import Runner
from spinetk.server.settings import Settings
from spinetk.server.shared import Served
from spinetk.server.uploads import TooLarge
from spinetk.temporary import sweep_temporary

PAGE = Path(str(resources.files("spinetk.server") / "page"))
SWEEP_SECONDS = 60.0


def create_app(settings: Settings) -> FastAPI:
    """The application; its runner and its sweeper live as long as it is served."""
    sweep_temporary()
    opened = job_of(settings.opened, settings.images) if settings.opened else None
    store, desk = JobStore(settings.folder), Desk()
    store.open(opened)

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
    app.state.spinetk = Served(settings, store, desk, BoxOutlines())
    app.middleware("http")(Guard(settings.token))
    if settings.log_requests:
        app.middleware("http")(log_request)
    app.exception_handler(SpineError)(_refused)
    app.exception_handler(OSError)(_not_there)
    app.exception_handler(sqlite3.Error)(_not_kept)
    app.exception_handler(RequestValidationError)(_not_valid)
    for routes in (jobs, results, corrections, looking, watched):
        app.include_router(routes.router)
    app.mount("/", StaticFiles(directory=PAGE, html=True, check_dir=False))
    return app


async def _refused(_: Request, error: Exception) -> Response:
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
    said = first.get("msg", "not valid")
    if first.get("type") == "string_pattern_mismatch":  # the pattern says nothing to people
        said = "there is no such study" if place == "job" else "is not of the form that is wanted"
    detail = f"{place}: {said}".encode("ascii", "replace").decode()
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
