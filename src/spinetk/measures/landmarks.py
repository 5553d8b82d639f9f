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

import numpy as np
from numpy.typing import NDArray

from spinetk.measures.own_axes import (
    SMALLEST,
    STEP,
    NoLandmarks,
    borders,
    curve,
    own_axes,
    to_pixels,
    within,
)
from spinetk.measures.robust_curve import Curve

INNER = (0.05, 0.95)
"""Part of an end plate's length that its parabola is fitted to: corners are rounded."""
WALL, BELOW_PLATE = (0.2, 0.8), (0.1, 0.35)
"""Part of the height that a wall is fitted to; of S1, that tells where its end plate ends."""
STEEPEST = 0.36
"""Tangent of the largest angle (20 degrees) of the walls against the end plates' perpendicular:
cervical bodies are parallelograms."""
STEEPEST_OF_ONE = 0.7
"""The same (35 degrees) of the back wall of S1, which tapers towards S2."""
ENDS = 0.15
"""The outer points lie so far inside the end plate, as a share of its length."""
LEAST_FIT = 0.7
"""Least share of mask and fitted shape that both have (intersection over union)."""


@dataclass(frozen=True)
class Landmarks:
    """Points (x, y) in pixels of the upright slice, pixel centres at whole numbers.

    Attributes:
        upper, lower: float [5, 2], of each end plate front corner, front, middle, back and back
            corner.
        front, back: float [2], of each wall half way up.
        fit: 0..1, how much mask and fitted shape share (intersection over union).
    """

    upper: NDArray[np.float64]
    lower: NDArray[np.float64]
    front: NDArray[np.float64]
    back: NDArray[np.float64]
    fit: float


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
    turned, matrix = own_axes(mask, spacing, along, lower_counts=True)
    at, first, last = borders(turned)
    rows, left, right = borders(turned.T)
    core = within(rows, rows[0], rows[-1], WALL)
    middle = float(rows[0] + rows[-1]) / 2
    front, back = _walls(rows[core] - middle, left[core], right[core], middle)
    inner = within(at, float(front.at(middle)), float(back.at(middle)), INNER)
    if np.count_nonzero(inner) * STEP < SMALLEST / 2:
        raise NoLandmarks("its walls cannot be told")
    upper, lower = (curve(at[inner], edge[inner], 2) for edge in (first, last))
    fit = _overlap(turned, upper, lower, front, back)
    if fit < LEAST_FIT:
        raise NoLandmarks("it is no block with two end plates and two walls")
    own_back = _back_wall(rows[core] - middle, right[core], middle)
    plates = [
        _points(plate, *_ends(plate, front, back, middle), _met(plate, own_back, middle))
        for plate in (upper, lower)
    ]
    half = float(plates[0][2, 1] + plates[1][2, 1]) / 2
    walls = np.array([(float(wall.at(half)), half) for wall in (front, back)])
    pixels = to_pixels(np.concatenate([*plates, walls]), matrix)
    return Landmarks(pixels[:5], pixels[5:10], pixels[10], pixels[11], fit)


def upper_plate(
    mask: NDArray[np.bool_],
    spacing: tuple[float, float] = (1.0, 1.0),
    along: tuple[float, float] = (0.0, 1.0),
) -> NDArray[np.float64]:
    """Of a body with no lower end plate (S1): float [5, 2], the points of the upper one, as in
    `Landmarks`.

    Args:
        along: as there, and within `LARGEST_TURN` of the plate's own: a sacrum leans far against
            the column, so that of the body above is to be given.

    Raises:
        NoLandmarks: the shape is too small, or has no upper end plate.
    """
    turned, matrix = own_axes(mask, spacing, along, lower_counts=False)
    at, first, _ = borders(turned)
    rows, left, right = borders(turned.T)
    near = within(rows, rows[0], rows[-1], BELOW_PLATE)
    start, stop = float(np.median(left[near])), float(np.median(right[near]))
    inner = within(at, start, stop, INNER)
    if (stop - start) * STEP < SMALLEST or np.count_nonzero(inner) * STEP < SMALLEST / 2:
        raise NoLandmarks("its upper end plate cannot be told")
    plate = curve(at[inner], first[inner], 2)
    middle = float(np.median(rows[near]))
    back = _back_wall(rows[near] - middle, right[near], middle, STEEPEST_OF_ONE)
    return to_pixels(_points(plate, start, stop, _met(plate, back, middle)), matrix)


def lower_plate(
    mask: NDArray[np.bool_],
    spacing: tuple[float, float] = (1.0, 1.0),
    along: tuple[float, float] = (0.0, 1.0),
) -> NDArray[np.float64]:
    """Of a body with no upper end plate (C2, whose dens stands on it): as `upper_plate`.

    Raises:
        NoLandmarks: the shape is too small, or has no lower end plate.
    """
    points = upper_plate(mask[::-1], spacing, (-along[0], along[1]))
    return points * [1, -1] + [0, len(mask) - 1]


def _points(plate: Curve, start: float, stop: float, corner: float) -> NDArray[np.float64]:
    """float [5, 2]: the points of an end plate from `start` to `stop` (u), its back corner at
    `corner`."""
    inner = start + (stop - start) * np.array([0, ENDS, 0.5, 1 - ENDS])
    u = np.append(inner, corner)
    return np.stack([u, plate.at(u)], axis=1)


def _walls(
    rows: NDArray[np.float64], left: NDArray[np.float64], right: NDArray[np.float64], middle: float
) -> tuple[Curve, Curve]:
    """Front and back wall, parallel: what slants one of them (a lip, a spur) would carry the end
    plate's corner away. Rows are counted from the middle one."""
    slopes = [curve(rows, wall, 1).slope for wall in (left, right)]
    slope = float(np.clip(np.mean(slopes), -STEEPEST, STEEPEST))
    return _wall(rows, left, slope, middle), _wall(rows, right, slope, middle)


def _back_wall(
    rows: NDArray[np.float64], edge: NDArray[np.float64], middle: float, steepest: float = STEEPEST
) -> Curve:
    """The back wall by itself: how a body lies on the next is told by it, whatever the front looks
    like. Rows are counted from the middle one."""
    slope = float(np.clip(curve(rows, edge, 1).slope, -steepest, steepest))
    return _wall(rows, edge, slope, middle)


def _wall(
    rows: NDArray[np.float64], edge: NDArray[np.float64], slope: float, middle: float
) -> Curve:
    """A line of a given slope through most of a wall."""
    return Curve((slope, curve(rows, edge - slope * rows, 0).coefficients[0]), middle, 1.0)


def _met(plate: Curve, wall: Curve, middle: float) -> float:
    """Where an end plate meets a wall (u)."""
    u = float(wall.at(middle))
    for _ in range(4):  # a wall is steep: this converges at once
        u = float(wall.at(plate.at(u)))
    return u


def _ends(plate: Curve, front: Curve, back: Curve, middle: float) -> tuple[float, float]:
    """Where an end plate meets the walls (u)."""
    start, stop = (_met(plate, wall, middle) for wall in (front, back))
    if stop - start < SMALLEST / STEP:
        raise NoLandmarks("its walls cannot be told")
    return start, stop


def _overlap(
    turned: NDArray[np.bool_], upper: Curve, lower: Curve, front: Curve, back: Curve
) -> float:
    """Intersection over union of the mask and the fitted shape."""
    v, u = np.indices(turned.shape).astype(float)
    shape = (v >= upper.at(u)) & (v <= lower.at(u)) & (u >= front.at(v)) & (u <= back.at(v))
    union = np.count_nonzero(shape | turned)
    return float(np.count_nonzero(shape & turned) / union)
