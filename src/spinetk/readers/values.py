"""What must be known of all values of a volume, gathered while they are read part by part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput
from spinetk.hounsfield import low_values
from spinetk.warning import Warning

SAMPLED_VALUES = 2**21
"""Percentiles are taken from about so many values, evenly spread."""
AIR_HU, FAT_HU, BONE_HU = -500.0, -60.0, 150.0
LARGEST_LABEL, MOST_LABELS = 1000, 48


LABEL_TOLERANCE = 0.25
"""Label values (as scaled by 0.999) are rounded; further from a whole number they are none."""


def whole_labels(name: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Label values as whole numbers.

    Raises:
        UnreadableInput: some are far from whole numbers, as after interpolation.
    """
    known = np.where(np.isfinite(values), values, np.float32(0))
    whole = np.asarray(np.round(known), dtype=np.float32)
    far = np.abs(known - whole) > LABEL_TOLERANCE
    if far.any():
        example = float(known[far][0])
        reason = f"{int(far.sum())} label values are no whole numbers (one is {example:.4g})"
        raise UnreadableInput(f"{reason}: interpolated? Resample labels by nearest neighbour", name)
    return whole


@dataclass(frozen=True)
class Incomplete:
    """Values that are not finite: what takes their place, and what is said of it."""

    value: float
    warning: Warning


class Values:
    """Takes parts of a volume in the order of z and answers for the whole.

    Values that are not finite count as the lowest one, which takes their place.

    Args:
        shape: of the volume.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        size = int(np.prod(shape, dtype=object))
        self._step = max(1, round((size / SAMPLED_VALUES) ** (1 / 3)))
        self._size = self._planes = self._set = self._lost = 0
        self._lowest = np.inf
        self._whole = True
        self._labels: set[float] = set()
        self._sample: list[NDArray[np.float32]] = []

    def take(self, part: NDArray[np.float32]) -> None:
        """Take account of a part, float32 [x, y, n]."""
        step, first = self._step, -self._planes % self._step
        # a copy: a view, be it empty, keeps the whole part in memory
        self._sample.append(part[::step, ::step, first::step].ravel().copy())
        self._size += part.size
        self._planes += part.shape[2]
        good = np.isfinite(part)
        values = part if good.all() else part[good]
        self._lost += part.size - values.size
        if not values.size:
            return
        self._lowest = min(self._lowest, float(values.min()))
        self._set += int(np.count_nonzero(values))
        self._whole = self._whole and bool((values == np.round(values)).all())
        if self._whole and len(self._labels) <= MOST_LABELS:
            self._labels |= set(np.unique(values).tolist()) - {0.0}

    def lowest_of_incomplete(self, name: str) -> Incomplete | None:
        """What takes the place of values that are not finite; None where all are.

        Raises:
            UnreadableInput: no value is finite.
        """
        if not self._lost:
            return None
        if self._lost == self._size:
            raise UnreadableInput("no pixel has a finite value (all NaN or infinite)", name)
        text = f"{self._lost} pixels without a finite value were set to the lowest"
        return Incomplete(self._lowest, Warning("values-replaced", text))

    @property
    def is_label_map(self) -> bool:
        """Whether the volume holds at most 48 different values, all of them small whole numbers,
        most of them 0: no image does, label maps of spines do."""
        set_values = self._set + (self._lost if self._lowest != 0 else 0)
        return bool(
            self._whole
            and 0 < set_values <= 0.5 * self._size
            and len(self._labels) <= MOST_LABELS
            and max(self._labels, default=LARGEST_LABEL) < LARGEST_LABEL
        )

    @property
    def looks_like_hounsfield(self) -> bool:
        """Whether values reach down to air, or, in a crop inside the patient, are whole numbers
        from fat (about -100 HU) to bone. MR signal has no negative values to speak of."""
        sample = np.concatenate(self._sample)
        sample[~np.isfinite(sample)] = self._lowest
        low, high = np.percentile(sample, (1, 99))
        if low_values(sample):  # phase images, say
            return False
        return bool(low < AIR_HU or (low < FAT_HU and high > BONE_HU and self._whole))
