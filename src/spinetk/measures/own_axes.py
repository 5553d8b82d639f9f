"""A mask along its own axes: turned so that its end plates lie level, and sampled finely.

u runs from front to back, v from the upper to the lower end plate, both in steps of `STEP`.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.measures.robust_curve import Curve, NoCurve, fitted

STEP = 0.25
"""Sampling distance, in units of the finer spacing, of a mask that is turned into its own axes."""
TURNS = 4
"""Times that the axes are found again from the end plates."""
LARGEST_TURN = 40.0
"""Degrees between the column's direction and the axes beyond which nothing is believed."""
LEVEL, LEVEL_ENOUGH = (0.15, 0.85), 1e-3
"""Part of the length that tells how an end plate lies, and radians that are none."""
LEAST_DEVIATION = 0.6
"""In units of the finer spacing; what is straighter than a pixel's edge is as good as straight."""
SMALLEST, LOWEST = 6.0, 3.0
"""Length and height, in units of the finer spacing, from which on a shape has six points."""


class NoLandmarks(ValueError):
    """Why a shape has no such points, in a few words."""


def own_axes(
    mask: NDArray[np.bool_],
    spacing: tuple[float, float],
    along: tuple[float, float],
    *,
    lower_counts: bool,
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """The mask turned so that its end plates (or the upper one alone) lie level, and the map."""
    scale = np.array([spacing[1], spacing[0]]) / min(spacing)
    lean = float(np.arctan2(-along[0] * scale[0], along[1] * scale[1]))
    angle = lean
    turned, matrix = _turned(mask, scale, angle)
    for _ in range(TURNS):
        at, first, last = borders(turned)
        if len(at) * STEP < SMALLEST or turned.any(axis=1).sum() * STEP < LOWEST:
            raise NoLandmarks("it is too small")
        inner = within(at, at[0], at[-1], LEVEL)
        edges = (first, last) if lower_counts else (first,)
        slopes = [curve(at[inner], edge[inner], 1).slope for edge in edges]
        turn = float(np.arctan(np.mean(slopes)))
        angle += turn
        if abs(angle - lean) > np.radians(LARGEST_TURN):
            raise NoLandmarks("its end plates cannot be told")
        turned, matrix = _turned(mask, scale, angle)
        if abs(turn) < LEVEL_ENOUGH:
            break
    return turned, matrix


def _turned(
    mask: NDArray[np.bool_], scale: NDArray[np.float64], angle: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """The mask in steps of `STEP` along its own axes, and the map [2, 3] that led there."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    corners = np.array([(x, y) for x in columns[[0, -1]] for y in rows[[0, -1]]], dtype=float)
    rotate = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    linear = rotate @ np.diag(scale) / STEP
    ends = corners @ linear.T
    margin = 3.0 / STEP
    # half a step, so that no sample lies on the edge of a pixel
    low, high = ends.min(axis=0) - margin - 0.5, ends.max(axis=0) + margin
    matrix = np.concatenate([linear, -low[:, None]], axis=1)
    size = (int(np.ceil(high[0] - low[0])), int(np.ceil(high[1] - low[1])))
    turned = cv2.warpAffine(mask.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR)
    return np.asarray(turned >= 0.5), matrix


def borders(shape: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    """Of each column that the shape has: its number, and where the shape begins and ends in it."""
    at = np.flatnonzero(shape.any(axis=0))
    part = shape[:, at]
    first = part.argmax(axis=0) - 0.5
    last = part.shape[0] - part[::-1].argmax(axis=0) - 0.5
    return at.astype(float), first, last


def within(
    at: NDArray[np.float64], low: float, high: float, part: tuple[float, float]
) -> NDArray[np.bool_]:
    """Which places lie in a part (shares) of the way from `low` to `high`."""
    share = (at - low) / max(high - low, 1e-9)
    return (share >= part[0]) & (share <= part[1])


def curve(at: NDArray[np.float64], values: NDArray[np.float64], degree: int) -> Curve:
    """A curve through most of a border's points, in steps.

    Raises:
        NoLandmarks: there is none.
    """
    try:
        return fitted(at, values, degree, LEAST_DEVIATION / STEP)
    except NoCurve as error:
        raise NoLandmarks(str(error)) from error


def to_pixels(own: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points in steps along the own axes as pixels of the slice."""
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    return np.asarray(own @ back[:, :2].T + back[:, 2])
