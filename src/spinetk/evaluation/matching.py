"""Match found instances to reference instances, and the metrics of a matched pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

DETECTED_IOU = 0.7
"""Box overlap from which a reference instance counts as detected (Suri et al., section 2.6)."""


def match(iou: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pair reference (rows) and found (columns) instances one to one, with the largest total
    overlap; pairs that do not overlap are left out.

    Args:
        iou: float [N, M].
    """
    rows, columns = linear_sum_assignment(-iou)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if iou[r, c] > 0]


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Dice coefficient 2 |a and b| / (|a| + |b|) of two masks [H, W]; 1 where both are empty."""
    total = int(np.count_nonzero(a)) + int(np.count_nonzero(b))
    return 2 * int(np.count_nonzero(a & b)) / total if total else 1.0
