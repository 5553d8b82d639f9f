"""Heights, width and slopes of an instance from its six points (`landmarks`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spinetk.measures.landmarks import Landmarks, landmarks, lower_plate, upper_plate
from spinetk.measures.own_axes import NoLandmarks

Plate = Literal["upper", "lower"]
CUT = "the border of the image cuts it"
ONLY_PLATE: dict[str, Plate] = {"S1": "upper", "C2": "lower"}
"""Bodies with one end plate."""
ONLY_ONE = "only its {} end plate is measured"
LENGTHS, LARGEST_ANGLE = (0.55, 1.5), 35.0
"""Of such an end plate over the one beside it, and degrees between them, beyond which it is another
border of the body."""


@dataclass(frozen=True)
class Outline:
    """The points of one instance, pixels (x, y) of the upright slice.

    Attributes:
        upper, lower: float [5, 2], of an end plate front corner, front, middle, back and back
            corner; None without one.
        front, back: float [2], of each wall half way up; None without both end plates.
        fit: 0..1, intersection over union of mask and fitted shape; None without both end plates.
        reason: why something of it is None, else empty.
    """

    upper: NDArray[np.float64] | None = None
    lower: NDArray[np.float64] | None = None
    front: NDArray[np.float64] | None = None
    back: NDArray[np.float64] | None = None
    fit: float | None = None
    reason: str = ""


def outline_points(
    mask: NDArray[np.bool_],
    spacing: tuple[float, float] = (1.0, 1.0),
    along: tuple[float, float] = (0.0, 1.0),
    *,
    only: Plate | None = None,
    truncated: bool = False,
) -> Outline:
    """The points of an upright mask, and why there are none.

    Args:
        mask: bool [H, W], at least one pixel; head up, anterior left.
        spacing: (row, column) in mm; only their ratio matters.
        along: direction (x, y) of the column at the instance, in pixels.
        only: the one end plate that it has (`ONLY_PLATE`).
        truncated: the image's border cuts it: what is left has no heights.
    """
    if truncated:
        return Outline(reason=CUT)
    try:
        if only is not None:
            find = upper_plate if only == "upper" else lower_plate
            plate = find(mask, spacing, along)
            reason = ONLY_ONE.format(only)
            if only == "upper":
                return Outline(upper=plate, reason=reason)
            return Outline(lower=plate, reason=reason)
        found: Landmarks = landmarks(mask, spacing, along)
    except NoLandmarks as error:
        return Outline(reason=str(error))
    return Outline(found.upper, found.lower, found.front, found.back, found.fit)


def one_plate(
    mask: NDArray[np.bool_],
    spacing: tuple[float, float],
    along: tuple[float, float],
    known: Mapping[str, Outline],
    level: str,
    *,
    truncated: bool,
) -> Outline:
    """The one end plate of S1 or C2, which leans far against the column: it is looked for from the
    plate of the body beside it, and held against that.

    Args:
        along: of the column, where no body beside it is known.
        known: the points of the other bodies by their levels.
        level: one of `ONLY_PLATE`.
    """
    only = ONLY_PLATE[level]
    if only == "upper":
        others = [known[name].lower for name in ("L6", "L5", "L4") if name in known]
    else:
        others = [known[name].upper for name in ("C3",) if name in known]
    beside = next((plate for plate in others if plate is not None), None)
    if beside is None:
        return outline_points(mask, spacing, along, only=only, truncated=truncated)
    found = outline_points(mask, spacing, leaning(beside, spacing), only=only, truncated=truncated)
    own = found.upper if only == "upper" else found.lower
    if own is None:
        return found
    scale = np.array([spacing[1], spacing[0]])
    length, other = (float(np.linalg.norm((p[4] - p[0]) * scale)) for p in (own, beside))
    slopes = slope_of(own, spacing), slope_of(beside, spacing)
    turn = abs((slopes[0] or 0.0) - (slopes[1] or 0.0))
    if not LENGTHS[0] <= length / other <= LENGTHS[1] or turn > LARGEST_ANGLE:
        return Outline(reason=f"its {only} end plate cannot be told")
    return found


def leaning(plate: NDArray[np.float64], spacing: tuple[float, float]) -> tuple[float, float]:
    """Direction (x, y) in pixels, to the feet, at right angles to an end plate.

    Args:
        plate: float [5, 2], pixels.
        spacing: (row, column); only their ratio matters.
    """
    row, column = spacing
    right, down = plate[3] - plate[1]
    return float(-down * row / column), float(right * column / row)


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
    front, middle, back = np.linalg.norm((points.upper - points.lower)[1:4] * scale, axis=1)
    across = (np.asarray(points.back) - points.front) * scale
    return Shape(float(front), float(middle), float(back), float(np.linalg.norm(across)))


def slope_of(plate: NDArray[np.float64] | None, spacing: tuple[float, float]) -> float | None:
    """Degrees by which an end plate falls from front to back, against the image's rows.

    Args:
        plate: float [5, 2], pixels.
        spacing: (row, column); only their ratio matters.
    """
    if plate is None:
        return None
    run, fall = (plate[3] - plate[1]) * np.array([spacing[1], spacing[0]])
    return float(np.degrees(np.arctan2(fall, run)))
