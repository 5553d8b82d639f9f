"""What `spinetk compare` writes: changes.csv, a picture of the slices side by side, one page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.atomic import whole_file
from spinetk.cohort.change_report import change_report
from spinetk.cohort.fractures import Fracture, fractures
from spinetk.cohort.html import write_html
from spinetk.cohort.over_time import (
    BY_SHAPE,
    Change,
    TimePoint,
    changes,
    matches,
)
from spinetk.errors import SpineError, UsageError
from spinetk.orientation import upright
from spinetk.png import png_of
from spinetk.results.folders import write_rows
from spinetk.results.reopen import alone
from spinetk.structures import BODY_KIND
from spinetk.study import Segmentation
from spinetk.writers.overlay import display_centre, draw_overlay

TABLE, PICTURE, PAGE, REPORT = "changes.csv", "side_by_side.png", "changes.html", "changes.dcm"
COLUMNS = ("earlier_result", "later_result", "level", "structure", "measure", "unit", "earlier",
           "later", "change", "percent", "least_detectable_change", "detectable", "matched",
           "doubtful")  # fmt: skip
FEWEST_PLACES = 2
"""Bodies in common that a picture is registered by."""
LINE = (560, 150)
"""Width and height of a plot over time."""


def write_comparison(points: Sequence[TimePoint], out: Path) -> list[Fracture]:
    """Compare each study with the first, and write what changed.

    Args:
        points: two or more, the earliest first.

    Returns:
        The fractures that are suspected in the last one.

    Raises:
        UsageError: something else is in the way, or the studies are of two patients.
        SpineError: nobody knows which body is which.
    """
    if out.exists() and any(out.iterdir()) and not (out / TABLE).is_file():
        raise UsageError("is in the way and no comparison of SpineTK", out)
    found = [changes(points[0], later) for later in points[1:]]
    out.mkdir(parents=True, exist_ok=True)
    rows = [
        _row(change, points[0], later)
        for later, own in zip(points[1:], found, strict=True)
        for change in own
    ]
    write_rows(out / TABLE, COLUMNS, rows)
    picture = side_by_side(points[0], points[-1])
    (out / PICTURE).unlink(missing_ok=True)  # of an earlier comparison
    if picture is not None:
        with whole_file(out / PICTURE) as path:
            path.write_bytes(png_of(picture))
    (out / REPORT).unlink(missing_ok=True)
    report = change_report(points[0], points[-1], found[-1])
    if report is not None:
        with whole_file(out / REPORT) as path:
            report.save_as(path)
    broken = fractures(found[-1], points[0].doubtful or points[-1].doubtful)
    marked_first = sorted(found[-1], key=lambda change: not change.detectable)
    write_html(
        out / PAGE, "followup.html",
        points=points, changes=marked_first, fractures=broken, line=LINE,
        picture=_embedded(picture) if picture is not None else None,
        lines=_lines(points, found) if len(points) > 2 else [],
        by_shape=any(change.matched == BY_SHAPE for change in found[-1]),
    )  # fmt: skip
    return broken


def side_by_side(earlier: TimePoint, later: TimePoint) -> NDArray[np.uint8] | None:
    """The earlier slice, and the later one laid onto it by the bodies that both show: uint8
    [H, W, 3], blue, green, red; None where a result was written without its image, or the bodies
    are too few."""
    try:
        one, other = (alone(point.folder, point.record) for point in (earlier, later))
    except SpineError:
        return None
    places = [
        (a, b)
        for first, second, _ in matches(earlier, later)
        if first[0] == BODY_KIND
        for a, b in [(_place(one, first[1]), _place(other, second[1]))]
        if a is not None and b is not None
    ]
    if len(places) < FEWEST_PLACES:
        return None
    onto, of = (np.array([pair[k] for pair in places], dtype=np.float32) for k in (0, 1))
    matrix, _ = cv2.estimateAffinePartial2D(of, onto, method=cv2.LMEDS)
    if matrix is None:
        return None
    left, right = draw_overlay(one), draw_overlay(other)
    laid = cv2.warpAffine(right, matrix, (left.shape[1], left.shape[0]))
    between = np.full((left.shape[0], 8, 3), 255, dtype=np.uint8)
    return np.asarray(np.hstack([left, between, laid]), dtype=np.uint8)


def _place(result: Segmentation, name: str) -> NDArray[np.float64] | None:
    """Middle of a body in the pixels of its drawing."""
    view = upright(result.slice)
    for instance in result.instances:
        if instance.kind == BODY_KIND and name in (instance.level, f"#{instance.order}"):
            return display_centre(view, instance.mask)
    return None


def _row(change: Change, earlier: TimePoint, later: TimePoint) -> dict[str, Any]:
    def number(value: float | None) -> float | str:
        return "" if value is None else float(f"{value:.6g}")

    return {
        "earlier_result": earlier.name,
        "later_result": later.name,
        "level": change.level,
        "structure": change.structure,
        "measure": change.measure,
        "unit": change.unit,
        "earlier": number(change.earlier),
        "later": number(change.later),
        "change": number(change.change),
        "percent": number(change.percent),
        "least_detectable_change": number(change.least),
        "detectable": "" if change.detectable is None else str(change.detectable).lower(),
        "matched": change.matched,
        "doubtful": str(change.doubtful).lower(),
    }


def _embedded(picture: NDArray[np.uint8]) -> str:
    return "data:image/png;base64," + base64.b64encode(png_of(picture)).decode()


def _lines(points: Sequence[TimePoint], found: Sequence[Sequence[Change]]) -> list[dict[str, Any]]:
    """The middle heights of the bodies over all times, as points of a drawing."""
    series: dict[str, list[float | None]] = {}
    for k, own in enumerate(found, start=1):
        for change in own:
            if change.measure == "height_middle" and change.structure == BODY_KIND:
                values = series.setdefault(change.level, [change.earlier] + [None] * len(found))
                values[k] = change.later
    known = [v for values in series.values() for v in values if v is not None]
    if not known:
        return []
    low, high = min(known), max(known)
    width, height = LINE
    step = (width - 80) / max(1, len(points) - 1)

    def at(k: int, value: float) -> str:
        up = height - 20 - (value - low) / ((high - low) or 1.0) * (height - 40)
        return f"{30 + k * step:.1f},{up:.1f}"

    return [
        {
            "level": level,
            "points": " ".join(at(k, v) for k, v in enumerate(values) if v is not None),
        }
        for level, values in series.items()
    ]
