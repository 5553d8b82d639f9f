"""Area, heights and width of an instance, in pixels and in mm where the spacing is known."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

ZONES = {"anterior": (0.05, 0.25), "middle": (0.4, 0.6), "posterior": (0.75, 0.95)}
"""Parts of the width, from the left (anterior) edge, over which each height is averaged. The outer
5 % are left out: rounded corners are not the height of an endplate."""
LARGEST_TURN = 28.0
"""The rectangle's axis is taken where it lies within so many degrees of the column's direction.
Beyond, the rectangle stands on a corner of the shape, as it does on a wedge-like S1."""
STEP = 0.25
"""Sampling distance, in units of the finer spacing, of a mask that is turned into its own axes."""


@dataclass(frozen=True)
class Shape:
    """Size of one instance; lengths along its own axes.

    Attributes:
        area: pixels.
        height_anterior, height_middle, height_posterior: extent along the column.
        width: extent across the column.
    """

    area: float
    height_anterior: float
    height_middle: float
    height_posterior: float
    width: float


def measure(
    mask: NDArray[np.bool_],
    spacing: tuple[float, float] = (1.0, 1.0),
    along: tuple[float, float] = (0.0, 1.0),
) -> Shape:
    """Measure an upright mask: head up, anterior left.

    Args:
        mask: bool [H, W], at least one pixel.
        spacing: (row, column) in mm; with (1, 1) every length is in pixels and the area too.
        along: direction (x, y) of the column at the instance, in pixels; tells height from width
            where the instance is tilted, as L5-S1 and the sacrum are.

    Returns:
        Lengths in mm, area in mm^2.
    """
    finer = min(spacing)  # in units of it, so that square pixels of any size measure the same
    turned = _in_own_axes(mask, (spacing[0] / finer, spacing[1] / finer), along)
    step = STEP * finer
    across = np.flatnonzero(turned.any(axis=0))
    left, right = int(across[0]), int(across[-1]) + 1
    heights = {
        name: _height(turned, left, right, low, high) * step for name, (low, high) in ZONES.items()
    }
    return Shape(
        area=float(np.count_nonzero(mask)) * spacing[0] * spacing[1],
        height_anterior=heights["anterior"],
        height_middle=heights["middle"],
        height_posterior=heights["posterior"],
        width=(right - left) * step,
    )


def _in_own_axes(
    mask: NDArray[np.bool_], spacing: tuple[float, float], along: tuple[float, float]
) -> NDArray[np.bool_]:
    """Resample the mask, in steps of `STEP`, so that its smallest enclosing rectangle is upright.

    The rectangle's sides are the endplates and walls as closely as a rectangle can be. `spacing`
    is in units of its smaller part.
    """
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = np.concatenate([c[:, 0] for c in contours]).astype(np.float32)
    scale = np.array([spacing[1], spacing[0]], dtype=np.float32)
    (_, _), (_, _), angle = cv2.minAreaRect(points * scale)
    lean = np.degrees(np.arctan2(-along[0] * spacing[1], along[1] * spacing[0]))
    off = (angle - lean + 45) % 90 - 45  # of the rectangle's four turns, the nearest to the column
    angle = lean + (off if abs(off) <= LARGEST_TURN else 0.0)
    turn = np.radians(angle)
    rotate = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    linear = rotate @ np.diag([spacing[1], spacing[0]]) / STEP
    corners = (points + 0.0) @ linear.T
    margin = 4.0 / STEP
    low, high = corners.min(axis=0) - margin, corners.max(axis=0) + margin
    matrix = np.concatenate([linear, -low[:, None]], axis=1)
    size = (int(np.ceil(high[0] - low[0])), int(np.ceil(high[1] - low[1])))
    turned = cv2.warpAffine(mask.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR)
    return np.asarray(turned >= 0.5)


def _height(turned: NDArray[np.bool_], left: int, right: int, low: float, high: float) -> float:
    """Mean extent along the rows over a part of the columns, in resampled pixels."""
    width = right - left
    start = left + int(np.floor(low * width))
    stop = max(start + 1, left + int(np.ceil(high * width)))
    part = turned[:, start:stop]
    part = part[:, part.any(axis=0)]
    if part.size == 0:
        return 0.0
    first = part.argmax(axis=0)
    last = part.shape[0] - part[::-1].argmax(axis=0)
    return float((last - first).mean())
