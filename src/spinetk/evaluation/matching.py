"""Match found instances to reference instances, and the metrics of a matched pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt
from scipy.optimize import linear_sum_assignment

DETECTED_IOU = 0.7
"""Box overlap from which a reference instance counts as detected (Suri et al., section 2.6)."""


SAME_IOU = 0.3
"""Below this overlap a found instance is not the reference's: it found something else."""


def match(iou: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pair reference (rows) and found (columns) instances one to one, with the largest total
    overlap of pairs that overlap by `SAME_IOU` or more; others are no pairs.

    Args:
        iou: float [N, M], of the boxes.
    """
    shared = np.where(iou >= SAME_IOU, iou, 0.0)
    rows, columns = linear_sum_assignment(-shared)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if shared[r, c] > 0]


def surface_distance_95(
    a: NDArray[np.bool_], b: NDArray[np.bool_], spacing: tuple[float, float] = (1.0, 1.0)
) -> float:
    """95th percentile of the distances between the outlines of two masks, both ways taken together
    (the "95 % Hausdorff distance" of the segmentation challenges).

    Args:
        a, b: bool [H, W], neither empty.
        spacing: (row, column); the result is in its unit, pixels by default.
    """
    rows, columns = (np.flatnonzero((a | b).any(axis=axis)) for axis in (1, 0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    rims = []
    for mask in (a, b):
        inside = np.pad(mask[window], 1)
        rims.append(inside & ~binary_erosion(inside))
    to_a, to_b = (distance_transform_edt(~rim, sampling=spacing) for rim in rims)
    return float(np.percentile(np.concatenate([to_a[rims[1]], to_b[rims[0]]]), 95))
