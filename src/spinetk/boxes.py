"""Boxes, centres and overlap of masks. Boxes are xyxy in pixels, float; their right and lower edges
are exclusive."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]


def mask_box(mask: NDArray[np.bool_]) -> Box:
    """Tight box of a mask [H, W] that holds at least one pixel."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def mask_centre(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Centre of gravity (x, y) of a mask [H, W] that holds at least one pixel; pixel centres lie at
    whole numbers."""
    left, top, right, bottom = map(int, mask_box(mask))
    rows, columns = np.nonzero(mask[top:bottom, left:right])
    return left + float(columns.mean()), top + float(rows.mean())


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Dice coefficient 2 |a and b| / (|a| + |b|) of two masks [H, W]; 1 where both are empty."""
    total = int(np.count_nonzero(a)) + int(np.count_nonzero(b))
    return 2 * int(np.count_nonzero(a & b)) / total if total else 1.0


def box_iou(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Intersection over union of every pair of boxes.

    Args:
        a: float [N, 4].
        b: float [M, 4].

    Returns:
        float64 [N, M], 0..1.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - shared
    iou: NDArray[np.float64] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return iou


def square_boxes(
    boxes: NDArray[np.floating], spacing: tuple[float, float] | None
) -> NDArray[np.float64]:
    """Boxes in a unit that is the same along rows and columns: mm, or pixels without a spacing.

    Args:
        boxes: [N, 4], xyxy in pixels; N may be 0 in any shape.
        spacing: (row, column) in mm or None.
    """
    rows, columns = spacing or (1.0, 1.0)
    return np.asarray(boxes, dtype=np.float64).reshape(-1, 4) * (columns, rows, columns, rows)
