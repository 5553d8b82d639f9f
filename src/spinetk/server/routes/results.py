"""Results: shown, fetched, sent on."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

from spinetk.dicom_net.send import send_files
from spinetk.results.folders import results_in, write_summary
from spinetk.results.looks import look_of
from spinetk.results.record import whole_record
from spinetk.server.display import display_volume
from spinetk.server.downloads import zipped
from spinetk.server.review import described
from spinetk.server.schema import (
    Sent,
    Shown,
    ShownCorrection,
    ShownWarning,
    TraceSlice,
)
from spinetk.server.shared import ERRORS, Key, KnownJob, ResultFolder, Shared, review_in
from spinetk.server.work_messages import ShownLook
from spinetk.study import SliceCount

router = APIRouter(tags=["results"])


@router.get("/api/jobs/{job}/results/{key}", responses=ERRORS)
def result(shared: Shared, job: KnownJob, key: Key, folder: ResultFolder) -> Shown:
    """A result: its instances with outlines and measures, upright, and the search."""
    with shared.desk.of(job.id):
        review = review_in(shared, job, folder)
        record, series = review.record, review.record.series_key
        searched = whole_record(folder.parent / series) or record
        return Shown(
            key=key,
            series=series,
            upload=job.name,
            modality=record.modality,
            selected_slice=record.selected_slice,
            n_slices=record.n_slices,
            shape=review.view.shape,
            spacing=review.view.spacing,
            trace=[_trace_slice(count) for count in searched.slices],
            verdict=record.verdict,
            reasons=list(record.reasons),
            warnings=[
                ShownWarning(code=item.code, severity=item.severity, text=item.text)
                for item in record.warnings
            ],
            correction=ShownCorrection(**asdict(record.correction)) if record.correction else None,
            look=ShownLook(**asdict(said)) if (said := look_of(folder.parent, key)) else None,
            instances=described(review, review.marked),
            versions=[
                version.key
                for _, version in results_in(folder.parent)
                if version.series_key == series
            ],
            files=sorted(path.name for path in folder.iterdir()),
        )


def _trace_slice(count: SliceCount) -> TraceSlice:
    return TraceSlice(
        index=count.index,
        instance_number=count.number,
        bodies=count.bodies,
        discs=count.discs,
        area_px=count.area,
    )


@router.get(
    "/api/jobs/{job}/results/{key}/volume.nii", responses=ERRORS, response_class=FileResponse
)
def volume(shared: Shared, job: KnownJob, key: Key, folder: ResultFolder) -> FileResponse:
    """The series' slices, upright, for the viewer."""
    with shared.desk.of(job.id):
        review = review_in(shared, job, folder)
        place = shared.store.display(job.id) / f"{review.record.series_key}.nii"
        path = display_volume(review.result.series, place)
    return FileResponse(path, media_type="application/octet-stream")


@router.get(
    "/api/jobs/{job}/results/{key}/files/{name}", responses=ERRORS, response_class=FileResponse
)
def file(key: Key, folder: ResultFolder, name: Key) -> FileResponse:
    """One file of a result."""
    if name not in {path.name for path in folder.iterdir()}:
        raise HTTPException(404, "there is no such file")
    return FileResponse(folder / name, filename=f"{key}-{name}")


@router.get("/api/jobs/{job}/results.zip", responses=ERRORS, response_class=FileResponse)
def archive(shared: Shared, job: KnownJob) -> FileResponse:
    """Every result of a job with all its versions."""
    if not job.results:
        raise HTTPException(404, "the job has no results")
    write_summary(shared.store.results(job.id))  # of all that goes into the archive
    return zipped(shared.store.results(job.id), shared.store.scratch(), "results.zip")


@router.post("/api/jobs/{job}/results/{key}/send", responses=ERRORS)
def send(shared: Shared, key: Key, folder: ResultFolder) -> Sent:
    """Send a result's SEG and SR to the destination that the server was started with."""
    if shared.settings.send_to is None:
        raise HTTPException(409, "no destination: start the server with --send-to")
    files = sorted(folder.glob("*.dcm"))
    if not files:
        raise HTTPException(409, "the result has no DICOM files: its source is not DICOM")
    send_files(shared.settings.send_to, files)
    return Sent(sent=len(files))
