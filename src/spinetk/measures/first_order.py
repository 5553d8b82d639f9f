"""First-order features of the pixels inside a mask, on raw values (never on windowed ones)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 64
"""Entropy uses a fixed number of equal bins between the mask's smallest and largest value, because
MR values have no unit that would give a bin width a meaning (IBSI: fixed bin number)."""


@dataclass(frozen=True)
class FirstOrder:
    """First-order features; None where a feature is not defined for the pixels.

    Attributes:
        mean: mean value.
        mpp: mean of the pixels with a value above 0; None where there is none.
        skewness: m3 / m2^1.5 with m_k the central moments (IBSI KE2M); 0 for constant values.
        kurtosis: m4 / m2^2 (Pearson; PyRadiomics); 0 for constant values, as PyRadiomics has it.
        kurtosis_excess: kurtosis - 3 (IBSI IPH6); None for constant values.
        entropy_bits: -sum p log2 p over the occupied bins (IBSI TLU2).
        n_bins: number of bins of the entropy.
    """

    mean: float
    mpp: float | None
    skewness: float
    kurtosis: float
    kurtosis_excess: float | None
    entropy_bits: float
    n_bins: int


def first_order(pixels: NDArray[np.float32], mask: NDArray[np.bool_]) -> FirstOrder:
    """Features of the pixels inside the mask.

    Args:
        pixels: float32 [H, W], raw values.
        mask: bool [H, W], at least one pixel.
    """
    values = pixels[mask].astype(np.float64)
    positive = values[values > 0]
    centred = values - values.mean()
    m2, m3, m4 = (float(np.mean(centred**k)) for k in (2, 3, 4))
    flat = m2 == 0
    kurtosis = 0.0 if flat else m4 / m2**2
    return FirstOrder(
        mean=float(values.mean()),
        mpp=float(positive.mean()) if positive.size else None,
        skewness=0.0 if flat else m3 / m2**1.5,
        kurtosis=kurtosis,
        kurtosis_excess=None if flat else kurtosis - 3,
        entropy_bits=_entropy(values),
        n_bins=BINS,
    )


def _entropy(values: NDArray[np.float64]) -> float:
    counts, _ = np.histogram(values, bins=BINS)
    shares = counts[counts > 0] / values.size
    return float(abs(-(shares * np.log2(shares)).sum()))
