"""Whether the values of a CT are Hounsfield units: many files that say CT hold others.

Volumes prepared for networks are scaled to 0..1 or 0..255, reformats are stored with 8 bits, and
converters lose the intercept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spinetk.study import NOT_HOUNSFIELD, Series, Slice
from spinetk.warning import Warning

FAT_AND_NOISE_HU = -30.0
"""Every CT slice that shows a spine also shows fat or air, which are below."""
BONE_HU = 100.0
"""And bone, which is above."""
FEWEST_PADDING = 0.02
"""Share of pixels of the lowest value from which on it stands for none."""
AIR_HU, MOST_BELOW_AIR = -1100.0, 0.001
"""Nothing is less dense than air (-1000 and noise); padding is one value."""
CUT_OFF_HU, MOST_AT_TOP = 1000.0, 0.003
"""Where so many pixels have the highest value, bone is cut off; of 4,095 the highest ones are those
of metal."""
LOOKED_AT = 5
LOW_PERCENTILE, HIGH_PERCENTILE = 0.5, 99.5


def with_units_checked(series: Series) -> Series:
    """The series, with a warning where it is taken for a CT and its values are no Hounsfield
    units."""
    if not series.in_hounsfield:
        return series
    doubt = _doubt(series.slices)
    if series.source == "raster":
        doubt = "a picture holds grey values"
    if doubt is None:
        return series
    names = "" if series.source == "raster" else " and S1 names no levels"
    text = f"{doubt}: no Hounsfield units, so no means are given{names}"
    return replace(series, warnings=(*series.warnings, Warning(NOT_HOUNSFIELD, text)))


def low_values(values: NDArray[np.float32]) -> bool:
    """Whether values reach below air, padding of one value left out: no Hounsfield units do."""
    rest = values[values != values.min()]
    return bool(len(rest) and (rest < AIR_HU).mean() > MOST_BELOW_AIR)


def _doubt(slices: Sequence[Slice]) -> str | None:
    """Why values cannot be Hounsfield units, None where they can."""
    chosen = np.unique(np.linspace(0, len(slices) - 1, LOOKED_AT).round().astype(int))
    values = np.concatenate([slices[int(i)].pixels[::3, ::3].ravel() for i in chosen])
    lowest = values == values.min()
    if FEWEST_PADDING < lowest.mean() < 1:  # what lies outside the field of view says nothing
        values = values[~lowest]
    if low_values(values):
        return f"values lie down to {values.min():.4g}, which is below air"
    top = float(values.max())
    if top < CUT_OFF_HU and (values == top).mean() > MOST_AT_TOP:
        return f"values are cut off at {top:.4g}"
    low, high = (float(v) for v in np.percentile(values, (LOW_PERCENTILE, HIGH_PERCENTILE)))
    if low > FAT_AND_NOISE_HU or high < BONE_HU:
        return f"values lie from {low:.3g} to {high:.3g}"
    return None
