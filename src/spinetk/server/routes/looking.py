"""The worklist: every result, the worst first, and what people say of them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import FileResponse

from spinetk.results.looks import Look, write_look
from spinetk.server.job import Job
from spinetk.server.shared import ERRORS, Key, KnownJob, ResultFolder, Shared
from spinetk.server.work_messages import NewLook, ShownLook, WorkRow
from spinetk.server.worklist import WORST_FIRST, WorkItem, thumbnail, work_in

router = APIRouter(tags=["worklist"])


@router.get("/api/worklist")
def worklist(shared: Shared) -> list[WorkRow]:
    """Every result of every study, in its latest version, the worst first."""
    rows = [
        _row(job, item)
        for job in shared.store.all()
        for item in work_in(shared.store.results(job.id))
    ]
    return sorted(rows, key=lambda row: (WORST_FIRST.index(row.verdict), -len(row.reasons)))


def _row(job: Job, item: WorkItem) -> WorkRow:
    record = item.record
    return WorkRow(
        job=job.id,
        study=job.name,
        key=item.key,
        original=item.original,
        verdict=record.verdict,
        reasons=list(record.reasons),
        modality=record.modality,
        levels=item.levels,
        bodies=record.bodies,
        discs=record.discs,
        corrected_by=record.correction.who if record.correction else None,
        look=ShownLook(**asdict(item.look)) if item.look else None,
    )


@router.put("/api/jobs/{job}/results/{key}/look", responses=ERRORS)
def look(
    shared: Shared, job: KnownJob, key: Key, folder: ResultFolder, wanted: NewLook
) -> ShownLook:
    """Accept or reject a result, or say something of it; what was said before of it goes."""
    said = Look(
        key,
        wanted.decision,
        wanted.who,
        datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
        wanted.comment,
    )
    with shared.desk.of(job.id):
        said = write_look(folder.parent, said)
    return ShownLook(**asdict(said))


@router.get(
    "/api/jobs/{job}/results/{key}/thumbnail.png", responses=ERRORS, response_class=FileResponse
)
def picture(shared: Shared, job: KnownJob, key: Key, folder: ResultFolder) -> FileResponse:
    """A small picture of the result's overlay."""
    place = shared.store.display(job.id) / f"{key}.png"
    return FileResponse(thumbnail(folder, place), media_type="image/png")
