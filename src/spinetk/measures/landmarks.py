"""Six points of a vertebral body or disc, from curves fitted to its borders.

Quantitative morphometry of the spine (Hurxthal, Am J Roentgenol 103 (1968) 635) sets six points on
a body: its upper and lower end plate in front, in the middle and at the back. A reader leaves spurs
and rounded corners out. So does this: the borders are fitted robustly, so that a part of the
outline that stands off does not move them, and the outer points lie `ENDS` inside the corners.

    u ->   front          back
    v      *------*------*        upper end plate: a parabola, for end plates are hollow
    |      |             |
    v      |             |        walls: lines
           *------*------*        lower end plate
"""

from __future__ import annotations

from dataclasses import dataclass

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
INNER = (0.05, 0.95)
"""Part of an end plate's length that its parabola is fitted to: corners are rounded."""
LEVEL, LEVEL_ENOUGH = (0.15, 0.85), 1e-3
"""Part of the length that tells how an end plate lies, and radians that are none."""
WALL, BELOW_PLATE = (0.2, 0.8), (0.1, 0.35)
"""Part of the height that a wall is fitted to; of S1, that tells where its end plate ends."""
STEEPEST = 0.36
"""Tangent of the largest angle (20 degrees) of the walls against the end plates' perpendicular:
cervical bodies are parallelograms."""
ENDS = 0.15
"""The outer points lie so far inside the end plate, as a share of its length."""
LEAST_DEVIATION = 0.6
"""In units of the finer spacing; what is straighter than a pixel's edge is as good as straight."""
SMALLEST, LOWEST = 6.0, 3.0
"""Length and height, in units of the finer spacing, from which on a shape has six points."""
LEAST_FIT = 0.7
"""Least share of mask and fitted shape that both have (intersection over union)."""


@dataclass(frozen=True)
class Landmarks:
    """Points (x, y) in pixels of the upright slice, pixel centres at whole numbers.

    Attributes:
        upper, lower: float [3, 2], of each end plate front, middle and back.
        front, back: float [2], of each wall half way up.
        fit: 0..1, how much mask and fitted shape share (intersection over union).
    """

    upper: NDArray[np.float64]
    lower: NDArray[np.float64]
    front: NDArray[np.float64]
    back: NDArray[np.float64]
    fit: float


class NoLandmarks(ValueError):
    """Why a shape has no such points, in a few words."""


def landmarks(
    mask: NDArray[np.bool_],
    spacing: tuple[float, float] = (1.0, 1.0),
    along: tuple[float, float] = (0.0, 1.0),
) -> Landmarks:
    """Find the six points of an upright mask: head up, anterior left.

    Args:
        mask: bool [H, W], at least one pixel.
        spacing: (row, column) in mm; only their ratio matters.
        along: direction (x, y) of the column at the instance, in pixels; the axes are found from
            the end plates, starting there.

    Raises:
        NoLandmarks: the shape is too small, or is no block with two end plates and two walls.
    """
    turned, matrix = _own_axes(mask, spacing, along, lower_counts=True)
    at, first, last = _borders(turned)
    rows, left, right = _borders(turned.T)
    core = _within(rows, rows[0], rows[-1], WALL)
    middle = float(rows[0] + rows[-1]) / 2
    front, back = _walls(rows[core] - middle, left[core], right[core], middle)
    inner = _within(at, float(front.at(middle)), float(back.at(middle)), INNER)
    if np.count_nonzero(inner) * STEP < SMALLEST / 2:
        raise NoLandmarks("its walls cannot be told")
    upper, lower = (_curve(at[inner], edge[inner], 2) for edge in (first, last))
    fit = _overlap(turned, upper, lower, front, back)
    if fit < LEAST_FIT:
        raise NoLandmarks("it is no block with two end plates and two walls")
    plates = [_points(plate, *_ends(plate, front, back, middle)) for plate in (upper, lower)]
    half = float(plates[0][1, 1] + plates[1][1, 1]) / 2
    walls = np.array([(float(wall.at(half)), half) for wall in (front, back)])
    pixels = _pixels(np.concatenate([*plates, walls]), matrix)
    return Landmarks(pixels[:3], pixels[3:6], pixels[6], pixels[7], fit)


def upper_plate(
    mask: NDArray[np.bool_],
    spacing: tuple[float, float] = (1.0, 1.0),
    along: tuple[float, float] = (0.0, 1.0),
) -> NDArray[np.float64]:
    """Of a body with no lower end plate (S1): float [3, 2], the points of the upper one, as in
    `Landmarks`.

    Raises:
        NoLandmarks: the shape is too small, or has no upper end plate.
    """
    turned, matrix = _own_axes(mask, spacing, along, lower_counts=False)
    at, first, _ = _borders(turned)
    rows, left, right = _borders(turned.T)
    near = _within(rows, rows[0], rows[-1], BELOW_PLATE)
    start, stop = float(np.median(left[near])), float(np.median(right[near]))
    inner = _within(at, start, stop, INNER)
    if (stop - start) * STEP < SMALLEST or np.count_nonzero(inner) * STEP < SMALLEST / 2:
        raise NoLandmarks("its upper end plate cannot be told")
    plate = _curve(at[inner], first[inner], 2)
    return _pixels(_points(plate, start, stop), matrix)


def _own_axes(
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
        at, first, last = _borders(turned)
        if len(at) * STEP < SMALLEST or turned.any(axis=1).sum() * STEP < LOWEST:
            raise NoLandmarks("it is too small")
        inner = _within(at, at[0], at[-1], LEVEL)
        edges = (first, last) if lower_counts else (first,)
        slopes = [_curve(at[inner], edge[inner], 1).slope for edge in edges]
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


def _borders(shape: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    """Of each column that the shape has: its number, and where the shape begins and ends in it."""
    at = np.flatnonzero(shape.any(axis=0))
    part = shape[:, at]
    first = part.argmax(axis=0) - 0.5
    last = part.shape[0] - part[::-1].argmax(axis=0) - 0.5
    return at.astype(float), first, last


def _curve(at: NDArray[np.float64], values: NDArray[np.float64], degree: int) -> Curve:
    try:
        return fitted(at, values, degree, LEAST_DEVIATION / STEP)
    except NoCurve as error:
        raise NoLandmarks(str(error)) from error


def _within(
    at: NDArray[np.float64], low: float, high: float, part: tuple[float, float]
) -> NDArray[np.bool_]:
    share = (at - low) / max(high - low, 1e-9)
    return (share >= part[0]) & (share <= part[1])


def _points(plate: Curve, start: float, stop: float) -> NDArray[np.float64]:
    """float [3, 2]: front, middle and back of an end plate from `start` to `stop` (u)."""
    u = start + (stop - start) * np.array([ENDS, 0.5, 1 - ENDS])
    return np.stack([u, plate.at(u)], axis=1)


def _pixels(own: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points in steps along the own axes as pixels of the slice."""
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    return np.asarray(own @ back[:, :2].T + back[:, 2])


def _walls(
    rows: NDArray[np.float64], left: NDArray[np.float64], right: NDArray[np.float64], middle: float
) -> tuple[Curve, Curve]:
    """Front and back wall, parallel: what slants one of them (a lip, a spur) would carry the end
    plate's corner away. Rows are counted from the middle one."""
    slopes = [_curve(rows, wall, 1).slope for wall in (left, right)]
    slope = float(np.clip(np.mean(slopes), -STEEPEST, STEEPEST))
    front, back = (
        Curve((slope, _curve(rows, wall - slope * rows, 0).coefficients[0]), middle, 1.0)
        for wall in (left, right)
    )
    return front, back


def _ends(plate: Curve, front: Curve, back: Curve, middle: float) -> tuple[float, float]:
    """Where an end plate meets the walls (u)."""
    ends = []
    for wall in (front, back):
        u = float(wall.at(middle))
        for _ in range(4):  # a wall is steep: this converges at once
            u = float(wall.at(plate.at(u)))
        ends.append(u)
    if ends[1] - ends[0] < SMALLEST / STEP:
        raise NoLandmarks("its walls cannot be told")
    return ends[0], ends[1]


def _overlap(
    turned: NDArray[np.bool_], upper: Curve, lower: Curve, front: Curve, back: Curve
) -> float:
    """Intersection over union of the mask and the fitted shape."""
    v, u = np.indices(turned.shape).astype(float)
    shape = (v >= upper.at(u)) & (v <= lower.at(u)) & (u >= front.at(v)) & (u <= back.at(v))
    union = np.count_nonzero(shape | turned)
    return float(np.count_nonzero(shape & turned) / union)
