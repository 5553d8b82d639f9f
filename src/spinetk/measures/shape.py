"""Heights, width and slopes of an instance from its six points (`landmarks`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinetk.measures.landmarks import Landmarks, NoLandmarks, landmarks, upper_plate

CUT, SACRAL = "the border of the image cuts it", "of S1 only the upper end plate is measured"


@dataclass(frozen=True)
class Outline:
    """The points of one instance, pixels (x, y) of the upright slice.

    Attributes:
        upper, lower: float [3, 2], front, middle and back of an end plate; None without one.
        front, back: float [2], of each wall half way up; None without both end plates.
        reason: why something of it is None, else empty.
    """

    upper: NDArray[np.float64] | None = None
    lower: NDArray[np.float64] | None = None
    front: NDArray[np.float64] | None = None
    back: NDArray[np.float64] | None = None
    reason: str = ""


def outline_points(
    mask: NDArray[np.bool_],
    spacing: tuple[float, float] = (1.0, 1.0),
    along: tuple[float, float] = (0.0, 1.0),
    *,
    sacral: bool = False,
    truncated: bool = False,
) -> Outline:
    """The points of an upright mask, and why there are none.

    Args:
        mask: bool [H, W], at least one pixel; head up, anterior left.
        spacing: (row, column) in mm; only their ratio matters.
        along: direction (x, y) of the column at the instance, in pixels.
        sacral: it is S1, which has no lower end plate.
        truncated: the image's border cuts it: what is left has no heights.
    """
    if truncated:
        return Outline(reason=CUT)
    try:
        if sacral:
            return Outline(upper=upper_plate(mask, spacing, along), reason=SACRAL)
        found: Landmarks = landmarks(mask, spacing, along)
    except NoLandmarks as error:
        return Outline(reason=str(error))
    return Outline(found.upper, found.lower, found.front, found.back)


@dataclass(frozen=True)
class Shape:
    """Lengths of one instance in one unit; None where its points are not known.

    Attributes:
        height_anterior, height_middle, height_posterior: from the upper to the lower end plate.
        width: from wall to wall half way up.
    """

    height_anterior: float | None = None
    height_middle: float | None = None
    height_posterior: float | None = None
    width: float | None = None


def lengths(points: Outline, spacing: tuple[float, float] = (1.0, 1.0)) -> Shape:
    """Lengths in mm for a spacing (row, column) in mm, in pixels without one."""
    if points.upper is None or points.lower is None or points.front is None:
        return Shape()
    scale = np.array([spacing[1], spacing[0]])
    front, middle, back = np.linalg.norm((points.upper - points.lower) * scale, axis=1)
    across = (np.asarray(points.back) - points.front) * scale
    return Shape(float(front), float(middle), float(back), float(np.linalg.norm(across)))


def slope_of(plate: NDArray[np.float64] | None, spacing: tuple[float, float]) -> float | None:
    """Degrees by which an end plate falls from front to back, against the image's rows.

    Args:
        plate: float [3, 2], pixels.
        spacing: (row, column); only their ratio matters.
    """
    if plate is None:
        return None
    run, fall = (plate[2] - plate[0]) * np.array([spacing[1], spacing[0]])
    return float(np.degrees(np.arctan2(fall, run)))
