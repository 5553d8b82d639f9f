"""Directions at right angles: ITK, and all that is built on it, opens no others.

Headers hold rounded numbers: direction cosines of three decimals are off a right angle by 0.0004.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

SHEAR_TOLERANCE = 0.02
"""Cosine of the angle of two axes (1.1 degrees off a right angle) that rounding explains, to two
decimals at the worst."""


def orthonormal(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two unit vectors at right angles that lie nearest to two directions, in their plane.

    Source: Loewdin, J Chem Phys 18 (1950) 365: symmetric orthogonalisation.

    >>> a, b = orthonormal(np.array([2.0, 0, 0]), np.array([0.001, 1.0, 0]))
    >>> abs(float(a @ b)) < 1e-15
    True
    """
    units = np.column_stack([first / np.linalg.norm(first), second / np.linalg.norm(second)])
    left, _, right = np.linalg.svd(units, full_matrices=False)
    turned = left @ right
    return turned[:, 0], turned[:, 1]


def shear(axes: NDArray[np.float64]) -> float:
    """Largest cosine between two axes, 0 where all are at right angles.

    Args:
        axes: float [3, N], the axes in its columns, of any length.
    """
    units = axes / np.maximum(np.linalg.norm(axes, axis=0), 1e-12)
    pairs = combinations(range(units.shape[1]), 2)
    return max((abs(float(units[:, a] @ units[:, b])) for a, b in pairs), default=0.0)
