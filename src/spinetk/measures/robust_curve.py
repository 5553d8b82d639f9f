"""Curves through what most of a border's points lie on, whatever stands off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TUNING, ROUNDS = 4.685, 12
"""Tukey's biweight: residuals beyond so many robust standard deviations do not count."""
Floats = NDArray[np.float64]
SAME = 0.01
"""A fit that moves by less, in the values' units, is found."""
TO_DEVIATION = 1.4826
"""A normal distribution's standard deviation, in median absolute deviations."""


class NoCurve(ValueError):
    """The points lie on no curve."""


@dataclass(frozen=True)
class Curve:
    """A polynomial of (at - middle) / reach.

    Attributes:
        coefficients: highest power first.
    """

    coefficients: tuple[float, ...]
    middle: float
    reach: float

    def at(self, place: NDArray[np.floating] | float) -> NDArray[np.float64]:
        """Its values."""
        x = (np.asarray(place, dtype=np.float64) - self.middle) / self.reach
        value: NDArray[np.float64] = np.zeros_like(x)
        for coefficient in self.coefficients:
            value = value * x + coefficient
        return value

    @property
    def slope(self) -> float:
        """Of a line."""
        return self.coefficients[0] / self.reach


def fitted(
    at: NDArray[np.float64], values: NDArray[np.float64], degree: int, least_deviation: float
) -> Curve:
    """A polynomial that most of the values lie on: iteratively reweighted least squares with
    Tukey's biweight (Beaton and Tukey, Technometrics 16 (1974) 147).

    Args:
        at, values: float [N].
        least_deviation: standard deviation of values that are as good as exact.

    Raises:
        NoCurve: too few of the values lie on one.
    """
    middle, reach = float(at.mean()), max(float(np.ptp(at)) / 2, 1.0)
    powers = np.vander((at - middle) / reach, degree + 1)
    if len(at) < 3 * (degree + 2):
        raise NoCurve("its borders are too short")
    found = _least_absolute(powers, values)
    for _ in range(ROUNDS):
        deviation = max(_deviation(powers, values, found), least_deviation)
        off = (values - powers @ found) / (TUNING * deviation)
        weights = np.clip(1 - off**2, 0, None) ** 2
        if np.count_nonzero(weights) < degree + 2:
            raise NoCurve("its borders are no lines")
        before, found = found, _solved(powers, values, weights)
        if np.abs(found - before).max() < SAME:
            break
    return Curve(tuple(found.tolist()), middle, reach)


def _least_absolute(powers: Floats, values: Floats) -> Floats:
    """Where the absolute residuals are least: what stands off pulls it less than a square's fit,
    and there is one such place only, so that like shapes are measured alike."""
    found = _solved(powers, values, np.ones(len(values)))
    for _ in range(ROUNDS):
        off = np.abs(values - powers @ found)
        found = _solved(powers, values, 1 / np.maximum(off, 0.1 * float(off.mean()) + 1e-9))
    return found


def _solved(powers: Floats, values: Floats, weights: Floats) -> Floats:
    weighted = powers.T * weights
    return np.asarray(np.linalg.solve(weighted @ powers, weighted @ values))


def _deviation(powers: Floats, values: Floats, found: Floats) -> float:
    return TO_DEVIATION * float(np.median(np.abs(values - powers @ found)))
