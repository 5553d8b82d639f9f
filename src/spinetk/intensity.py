"""Map raw pixel values to the network's input range.

The network never sees raw values and radiomics never see mapped ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinetk.study import Modality

BONE_WINDOW_HU = -500.0, 1300.0
"""Centre 400, width 1800: what viewers call a bone window, as the CT training sets are shown."""
NO_PICTURE_HU = -200.0
LOW_PERCENTILE, HIGH_PERCENTILE = 0.5, 99.5
MEAN, DEVIATION = 0.25, 0.25
"""Centre and scale of the mapped values over the MR training sets, rounded."""


def to_unit_range(
    pixels: NDArray[np.generic], modality: Modality | None = None
) -> NDArray[np.float32]:
    """Clip to the 0.5th and 99.5th percentile and scale to 0..1.

    CT in Hounsfield units is clipped to the bone window first, so that it makes no difference how
    far beyond it the air around the patient and metal lie. Values that cannot be Hounsfield units
    (none
    below -200) are pictures, windowed already; training draws windows at random for their sake.

    Args:
        modality: "CT" for the rule above.
        pixels: [H, W], any real type; values that are not finite count as the lowest.

    Returns:
        float32 [H, W], 0..1; all zero where the slice has no contrast.
    """
    values = np.asarray(pixels, dtype=np.float32)
    finite = np.isfinite(values)
    if not finite.all():
        lowest = float(values[finite].min()) if finite.any() else 0.0
        values = np.where(finite, values, np.float32(lowest))
    if modality == "CT" and float(values.min(initial=0)) < NO_PICTURE_HU:
        values = np.clip(values, *BONE_WINDOW_HU)
    low, high = np.percentile(values, (LOW_PERCENTILE, HIGH_PERCENTILE))
    if not high > low:
        low, high = float(values.min()), float(values.max())
    if not high > low:
        return np.zeros(values.shape, dtype=np.float32)
    scaled: NDArray[np.float32] = np.clip((values - low) / (high - low), 0, 1).astype(np.float32)
    return scaled


def standardise(unit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shift and scale 0..1 values to about zero mean and unit deviation, as in training."""
    result: NDArray[np.float32] = (unit - np.float32(MEAN)) / np.float32(DEVIATION)
    return result
