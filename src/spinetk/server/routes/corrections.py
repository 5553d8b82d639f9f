"""Corrections: changes are tried, saved as versions, and exported as a data set."""

from __future__ import annotations

import shutil

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

from spinetk.readers.bounds import largest_bytes
from spinetk.results.folders import summary_row
from spinetk.server.downloads import corrections, zipped
from spinetk.server.editing import Marked, painted, replaced, with_outline_moved
from spinetk.server.review import Review, all_named, as_mask, described, with_open_level
from spinetk.server.saving import save_version, saved_since
from spinetk.server.schema import Change, Edit, Mark, Saved, ShownMark, Version
from spinetk.server.shared import (
    ERRORS,
    Key,
    KnownJob,
    ResultFolder,
    Served,
    Shared,
    review_in,
)

MOST_IMAGES = 2
"""The masks of a request may take as much memory as so many of the largest images."""
router = APIRouter(tags=["corrections"])


@router.post("/api/jobs/{job}/results/{key}/edit", responses=ERRORS)
def edit(
    shared: Shared, job: KnownJob, key: Key, folder: ResultFolder, wanted: Edit
) -> list[ShownMark]:
    """Make one change on the instances and measure them; nothing is saved."""
    with shared.desk.of(job.id):
        review = review_in(shared, job, folder)
        marked = _marked(review, wanted.marks)
        if wanted.change is not None:
            if wanted.change.place >= len(marked):
                raise HTTPException(422, "there is no instance at this place")
            before = marked[wanted.change.place]
            marked = _changed(shared, review, marked, wanted.change)
            now = marked[wanted.change.place]
            if not before.mask.any() and now.mask.any() and now.level is None:
                marked = with_open_level(marked, wanted.change.place)
        return described(review, [item for item in marked if item.mask.any()])


@router.post("/api/jobs/{job}/results/{key}/versions", status_code=201, responses=ERRORS)
def save(shared: Shared, job: KnownJob, key: Key, folder: ResultFolder, wanted: Version) -> Saved:
    """Save the instances as a new version beside the original; returns its key."""
    with shared.desk.of(job.id):
        review = review_in(shared, job, folder)
        if wanted.known is not None and (told := saved_since(folder.parent, review, wanted.known)):
            raise HTTPException(409, told)
        marked = [item for item in _marked(review, wanted.marks) if item.mask.any()]
        record = save_version(folder.parent, review, marked, wanted.who, wanted.note)
        row = summary_row(record)
        if shared.store.update(job.id, lambda now: {"results": (*now.results, row)}) is None:
            raise HTTPException(404, "the job was deleted in the meantime")
        return Saved(key=record.key)


@router.get("/api/corrections.zip", responses=ERRORS, response_class=FileResponse)
def dataset(shared: Shared, exhaustive: bool = False) -> FileResponse:
    """The latest corrected version of every result as a data set for `spinetk train --init`.

    `exhaustive` says that every visible body and disc of the classes in it is outlined.
    """
    store = shared.store
    work = store.scratch()
    try:
        out = corrections([store.results(job.id) for job in store.all()], work, exhaustive)
        return zipped(out, work, "corrections.zip")
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _marked(review: Review, marks: list[Mark]) -> list[Marked]:
    height, width = review.view.shape
    if len(marks) * height * width > MOST_IMAGES * largest_bytes():  # a byte a pixel, each
        raise HTTPException(422, "so many instances of so large an image take too much memory")
    try:
        return [
            Marked(
                mark.id,
                mark.kind,
                mark.level,
                as_mask(review, mark.rle.model_dump() if mark.rle else None),
                mark.score,
            )
            for mark in marks
        ]
    except (ValueError, IndexError, OverflowError) as error:
        raise HTTPException(422, "a mask's run lengths do not fit the slice") from error


def _changed(shared: Served, review: Review, marked: list[Marked], change: Change) -> list[Marked]:
    """The instances after one change."""
    if change.how == "name_all":
        return all_named(marked, change.place, review.view.spacing)
    mask = marked[change.place].mask
    if change.how == "outline":
        mask = with_outline_moved(mask, change.before, change.after)
    elif change.how == "box":
        if len(change.stroke) != 2:
            raise HTTPException(422, "a box has two corners")
        mask = shared.boxes.outline(review, marked[change.place].kind, change.stroke)
    elif change.stroke:
        brush = painted(change.stroke, change.radius, mask.shape)
        mask = mask | brush if change.how == "paint" else mask & ~brush
    return replaced(marked, change.place, mask)
