"""Change the masks of a result with a hand's outlines and brush strokes, on the upright slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

OUTLINE_TOLERANCE = 1.0
"""Pixels that the shown outline may be off the mask's border: points that a hand can grasp."""
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


def outlines(mask: NDArray[np.bool_]) -> list[list[list[float]]]:
    """Polygons (x, y) through the pixels on a mask's border, few points each."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    close = (cv2.approxPolyDP(contour, OUTLINE_TOLERANCE, True)[:, 0] for contour in contours)
    return [polygon.astype(float).tolist() for polygon in close if len(polygon) > 2]


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
    """The pixels that a round brush (radius in pixels) covers on its way."""
    height, width = shape
    rows, columns = np.mgrid[:height, :width]
    covered = np.zeros(shape, dtype=bool)
    points = np.clip(np.asarray(stroke, dtype=np.float64), -1e4, 1e5)
    for start, end in zip(points, points[1:] if len(points) > 1 else points, strict=False):
        along = end - start
        length = float(along @ along)
        place = (columns - start[0]) * along[0] + (rows - start[1]) * along[1]
        part = np.clip(place / length, 0, 1) if length else np.zeros(shape)
        distance = np.hypot(columns - start[0] - part * along[0], rows - start[1] - part * along[1])
        covered |= distance <= radius
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
        replace(one, mask=mask if number == place else one.mask & ~mask)
        for number, one in enumerate(marked)
    ]
    return [one for one in left if int(one.mask.sum()) >= SMALLEST_PIXELS]


def changes(before: Sequence[Marked], after: Sequence[Marked]) -> list[str]:
    """One line for each instance that was changed, renamed, added or deleted. Instances belong
    together that overlap the most."""
    lines = []
    left = list(before)
    for one in after:
        old = max(left, key=lambda o: dice(o.mask, one.mask), default=None)
        name = one.level or one.kind.replace("_", " ")
        if old is None or old.kind != one.kind or dice(old.mask, one.mask) == 0:
            lines.append(f"{name}: added ({int(one.mask.sum())} pixels)")
            continue
        left.remove(old)
        if old.level != one.level:
            lines.append(f"{name}: renamed (was {old.level or 'without a level'})")
        if dice(old.mask, one.mask) < SAME:
            sizes = f"{int(old.mask.sum())} to {int(one.mask.sum())} pixels"
            lines.append(f"{name}: outline ({sizes}, Dice {dice(old.mask, one.mask):.3f})")
    lines += [f"{old.level or old.kind.replace('_', ' ')}: deleted" for old in left]
    return lines


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """2 |A and B| / (|A| + |B|)."""
    return float(2 * (a & b).sum() / max(1, a.sum() + b.sum()))
