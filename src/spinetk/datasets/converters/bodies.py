"""From the mask of a whole vertebra to that of its body."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.datasets.converters.names import Label
from spinetk.structures import SPINE_CLASSES

OPENING = 0.65
"""Radius of the opening, as a share of the largest circle that fits into the mask."""
CORNERS = 0.42
"""How far the opened mask is grown back, as a share of that radius: sqrt(2) - 1, what an opening by
a disk takes off a right-angled corner."""
LEAST_RADIUS_MM = 3.5
"""Half the height of a flattened body; most cuts through processes and arches are thinner, and the
rest is left out as the lateral edge of a larger body (`spinetk.datasets.converters.volumes`)."""


def vertebral_body(
    vertebra: NDArray[np.bool_], spacing: tuple[float, float] | None
) -> NDArray[np.bool_]:
    """Remove the posterior elements from a vertebra's mask on a sagittal slice.

    The body is by far the thickest part. The mask is opened by a disk of 0.65 times the radius of
    the largest circle inside it, which cuts pedicles, arch and processes off and rounds the
    corners; of the parts the one around that circle is kept; it is grown back by what the opening
    took off the corners, inside the mask.

    Args:
        vertebra: bool [H, W], head up, anterior left.
        spacing: (row, column) in mm; pixels are taken as square where it is None.

    Returns:
        bool [H, W]; empty where no part is as thick as a body (a slice beside the bodies).
    """
    if not vertebra.any():
        return vertebra
    rows, columns = spacing or (1.0, 1.0)
    unit = min(rows, columns)
    # distances need square pixels: stretch the coarser axis
    size = (
        max(1, round(vertebra.shape[1] * columns / unit)),
        max(1, round(vertebra.shape[0] * rows / unit)),
    )
    mask = cv2.resize(vertebra.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    radius = float(depth.max())
    if spacing is not None and radius * unit < LEAST_RADIUS_MM:
        return np.zeros_like(vertebra)
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, _disk(OPENING * radius))
    _, parts = cv2.connectedComponents(opened, connectivity=4)
    thickest = np.unravel_index(int(np.argmax(depth)), depth.shape)
    body = (parts == parts[thickest]).astype(np.uint8)
    grown = cv2.dilate(body, _disk(CORNERS * OPENING * radius)) & mask
    back = cv2.resize(grown, vertebra.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(back.astype(bool) & vertebra)


SMALL_PART = 0.1
"""Parts of a mask smaller than this share of its largest one belong to it."""


def single_parts(label: Label, mask: NDArray[np.bool_]) -> list[tuple[Label, NDArray[np.bool_]]]:
    """The structures of a mask that has one label for all vertebrae or all discs: its connected
    parts. A mask with a level, or of another class, is one structure.

    Args:
        label: class and level.
        mask: bool [H, W].
    """
    if label[0] not in SPINE_CLASSES or label[1] is not None or not mask.any():
        return [(label, mask)]
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    sizes = stats[1:, cv2.CC_STAT_AREA]
    large = [n for n in range(1, count) if sizes[n - 1] >= SMALL_PART * sizes.max()]
    return [(label, parts == n) for n in large] if len(large) > 1 else [(label, mask)]


def _disk(radius: float) -> NDArray[np.uint8]:
    reach = max(1, round(radius))
    return np.asarray(
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)), np.uint8
    )
