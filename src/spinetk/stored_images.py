"""Bring masks from a slice to the stored DICOM images that it comes from, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinetk.study import Frame, Slice


def on_frames(stored: Slice, labels: NDArray[Any]) -> tuple[tuple[Frame, ...], NDArray[Any]]:
    """Bring labels drawn on a slice to the stored images that it comes from.

    Args:
        labels: [H, W] on the slice's grid, 0 where there is nothing.

    Returns:
        Each image that something lies on, in the slice's order, and their labels [images, rows,
        columns].

    Raises:
        ValueError: the slice does not come from DICOM.
    """
    if stored.origin is None:
        raise ValueError("the slice does not come from stored DICOM images")
    if isinstance(stored.origin, Frame):
        return ((stored.origin,), labels[None]) if labels.any() else ((), labels[None][:0])
    where = stored.origin
    lines = labels if where.lines == "rows" else labels.T
    cuts = zip(where.frames, where.shifts, lines, strict=True)
    held = [(frame, shift, line) for frame, shift, line in cuts if line.any()]
    # zeros that are never written take no memory: a CT of hundreds of images has one line on each
    images = np.zeros((len(held), *where.frame_shape), dtype=labels.dtype)
    for image, (_, shift, line) in zip(images, held, strict=True):
        turned = image.T if where.frame_lines == "columns" else image
        turned[where.place] = line[shift : shift + turned.shape[1]]
    return tuple(frame for frame, _, _ in held), images


ImageKey = tuple[str, int | None]
"""SOP instance UID, and the frame's number in a multi-frame file."""


def key_of(frame: Frame) -> ImageKey:
    """What tells a stored image from all others."""
    return frame.uid, frame.number


def onto_slice(
    stored: Slice, images: Mapping[ImageKey, NDArray[np.bool_]]
) -> NDArray[np.bool_] | None:
    """Gather a mask from stored images onto a slice.

    Args:
        images: bool [rows, columns] by image.

    Returns:
        bool [H, W], None where none of the images belongs to the slice.

    Raises:
        ValueError: a mask has another size than its image.
    """
    if stored.origin is None:
        return None
    if isinstance(stored.origin, Frame):
        found = images.get(key_of(stored.origin))
        if found is not None and found.shape != stored.pixels.shape:
            raise ValueError(f"{found.shape} against {stored.pixels.shape}")
        return found
    where = stored.origin
    if not any(key_of(frame) in images for frame in where.frames):
        return None
    mask = np.zeros(stored.pixels.shape, dtype=bool)
    lines = mask if where.lines == "rows" else mask.T
    for line, frame, shift in zip(lines, where.frames, where.shifts, strict=True):
        if (key := key_of(frame)) in images:
            image = images[key]
            if image.shape != where.frame_shape:
                raise ValueError(f"{image.shape} against {where.frame_shape}")
            turned = image.T if where.frame_lines == "columns" else image
            line[shift : shift + turned.shape[1]] = turned[where.place]
    return mask
