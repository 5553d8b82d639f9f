"""How much a feature depends on where exactly the outline runs.

The network expects a Dice of each of its outlines. An outline that errs by so much is moved, grown
and shrunk, and the features of the six masks are held against each other: what changes little can
be used, what changes as much as bodies differ from one another cannot (Zwanenburg et al.,
Scientific Reports 9 (2019) 614, perturb images in the same way).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.measures.core import core
from spinetk.measures.first_order import first_order

FEATURES = ("mean", "mpp", "skewness", "kurtosis", "entropy_bits")
LEAST, MOST = 0.25, 3.0
"""Pixels of error that are tried."""
SHARE = 0.5
"""A feature is unstable whose spread is more than this share of its standard deviation over the
column: less than three quarters of what differs between bodies is then their own."""
SEED = 1
FEWEST = 4
"""Instances of a kind that tell how much bodies differ."""


def rim_error(mask: NDArray[np.bool_], dice: float) -> float:
    """Pixels by which an outline of this Dice errs, if it errs by the same everywhere.

    A mask of area A and perimeter P that is r too large has the Dice 2 A / (2 A + r P); so
    r = 2 A (1 / Dice - 1) / P.

    Args:
        mask: bool [H, W].
        dice: 0..1, above 0.
    """
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    perimeter = sum(cv2.arcLength(contour, closed=True) for contour in contours)
    error = 2 * float(np.count_nonzero(mask)) * (1 / max(dice, 0.01) - 1) / max(perimeter, 1.0)
    return float(np.clip(error, LEAST, MOST))


def feature_spread(
    pixels: NDArray[np.float32],
    mask: NDArray[np.bool_],
    spacing: tuple[float, float] | None,
    error: float,
) -> dict[str, float | None]:
    """Standard deviation of each feature over masks moved, grown and shrunk by the error.

    Args:
        pixels: float32 [H, W], raw values.
        mask: bool [H, W], not empty.
        spacing: (row, column) in mm for the core; None where it is not known.
        error: pixels.

    Returns:
        `spread_NAME` of the whole mask and `spread_core_NAME` of its core; None where a mask is too
        small.
    """
    values: dict[str, list[float | None]] = {}
    for other in _erring(mask, error):
        inside = core(other, spacing)
        for prefix, part in (("", other), ("core_", inside)):
            found = asdict(first_order(pixels, part)) if part.any() else {}
            for name in FEATURES:
                values.setdefault(f"spread_{prefix}{name}", []).append(found.get(name))
    return {name: _spread(own) for name, own in values.items()}


def unstable(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of each row, the features that the outline's error moves too much, with spaces between; of
    kinds with few instances, none."""
    limits: dict[tuple[str, str], float] = {}
    names = [f"{part}{name}" for part in ("", "core_") for name in FEATURES]
    for kind in {str(row["kind"]) for row in rows}:
        for name in names:
            own = [float(r[name]) for r in rows if r["kind"] == kind and r[name] is not None]
            if len(own) >= FEWEST:
                limits[kind, name] = SHARE * float(np.std(own, ddof=1))
    return [
        " ".join(
            name
            for name in names
            if row[f"spread_{name}"] is not None
            and float(row[f"spread_{name}"]) > limits.get((str(row["kind"]), name), np.inf)
        )
        for row in rows
    ]


def _erring(mask: NDArray[np.bool_], error: float) -> list[NDArray[np.bool_]]:
    """The mask grown, shrunk, and moved up, down, left and right."""
    margin = int(np.ceil(error)) + 2
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = max(0, rows[0] - margin), max(0, columns[0] - margin)
    window = (slice(top, rows[-1] + margin + 1), slice(left, columns[-1] + margin + 1))
    near = mask[window].astype(np.uint8)
    # distance of each pixel's centre from the outline, which runs between pixels; inside above 0
    signed = cv2.distanceTransform(near, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(1 - near, cv2.DIST_L2, 5)
    signed = np.where(near > 0, signed - 0.5, 0.5 - outside).astype(np.float32)

    def moved(across: float, down: float) -> NDArray[np.float32]:
        matrix = np.array([[1, 0, across], [0, 1, down]], dtype=np.float64)
        size = signed.shape[::-1]
        there: NDArray[np.float32] = cv2.warpAffine(
            signed, matrix, size, borderMode=cv2.BORDER_REPLICATE
        )
        return there

    fields = [signed + error, signed - error]
    fields += [moved(*step) for step in ((error, 0), (-error, 0), (0, error), (0, -error))]
    # of an error below a pixel, as many of the pixels on the rim change sides as it covers of them
    dither = np.random.default_rng(SEED).uniform(-0.5, 0.5, signed.shape).astype(np.float32)
    out = []
    for field in fields:
        whole = np.zeros_like(mask)
        whole[window] = field + dither > 0
        out.append(whole)
    return out


def _spread(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.std(known, ddof=1)) if len(known) == len(values) else None
