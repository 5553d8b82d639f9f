"""Change the masks of a result with a hand's outlines and brush strokes, on the upright slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.boxes import dice

OUTLINE_TOLERANCE = 1.0
"""Pixels that the shown outline may be off the mask's border: points that a hand can grasp."""
HANDLES, SHORTEST_STEP = 16, 4.0
"""Straight parts of an outline get more points, as if so many lay around it, at least so many
pixels apart: a straight border can be bent, too."""
PARTS, BORDER_TOLERANCE = 3, 0.45
"""Parts of a pixel that a mask's border is followed in, and how many of them it may be off."""
SMALLEST_PIXELS = 12
"""An instance with fewer is gone."""
SAME = 0.9999
"""Masks whose Dice is higher are the same."""

Polygon = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Marked:
    """An instance on the page.

    Attributes:
        id: what the page calls it; it stays the same from change to change.
        mask: bool [H, W], upright; empty for one that is just being added.
        score: the network's; None for what a person added.
    """

    id: str
    kind: str
    level: str | None
    mask: NDArray[np.bool_]
    score: float | None = None


def outlines(mask: NDArray[np.bool_]) -> list[list[tuple[float, float]]]:
    """Polygons (x, y) through the pixels on a mask's border, few points each, but never far from
    one another."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    close = (cv2.approxPolyDP(contour, OUTLINE_TOLERANCE, True)[:, 0] for contour in contours)
    return [_with_points_between(p.astype(float)) for p in close if len(p) > 2]


def borders(mask: NDArray[np.bool_]) -> list[list[tuple[float, float]]]:
    """Polygons (x, y) along a mask's own border, between its pixels and those outside, holes
    included, to a third of a pixel."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return []
    part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.uint8)
    fine = np.kron(part, np.ones((PARTS, PARTS), dtype=np.uint8))
    found, _ = cv2.findContours(fine, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    corner = np.array([columns[0], rows[0]])
    close = (cv2.approxPolyDP(contour, BORDER_TOLERANCE, True)[:, 0] for contour in found)
    return [
        [tuple(point) for point in ((p + 0.5) / PARTS - 0.5 + corner).round(2).tolist()]
        for p in close
        if len(p) > 2
    ]


def _with_points_between(polygon: NDArray[np.float64]) -> list[tuple[float, float]]:
    steps = np.linalg.norm(np.roll(polygon, -1, axis=0) - polygon, axis=1)
    longest = max(SHORTEST_STEP, float(steps.sum()) / HANDLES)
    points: list[tuple[float, float]] = []
    for start, end, step in zip(polygon, np.roll(polygon, -1, axis=0), steps, strict=True):
        parts = int(np.ceil(step / longest))
        points += [tuple((start + (end - start) * k / parts).tolist()) for k in range(parts)]
    return points


FINE, LARGEST_CANVAS = 4, 16 * 10**6
"""Parts of a pixel that the brush's way is drawn in, unless it crosses so much of a large picture
that the canvas would have more pixels than these: then in whole ones."""


def filled(polygons: Sequence[Polygon], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels on and inside of polygons (x, y), where they lie on an image [H, W]."""
    canvas = np.zeros(shape, dtype=np.uint8)
    fraction = 4  # binary digits after the point that OpenCV takes into account
    for polygon in polygons:
        if len(polygon) > 2:
            points = np.clip(np.asarray(polygon, dtype=np.float64), -1e4, 1e5)
            whole = np.round(points * 2**fraction).astype(np.int32)
            cv2.fillPoly(canvas, [whole], 1, lineType=cv2.LINE_8, shift=fraction)
    return canvas.astype(bool)


def painted(stroke: Polygon, radius: float, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels whose centres a round brush (radius in pixels) covers on its way, to a part of
    `FINE` of a pixel, or a whole one across large pictures. More points take no more time."""
    covered = np.zeros(shape, dtype=bool)
    points = np.clip(np.asarray(stroke, dtype=np.float64), -1e4, 1e5)
    low = np.floor(points.min(axis=0) - radius).astype(int).clip(0)
    high = (np.ceil(points.max(axis=0) + radius).astype(int) + 1).clip(0, shape[::-1])
    if (low >= high).any():
        return covered
    width, height = high - low
    margin = int(np.ceil(radius)) + 1  # the way may lie outside of the image
    size = (height + 2 * margin) * (width + 2 * margin)
    parts = FINE if size * FINE**2 <= LARGEST_CANVAS else 1
    way = np.ones(((height + 2 * margin) * parts, (width + 2 * margin) * parts), np.uint8)
    ends = np.concatenate([points, points[-1:]])  # OpenCV draws no way of one point
    fine = np.round((ends - low + margin) * parts).astype(np.int32)
    cv2.polylines(way, [fine], isClosed=False, color=0)
    away = cv2.distanceTransform(way, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    centres = away[margin * parts :: parts, margin * parts :: parts][:height, :width]
    covered[low[1] : high[1], low[0] : high[0]] = centres <= radius * parts
    return covered


def with_outline_moved(
    mask: NDArray[np.bool_], before: Sequence[Polygon], after: Sequence[Polygon]
) -> NDArray[np.bool_]:
    """A mask of which only that changes which lies between two outlines: dragging one point leaves
    the border elsewhere exactly as it was."""
    old, new = filled(before, mask.shape), filled(after, mask.shape)
    return (mask & ~(old & ~new)) | (new & ~old)


def replaced(marked: Sequence[Marked], place: int, mask: NDArray[np.bool_]) -> list[Marked]:
    """The instances with one mask changed. It takes its pixels from the others, for no pixel is of
    two; what has hardly a pixel left is gone."""
    left = [
        replace(item, mask=mask if number == place else item.mask & ~mask)
        for number, item in enumerate(marked)
    ]
    return [item for item in left if int(item.mask.sum()) >= SMALLEST_PIXELS]


def changes(before: Sequence[Marked], after: Sequence[Marked]) -> list[str]:
    """One line for each instance that was changed, renamed, added or deleted."""
    lines = []
    known = {item.id: item for item in before}
    for item in after:
        old = known.pop(item.id, None)
        name = item.level or item.kind.replace("_", " ")
        if old is None or old.kind != item.kind:
            lines.append(f"{name}: added ({int(item.mask.sum())} pixels)")
            continue
        if old.level != item.level:
            lines.append(f"{name}: renamed (was {old.level or 'without a level'})")
        if dice(old.mask, item.mask) < SAME:
            sizes = f"{int(old.mask.sum())} to {int(item.mask.sum())} pixels"
            lines.append(f"{name}: outline ({sizes}, Dice {dice(old.mask, item.mask):.3f})")
    lines += [f"{item.level or item.kind.replace('_', ' ')}: deleted" for item in known.values()]
    return lines
