"""Shapes with known sizes."""

import cv2
import numpy as np
from numpy.typing import NDArray

Corners = list[tuple[float, float]]


def drawn(corners: Corners, side: int = 300) -> NDArray[np.bool_]:
    """A filled polygon whose corners are given in pixel corners (the first pixel reaches from 0 to
    1), drawn at 8-fold resolution."""
    big = np.zeros((side * 8, side * 8), dtype=np.uint8)
    cv2.fillPoly(big, [np.round(np.array(corners) * 8).astype(np.int32)], 255)
    return cv2.resize(big, (side, side), interpolation=cv2.INTER_AREA) > 127


def turned(corners: NDArray[np.float64], degrees: float) -> Corners:
    """Turned about (150, 150), clockwise as shown."""
    angle = np.radians(degrees)
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return [(float(x), float(y)) for x, y in (corners - 150) @ rotate.T + 150]


def box(
    left: float, top: float, right: float, bottom: float, hollow: float = 0.0
) -> NDArray[np.float64]:
    """Corners of a rectangle whose upper and lower side are parabolas, so hollow in the middle."""
    u = np.linspace(-1, 1, 41)
    x, in_ = (left + right) / 2 + u * (right - left) / 2, hollow * (1 - u**2)
    upper, lower = np.stack([x, top + in_], 1), np.stack([x, bottom - in_], 1)
    return np.concatenate([upper, lower[::-1]])
