"""Bring what is drawn on a slice back to the stored DICOM images that the slice comes from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinetk.study import Frame, Slice


def on_frames(one: Slice, labels: NDArray[np.generic]) -> list[tuple[Frame, NDArray[np.generic]]]:
    """Bring labels drawn on a slice to the stored images that it comes from.

    Args:
        labels: [H, W] on the slice's grid, 0 where there is nothing.

    Returns:
        Each image that something lies on and its labels [rows, columns], in the slice's order.

    Raises:
        ValueError: the slice does not come from DICOM.
    """
    if one.origin is None:
        raise ValueError("the slice does not come from stored DICOM images")
    if isinstance(one.origin, Frame):
        return [(one.origin, labels)] if labels.any() else []
    where = one.origin
    lines = labels if where.lines == "rows" else labels.T
    out = []
    for frame, shift, line in zip(where.frames, where.shifts, lines, strict=True):
        if not line.any():
            continue
        image = np.zeros(where.frame_shape, dtype=labels.dtype)
        turned = image.T if where.frame_lines == "columns" else image
        turned[where.place] = line[shift : shift + turned.shape[1]]
        out.append((frame, image))
    return out
