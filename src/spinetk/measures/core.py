"""The core of a mask: what lies deep enough in it that no outline's error reaches it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

RIM_MM, RIM_PIXELS = 2.0, 1.5
"""What is taken off all around: in mm where the spacing is known, as bone densitometry leaves the
cortex out; in pixels where it is not."""
FEWEST = 30
"""Pixels of a core; of fewer no features are given."""


def core(mask: NDArray[np.bool_], spacing: tuple[float, float] | None) -> NDArray[np.bool_]:
    """The pixels of a mask that lie further from every pixel outside than the rim is wide.

    Args:
        mask: bool [H, W].
        spacing: (row, column) in mm, None where it is not known.

    Returns:
        bool [H, W]; empty where fewer than `FEWEST` are left.
    """
    rim, (row, column) = (RIM_MM, spacing) if spacing else (RIM_PIXELS, (1.0, 1.0))
    high, wide = int(rim / row), int(rim / column)
    rows, columns = np.ogrid[-high : high + 1, -wide : wide + 1]
    near = np.hypot(rows * row, columns * column) <= rim
    inside = cv2.erode(
        mask.astype(np.uint8), near.astype(np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0
    ).astype(bool)
    return inside if np.count_nonzero(inside) >= FEWEST else np.zeros_like(mask)
