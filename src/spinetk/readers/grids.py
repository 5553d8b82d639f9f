"""Bring a label map to the grid of its image, by where both lie in the patient.

Programs store label maps with other axes first, mirrored or cropped, and say so in the affine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput
from spinetk.readers.volume_header import VolumeFile

OFF_GRID = 0.1
"""Voxels that the labels may lie off the image's, at every corner."""


def onto_grid(labels: VolumeFile, image: VolumeFile) -> VolumeFile:
    """The labels with the axes, directions and size of the image, 0 where they do not reach.

    Raises:
        UnreadableInput: they lie between the image's voxels or beside them, or are of another size
            of voxels: bringing them there would change them; or the header of one of the two
            contradicts itself.
    """
    same = labels.shape == image.shape and np.array_equal(labels.affine, image.affine)
    for one in (labels, image):
        # of two files with the same header nobody turned one
        if one.contradiction and not (same and labels.contradiction == image.contradiction):
            reason = f"where it lies cannot be told ({one.contradiction})"
            raise UnreadableInput(reason, one.path.name)
    if labels.shape == image.shape and _off(labels.shape, labels.affine, image.affine) <= OFF_GRID:
        return replace(labels, affine=image.affine)
    to_image = np.linalg.inv(image.affine) @ labels.affine
    turn = np.round(to_image[:3, :3])
    if not np.array_equal(np.abs(turn).sum(axis=0), np.ones(3)) or not np.array_equal(
        np.abs(turn).sum(axis=1), np.ones(3)
    ):
        raise _elsewhere(labels, image)
    start = np.round(to_image[:3, 3])
    whole = np.eye(4)
    whole[:3, :3], whole[:3, 3] = turn, start
    if _off(labels.shape, to_image, whole) > OFF_GRID:
        raise _elsewhere(labels, image)

    def slabs(depth: int) -> Iterator[NDArray[np.generic]]:
        placed = _placed(labels, image, turn.astype(int), start.astype(int))
        for first in range(0, image.shape[2], depth):
            yield placed[:, :, first : first + depth]

    return replace(labels, shape=image.shape, affine=image.affine, slabs=slabs)


def _placed(
    labels: VolumeFile, image: VolumeFile, turn: NDArray[np.int_], start: NDArray[np.int_]
) -> NDArray[np.generic]:
    """The labels in an array of the image's shape.

    Raises:
        UnreadableInput: a label lies outside the image.
    """
    values = np.concatenate(list(labels.slabs(64)), axis=2)
    axes = np.argmax(np.abs(turn), axis=1)  # which of the labels' axes is the image's
    turned = np.transpose(values, axes)
    low = start.copy()
    for axis in range(3):
        if turn[axis, axes[axis]] < 0:
            turned = np.flip(turned, axis)
            low[axis] -= turned.shape[axis] - 1
    out = np.zeros(image.shape, dtype=values.dtype)
    ends = low + turned.shape
    kept = tuple(
        slice(max(0, a), max(0, min(size, b)))
        for a, b, size in zip(low, ends, image.shape, strict=True)
    )
    own = tuple(slice(k.start - a, k.stop - a) for k, a in zip(kept, low, strict=True))
    inside = turned[own] if all(k.stop > k.start for k in kept) else turned[:0, :0, :0]
    if np.count_nonzero(inside) < np.count_nonzero(turned):
        raise _elsewhere(labels, image)
    if inside.size:
        out[kept] = inside
    return out


def _off(
    shape: tuple[int, int, int], first: NDArray[np.float64], second: NDArray[np.float64]
) -> float:
    """Largest distance, in voxels of the second, of the corners of a grid under two maps."""
    ends = np.array(np.meshgrid(*((0, n - 1) for n in shape))).reshape(3, -1)
    corners = np.vstack([ends, np.ones(ends.shape[1])])
    apart = np.linalg.inv(second) @ first @ corners - corners
    return float(np.abs(apart[:3]).max())


def _elsewhere(labels: VolumeFile, image: VolumeFile) -> UnreadableInput:
    return UnreadableInput(
        f"is not on the grid of {image.path.name}: its voxels lie elsewhere in the patient",
        labels.path.name,
    )
