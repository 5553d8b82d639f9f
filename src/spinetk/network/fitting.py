"""Fit a slice into the network's input and map what is found back to the slice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.intensity import standardise, to_unit_range
from spinetk.study import Modality

STRIDE = 32
"""The input's sides are multiples of the network's coarsest stride."""
FINEST_MM = 0.4
"""A lumbar slice of 200 mm or more is scaled to its full size; a crop of one body is not."""


@dataclass(frozen=True)
class Fit:
    """How a slice was fitted into the network's input: scaled, top left, zero-padded.

    Attributes:
        scale: (row, column) factors from slice pixels to input pixels.
        height, width: of the slice in pixels.
        corner: (row, column) of the slice pixel that the input begins with.
    """

    scale: tuple[float, float]
    height: int
    width: int
    corner: tuple[int, int] = (0, 0)

    def to_slice(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map xyxy boxes [N, 4] from input pixels to slice pixels."""
        factor = np.array([self.scale[1], self.scale[0]] * 2, dtype=np.float32)
        moved = np.array([self.corner[1], self.corner[0]] * 2, dtype=np.float32)
        return boxes / factor + moved

    def to_input(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map xyxy boxes [N, 4] from slice pixels to input pixels."""
        factor = np.array([self.scale[1], self.scale[0]] * 2, dtype=np.float32)
        moved = np.array([self.corner[1], self.corner[0]] * 2, dtype=np.float32)
        return (boxes - moved) * factor


@dataclass(frozen=True)
class NetworkInput:
    """A slice as the network sees it.

    Attributes:
        image: float32 [1, 1, H, W], standardised, H and W multiples of 32.
        fit: where the slice's pixels are in it.
    """

    image: NDArray[np.float32]
    fit: Fit


def scale_to_fit(
    shape: tuple[int, ...], spacing: tuple[float, float] | None, side: int
) -> tuple[float, float]:
    """Factors (row, column) that make a slice's pixels square and its longer side `side` pixels.

    The longer side becomes less where pixels would be finer than `FINEST_MM`: in a small crop
    bodies would be larger than any that the network knows. Training scales by the same rule.

    Args:
        shape: (H, W) of the slice.
        spacing: (row, column) in mm, or None: pixels are taken as square.
        side: wanted longer side in pixels.
    """
    if spacing is None:
        factor = side / max(shape[:2])
        return factor, factor
    longest = max(shape[0] * spacing[0], shape[1] * spacing[1])
    fitted = min(side, max(STRIDE, round(longest / FINEST_MM)))
    return spacing[0] * fitted / longest, spacing[1] * fitted / longest


def fit_slice(
    pixels: NDArray[np.float32],
    spacing: tuple[float, float] | None,
    side: int,
    modality: Modality | None = None,
    *,
    content: tuple[int, int, int, int] | None = None,
) -> NetworkInput:
    """Map a slice's values and scale it, pixels made square by the spacing.

    Args:
        pixels: float32 [H, W], raw values, upright.
        spacing: (row, column) in mm or None.
        side: longer side of the scaled slice in pixels, unless it would be enlarged too far.
        modality: decides how values are mapped (see `spinetk.intensity`).
        content: (top, left, bottom, right) of the part to be seen; all of it by default.
    """
    fit = Fit((1.0, 1.0), *pixels.shape)
    if content is not None:
        top, left, bottom, right = content
        pixels = pixels[top:bottom, left:right]
        fit = replace(fit, corner=(top, left))
    height, width = pixels.shape
    rows, columns = size_in_input(pixels.shape, scale_to_fit(pixels.shape, spacing, side), side)
    canvas = on_canvas(to_unit_range(pixels, modality), (rows, columns))
    fit = replace(fit, scale=(rows / height, columns / width))
    return NetworkInput(standardise(canvas)[None, None], fit)


def size_in_input(shape: tuple[int, ...], scale: tuple[float, float], side: int) -> tuple[int, int]:
    """Rows and columns, at most `side`, that a slice [H, W] takes of the network's input."""
    rows, columns = (max(1, min(side, round(n * s))) for n, s in zip(shape, scale, strict=True))
    return rows, columns


def on_canvas(
    values: NDArray[Any], size: tuple[int, int], method: int | None = None
) -> NDArray[Any]:
    """Scale [H, W] to (rows, columns) and put it top left on zeros, sides multiples of 32.

    Args:
        method: of OpenCV's interpolation; as an image is scaled by default.
    """
    rows, columns = size
    if method is None:
        method = cv2.INTER_AREA if rows * columns < values.size else cv2.INTER_LINEAR
    canvas = np.zeros([-(-length // STRIDE) * STRIDE for length in size], dtype=values.dtype)
    canvas[:rows, :columns] = cv2.resize(values, (columns, rows), interpolation=method)
    return canvas
