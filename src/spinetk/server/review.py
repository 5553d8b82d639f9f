"""A result as the page shows and changes it: everything upright, head up and anterior left."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from spinetk.anatomy import BODY_KIND, cut_by_border, order_and_name
from spinetk.boxes import mask_box, mask_centre
from spinetk.errors import SpineError, UsageError
from spinetk.network.registry import find_model
from spinetk.orientation import Turn, upright_turn
from spinetk.pipeline import doubts
from spinetk.readers import find
from spinetk.results import read_record, write_summary
from spinetk.rle import decode_rle, encode_rle
from spinetk.server.editing import Marked, changes, outlines
from spinetk.study import Correction, Instance, Segmentation, Series, Slice, SliceCount
from spinetk.writers import write_result
from spinetk.writers.table import measurements


@dataclass(frozen=True)
class Review:
    """A result and the series that it belongs to.

    Attributes:
        key: of the result: the series' own, or with the ending of a slice or a version.
    """

    key: str
    series: Series
    record: dict[str, Any]
    marked: tuple[Marked, ...]

    @property
    def slice(self) -> Slice:
        """The segmented slice."""
        return self.series.slices[int(self.record["selected_slice"])]

    @property
    def turn(self) -> Turn:
        """From the stored slice to the page."""
        return upright_turn(self.slice.directions)


def original_key(folder: Path) -> str:
    """The key of the result that a version comes from; of what is no version, its own."""
    return _original(folder.name, read_record(folder))


def series_key(folder: Path) -> str:
    """The key of the series that a result belongs to: without the endings of a version and of a
    slice that was asked for."""
    record = read_record(folder)
    original, index = _original(folder.name, record), record["options"]["slice"]
    return original.removesuffix(f"-slice-{index:03d}") if isinstance(index, int) else original


def _original(key: str, record: dict[str, Any]) -> str:
    return re.sub(r"-corrected-\d+$", "", key) if record.get("correction") else key


def open_series(study: Path, key: str) -> Series:
    """Read the series that a result belongs to.

    Raises:
        UsageError: it is not there.
    """
    found = next((one for one in find([study]).series if one.key == key), None)
    loaded = found.load()[0] if found else None
    if loaded is None:
        raise UsageError(f"the series of {key} is not there")
    return loaded


class Desk:
    """The two series that were opened last: reading one takes up to some seconds. And a lock for
    each job, so that one person's film does not hold up another's slice."""

    def __init__(self) -> None:
        self._open: dict[tuple[Path, str], Series] = {}
        self._lock = threading.Lock()
        self._jobs: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    def of(self, job: str) -> threading.RLock:
        """The lock of a job's results."""
        with self._lock:
            return self._jobs[job]

    def series(self, study: Path, key: str) -> Series:
        """As `open_series`."""
        with self._lock:
            one = self._open.pop((study, key), None)
        one = one or open_series(study, key)
        with self._lock:
            self._open[study, key] = one
            while len(self._open) > 2:
                del self._open[next(iter(self._open))]
            return one

    def clear(self) -> None:
        """Let go of them: a study was deleted."""
        with self._lock:
            self._open.clear()


def open_review(folder: Path, series: Series) -> Review:
    """Read a result that belongs to the series."""
    record = read_record(folder)
    # what the file does not say of itself was told, or assumed, when it was segmented
    series = replace(series, modality=record["modality"])
    coco = json.loads((folder / "instances.coco.json").read_text())
    kinds = {one["id"]: one["name"] for one in coco["categories"]}
    turn = upright_turn(series.slices[record["selected_slice"]].directions)
    marked = tuple(
        Marked(
            id=str(one["id"]),
            kind=kinds[one["category_id"]],
            level=one["level"],
            mask=turn.apply(decode_rle(one["segmentation"])),
            score=one["score"] or None,
        )
        for one in coco["annotations"]
    )
    return Review(folder.name, series, record, marked)


def as_mask(review: Review, rle: dict[str, Any] | None) -> NDArray[np.bool_]:
    """A mask of the page (none: empty), bool [H, W] upright.

    Raises:
        ValueError: it does not fit the slice.
    """
    shape = review.turn.apply(review.slice.pixels).shape
    if rle is None:
        return np.zeros(shape, dtype=bool)
    if tuple(rle["size"]) != shape:
        raise ValueError(f"{rle['size']} against {shape}")
    return decode_rle(rle)


def described(review: Review, marked: Sequence[Marked]) -> list[dict[str, Any]]:
    """Instances with their outlines and measures, as plain JSON types, in the given order."""
    rows = measurements(as_segmentation(review, marked)) if marked else []
    return [
        {
            "id": one.id,
            "kind": one.kind,
            "level": one.level,
            "score": one.score,
            "truncated": bool(row["truncated"]),
            "rle": encode_rle(one.mask),
            "outline": outlines(one.mask),
            "centre": list(mask_centre(one.mask)),
            "measures": row,
        }
        for one, row in zip(marked, rows, strict=True)
    ]


def as_segmentation(review: Review, marked: Sequence[Marked]) -> Segmentation:
    """The instances as a result on the stored slice, numbered from below within their kind."""
    ordered: list[Instance] = []
    heights = [(one.kind, mask_centre(one.mask)[1]) for one in marked]
    for one, (kind, height) in zip(marked, heights, strict=True):
        lower = sum(other == kind and below > height for other, below in heights)
        stored = review.turn.undo(one.mask)
        ordered.append(
            Instance(
                kind=one.kind,
                mask=stored,
                box=mask_box(stored),
                score=one.score or 0.0,
                order=lower + 1,
                level=one.level,
                truncated=cut_by_border(one.mask),
            )
        )
    record = review.record
    return Segmentation(
        series=review.series,
        slice_index=record["selected_slice"],
        instances=tuple(ordered),
        trace=tuple(
            SliceCount(s["index"], s["bodies"], s["discs"], s["area_px"], s["instance_number"])
            for s in record["slices"]
        ),
        model=record["model"]["name"],
        seconds=dict(record["seconds"]),
    )


def all_named(marked: Sequence[Marked], place: int) -> list[Marked]:
    """The instances with levels counted from one body that has its level.

    Raises:
        UsageError: it is no body or has no level, or the levels run out.
    """
    start = marked[place]
    if not start.mask.any() or start.kind != BODY_KIND or start.level is None:
        raise UsageError("choose a vertebral body that has its level")
    marked = [one for one in marked if one.mask.any()]
    bare = [Instance(one.kind, one.mask, mask_box(one.mask), one.score or 0.0) for one in marked]
    ordered, _ = order_and_name(bare, None)
    order = next(one.order for one in ordered if one.mask is start.mask)
    named, _ = order_and_name(bare, (start.level, order))
    levels = {id(one.mask): one.level for one in named}
    return [replace(one, level=levels[id(one.mask)]) for one in marked]


def _of_the_source(review: Review) -> list[str]:
    """Warnings of a result that are not of its instances and files, which may have changed."""
    instances = [
        Instance(one.kind, one.mask, mask_box(one.mask), one.score or 0.0, level=one.level)
        for one in review.marked
    ]
    old = doubts(instances)
    told: list[str] = review.record["warnings"]
    return [text for text in told if text not in old and "was not written" not in text]


def save_version(
    results: Path, review: Review, marked: Sequence[Marked], who: str, note: str
) -> str:
    """Write the corrected result beside the one that it comes from; returns its key.

    Raises:
        UsageError: nothing is marked, or two instances have the same level.
    """
    if not marked:
        raise UsageError("nothing is marked: a result holds at least one body or disc")
    named = [(one.kind, one.level) for one in marked if one.level]
    twice = next((level for kind, level in named if named.count((kind, level)) > 1), None)
    if twice:
        raise UsageError(f"{twice} is named twice")
    original = original_key(results / review.key)
    number = 1
    while (results / f"{original}-corrected-{number}").exists():
        number += 1
    key = f"{original}-corrected-{number}"
    # bodies from below, then the rest from below, as results have them
    order = sorted(marked, key=lambda o: (o.kind != BODY_KIND, o.kind, -mask_centre(o.mask)[1]))
    made = as_segmentation(review, order)
    made = replace(
        made,
        series=replace(made.series, key=key),
        warnings=(*_of_the_source(review), *doubts(made.instances)),
        correction=Correction(
            of=review.key,
            who=who,
            when=datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
            changes=tuple(changes(review.marked, order)),
            note=note,
        ),
    )
    write_result(results, made, find_model(made.model), dict(review.record["options"]))
    with contextlib.suppress(
        OSError, SpineError
    ):  # the version is saved; an archive has a summary of its own
        write_summary(results)
    return key


def display_volume(series: Series, path: Path) -> Path:
    """Write the series' slices, upright, as a NIfTI volume for the viewer; done once.

    Its axes are column, row and slice of the page, not the patient's: the page shows slices as
    they are, not what lies between them. Spacing is 1 mm where it is not known.
    """
    if path.exists():
        return path
    first = series.slices[0]
    turn = upright_turn(first.directions)
    # one slice at a time: a long CT would fill memory
    height = width = 0
    whole, largest = True, 0.0
    for one in series.slices:
        image = turn.apply(one.visible)
        height, width = max(height, image.shape[0]), max(width, image.shape[1])
        whole = whole and bool((image == np.round(image)).all())
        largest = max(largest, float(np.abs(image).max()))
    kind = np.int16 if whole and largest < 2**15 else np.float32
    row, column = turn.spacing(first.spacing) or (1.0, 1.0)
    header = nibabel.Nifti1Header()
    header.set_data_dtype(kind)
    header.set_data_shape((width, height, len(series.slices)))
    header.set_sform(np.diag([column, -row, 1.0, 1.0]), code=1)
    header.set_zooms((column, row, 1.0))
    header["vox_offset"] = 352
    path.parent.mkdir(exist_ok=True)
    partial = path.with_name(f".{uuid.uuid4().hex}.part")
    with partial.open("wb") as stream:
        stream.write(header.binaryblock + bytes(4))
        for one in series.slices:
            canvas = np.zeros((height, width), dtype=kind)
            image = turn.apply(one.visible)
            canvas[: image.shape[0], : image.shape[1]] = image
            stream.write(canvas.tobytes())
    partial.replace(path)
    return path
