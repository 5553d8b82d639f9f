"""Volumes as sagittal series, whatever file format they come from.

Axes are transposed and flipped so that slices run left-right, rows run head to foot and columns
anterior to posterior; the geometry follows, so masks can be brought back exactly. The values are
read once, slab by slab, and wait in a `PixelStore`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers.header_checks import check_size, file_stem, too_coarse, usable_spacing
from spinetk.readers.pixel_store import BLANK, PixelStore, StoredSlices
from spinetk.readers.values import Values
from spinetk.study import Geometry, Modality, Series, Slice, vector
from spinetk.warning import Warning

SLAB_VALUES = 2**22
"""So many values are in memory at a time (16 MB)."""


@dataclass(frozen=True)
class VolumeFile:
    """A volume of which the header was read.

    Attributes:
        shape: of the axes [x, y, z] as the file has them; a single slice has a length of 1.
        affine: 4 x 4, from indices to LPS mm.
        slabs: reads the values: given how many planes [x, y] at a time, it yields arrays
            [x, y, n] of any kind of number in the order of z. It raises UnreadableInput where
            the file is damaged.
        warnings: of the header.
    """

    path: Path
    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    slabs: Callable[[int], Iterator[NDArray[np.generic]]]
    warnings: tuple[Warning, ...] = ()


def three_axes(name: str, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The shape of a volume or single slice; further axes have a length of 1.

    Raises:
        Unsuitable: there are more than three axes.
        UnreadableInput: an axis has no length.
    """
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) > 3:
        raise Unsuitable(f"has {len(shape)} dimensions; a 3D volume is needed", name)
    if min(shape, default=0) < 1:
        raise UnreadableInput("its sizes are not usable", name)
    full = (*shape, 1, 1, 1)
    return full[0], full[1], full[2]


def sagittal_series(volume: VolumeFile, *, labels: bool = False) -> Series:
    """Read a volume (or a single slice) as a sagittal series.

    The modality is CT where the values look like Hounsfield units, else it is left open.

    Args:
        labels: the file is a label map; otherwise one is refused, since it is no image.

    Raises:
        UnreadableInput: damaged, without finite values, or not usable in the sagittal plane.
    """
    name = volume.path.name
    layout = _layout(name, volume)
    store, values = _stored(volume, layout)
    warnings = list(volume.warnings)
    if lowest := values.lowest_of_incomplete(name):
        store.replace_not_finite(lowest.value)
        warnings.append(lowest.warning)
    if not labels and values.is_label_map:
        raise Unsuitable("looks like a label map, not an image (few whole numbers)", name)
    modality: Modality | None = "CT" if values.looks_like_hounsfield else None
    return Series(
        key=file_stem(volume.path),
        modality=modality,
        source="volume",
        slices=StoredSlices(store, _blank(volume, layout), transpose=layout.transpose),
        spacing_source="affine",
        warnings=tuple(warnings),
    )


@dataclass(frozen=True)
class _Layout:
    """How the axes of a file become slices.

    Attributes:
        slices, rows, columns: which axis of the file is which.
        flip_rows, flip_columns: whether it runs the other way.
        spacing: of the file's axes in mm.
    """

    slices: int
    rows: int
    columns: int
    flip_rows: bool
    flip_columns: bool
    spacing: NDArray[np.float64]

    @property
    def transpose(self) -> bool:
        """Planes are stored with rows and columns exchanged, so that a slab is whole lines."""
        return self.columns == 2

    @property
    def lines(self) -> tuple[int, int]:
        """The axes of a stored plane: its rows and its columns."""
        return (self.columns, self.rows) if self.transpose else (self.rows, self.columns)

    def flips(self, axis: int) -> bool:
        """Whether an axis runs the other way."""
        return (axis == self.rows and self.flip_rows) or (
            axis == self.columns and self.flip_columns
        )


def _layout(name: str, volume: VolumeFile) -> _Layout:
    spacing = np.linalg.norm(volume.affine[:3, :3], axis=0)
    if not np.isfinite(volume.affine).all() or not usable_spacing(spacing):
        raise UnreadableInput("its geometry is not usable (spacing zero, missing or absurd)", name)
    directions = volume.affine[:3, :3] / spacing
    axis = _slice_axis(volume.shape, directions)
    rest = [i for i in range(3) if i != axis]
    # of the two in-plane axes, the one nearest to head-foot becomes the rows
    rows = max(rest, key=lambda i: abs(directions[2, i]))
    columns = next(i for i in rest if i != rows)
    _check_plane(name, directions, spacing, axis, rows, columns)
    check_size(name, volume.shape[rows], volume.shape[columns])
    return _Layout(
        axis,
        rows,
        columns,
        flip_rows=bool(directions[2, rows] > 0),  # rows run from head to foot
        flip_columns=bool(directions[1, columns] < 0),  # columns run from anterior to posterior
        spacing=spacing,
    )


def _stored(volume: VolumeFile, layout: _Layout) -> tuple[PixelStore, Values]:
    """Read the values, and what must be known of all of them."""
    first, second = layout.lines
    store = PixelStore(volume.shape[layout.slices], volume.shape[first], volume.shape[second])
    values = Values(volume.shape)
    depth = max(1, SLAB_VALUES // (volume.shape[0] * volume.shape[1]))
    start = 0
    for slab in volume.slabs(depth):
        part = slab.astype(np.float32)
        values.take(part)
        planes = np.transpose(part, (layout.slices, first, second))
        for place, axis in ((1, first), (2, second)):
            if layout.flips(axis):
                planes = np.flip(planes, place)
        count = part.shape[2]
        if layout.slices == 2:
            for number, plane in enumerate(planes):
                store.write_part(start + number, 0, 0, plane)
        else:  # the slab is some rows of every stored plane
            row = volume.shape[2] - start - count if layout.flips(2) else start
            for number, plane in enumerate(planes):
                store.write_part(number, row, 0, plane)
        start += count
    return store, values


def _blank(volume: VolumeFile, layout: _Layout) -> list[Slice]:
    """The slices without their pixels."""
    affine = volume.affine.copy()
    for axis in (layout.rows, layout.columns):
        if layout.flips(axis):
            affine[:3, 3] += affine[:3, axis] * (volume.shape[axis] - 1)
            affine[:3, axis] *= -1
    spacing = layout.spacing
    slices = []
    for index in range(volume.shape[layout.slices]):
        geometry = Geometry(
            origin=vector(affine[:3, 3] + index * affine[:3, layout.slices]),
            along_row=vector(affine[:3, layout.columns] / spacing[layout.columns]),
            along_column=vector(affine[:3, layout.rows] / spacing[layout.rows]),
            spacing=(float(spacing[layout.rows]), float(spacing[layout.columns])),
            thickness=float(spacing[layout.slices]),
        )
        slices.append(Slice(BLANK, index, geometry, geometry.spacing, volume.path))
    return slices


def _slice_axis(shape: tuple[int, ...], directions: NDArray[np.float64]) -> int:
    """The axis to cut along: the only thin one of a single slice, else that nearest left-right."""
    thin = [i for i in range(3) if shape[i] == 1]
    return thin[0] if len(thin) == 1 else int(np.argmax(np.abs(directions[0])))


def _check_plane(
    name: str,
    directions: NDArray[np.float64],
    spacing: NDArray[np.float64],
    axis: int,
    rows: int,
    columns: int,
) -> None:
    planes: tuple[Literal["sagittal", "coronal", "axial"], ...] = ("sagittal", "coronal", "axial")
    nearest = int(np.argmax(np.abs(directions[:, axis])))
    if nearest != 0:
        raise Unsuitable(f"a single {planes[nearest]} slice; a sagittal one is needed", name)
    inside = spacing[[rows, columns]]
    if too_coarse(*inside):
        raise Unsuitable(
            f"its sagittal plane is too coarse ({inside[0]:.2g} x {inside[1]:.2g} mm); "
            "it seems to be an axial or coronal series",
            name,
        )
