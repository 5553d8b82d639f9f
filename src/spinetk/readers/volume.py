"""Volumes as sagittal series, whatever file format they come from.

Axes are transposed and flipped so that slices run left-right, rows run head to foot and columns
anterior to posterior; the geometry follows, so masks can be brought back exactly. The values are
read once, slab by slab, and wait in a `PixelStore`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.orthonormal import SHEAR_TOLERANCE, orthonormal, shear
from spinetk.readers.header_checks import (
    COARSEST_MM,
    FEWEST_LINES,
    check_size,
    coarse_warning,
    file_stem,
    usable_spacing,
)
from spinetk.readers.pixel_store import BLANK, PixelStore, StoredSlices
from spinetk.readers.values import Values, whole_labels
from spinetk.readers.volume_header import VolumeFile
from spinetk.study import (
    NO_SPACING,
    SPACING_MISSING,
    Geometry,
    Modality,
    Series,
    Slice,
    vector,
)
from spinetk.warning import Warning

SLAB_VALUES = 2**22
"""So many values are in memory at a time (16 MB)."""


def sagittal_series(volume: VolumeFile, *, labels: bool = False) -> Series:
    """Read a volume (or a single slice) as a sagittal series.

    The modality is CT where the values look like Hounsfield units, else it is left open. There is
    one rule for geometry: it is right-angled and without contradiction, or there are no
    millimetres. A shear of rounded numbers is taken out.

    Args:
        labels: the file is a label map, whose values are rounded to whole numbers; otherwise one is
            refused, since it is no image.

    Raises:
        UnreadableInput: damaged, without finite values, not usable in the sagittal plane, or labels
            that are far from whole numbers.
    """
    name = volume.path.name
    layout = _picture_layout(volume) if volume.is_picture else _layout(name, volume)
    store, values = _stored(volume, layout, labels)
    warnings = list(volume.warnings)
    if lowest := values.lowest_of_incomplete(name):
        store.replace_not_finite(lowest.value)
        warnings.append(lowest.warning)
    if not labels and values.is_label_map:
        raise Unsuitable("looks like a label map, not an image (few whole numbers)", name)
    modality: Modality | None = "CT" if values.looks_like_hounsfield else None
    blank, doubts = _blank(volume, layout)
    spacing = blank[0].spacing
    missing = NO_SPACING if volume.is_picture else SPACING_MISSING
    return Series(
        key=file_stem(volume.path),
        modality=modality,
        source="volume",
        slices=StoredSlices(store, blank, transpose=layout.transpose),
        spacing_source="affine" if spacing else None,
        warnings=(*warnings, *doubts, *(coarse_warning(spacing) if spacing else [missing])),
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


def _picture_layout(volume: VolumeFile) -> _Layout:
    """A picture's rows are the file's second axis, as programs store them."""
    check_size(volume.path.name, volume.shape[1], volume.shape[0])
    spacing = np.linalg.norm(volume.affine[:3, :3], axis=0)
    return _Layout(2, 1, 0, flip_rows=False, flip_columns=False, spacing=spacing)


def _layout(name: str, volume: VolumeFile) -> _Layout:
    spacing = np.linalg.norm(volume.affine[:3, :3], axis=0)
    single = [i for i in range(3) if volume.shape[i] == 1]
    counted = [i for i in range(3) if single != [i]]  # across a single slice there is no distance
    if not np.isfinite(volume.affine).all() or not usable_spacing(spacing[counted]):
        raise UnreadableInput("its geometry is not usable (spacing zero, missing or absurd)", name)
    directions = volume.affine[:3, :3] / np.where(spacing > 0, spacing, 1)
    axis = single[0] if len(single) == 1 else int(np.argmax(np.abs(directions[0])))
    rest = [i for i in range(3) if i != axis]
    # of the two in-plane axes, the one nearest to head-foot becomes the rows
    rows = max(rest, key=lambda i: abs(directions[2, i]))
    columns = next(i for i in rest if i != rows)
    _check_plane(name, directions, spacing, axis, rows, columns)
    size = volume.shape[rows], volume.shape[columns]
    check_size(name, *size, least=FEWEST_LINES)
    check_size(name, max(size), max(size))
    return _Layout(
        axis,
        rows,
        columns,
        flip_rows=bool(directions[2, rows] > 0),  # rows run from head to foot
        flip_columns=bool(directions[1, columns] < 0),  # columns run from anterior to posterior
        spacing=spacing,
    )


def _stored(volume: VolumeFile, layout: _Layout, labels: bool) -> tuple[PixelStore, Values]:
    """Read the values, and what must be known of all of them."""
    first, second = layout.lines
    store = PixelStore(volume.shape[layout.slices], volume.shape[first], volume.shape[second])
    values = Values(volume.shape)
    depth = max(1, SLAB_VALUES // (volume.shape[0] * volume.shape[1]))
    start = 0
    for slab in volume.slabs(depth):
        part = slab.astype(np.float32)
        if labels:
            part = whole_labels(volume.path.name, part)
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


def _blank(volume: VolumeFile, layout: _Layout) -> tuple[list[Slice], list[Warning]]:
    """The slices without their pixels, and why there are no millimetres where there are none."""
    affine = volume.affine.copy()
    for axis in (layout.rows, layout.columns):
        if layout.flips(axis):
            affine[:3, 3] += affine[:3, axis] * (volume.shape[axis] - 1)
            affine[:3, axis] *= -1
    rows, columns = affine[:3, layout.rows], affine[:3, layout.columns]
    spacing = (float(layout.spacing[layout.rows]), float(layout.spacing[layout.columns]))
    count = range(volume.shape[layout.slices])
    if volume.is_picture:
        text = "a single slice that does not say how it lies: taken as a picture, head up"
        # programs that know no distance write 1
        known = volume.spaced and usable_spacing(spacing) and spacing != (1.0, 1.0)
        told = spacing if known else None
        slices = [Slice(BLANK, index, None, told, volume.path) for index in count]
        return slices, [Warning("picture", text)]
    along_row, along_column = (vector(v) for v in orthonormal(columns, rows))
    doubt = volume.contradiction or _shear(volume, layout)
    if doubt or not volume.spaced:
        facing = along_row, along_column
        slices = [Slice(BLANK, index, None, None, volume.path, facing=facing) for index in count]
        return slices, [Warning("geometry-contradicts", doubt)] if doubt else []
    across = affine[:3, layout.slices]
    geometries = (
        Geometry(
            origin=vector(affine[:3, 3] + index * across),
            along_row=along_row,
            along_column=along_column,
            spacing=spacing,
            thickness=float(layout.spacing[layout.slices]) or 1.0,
        )
        for index in count
    )
    return [Slice(BLANK, i, g, g.spacing, volume.path) for i, g in enumerate(geometries)], []


def _shear(volume: VolumeFile, layout: _Layout) -> str | None:
    """What is said of axes that are not at right angles; None where rounding explains it."""
    single = volume.shape[layout.slices] == 1
    axes: Sequence[int] = (layout.rows, layout.columns) if single else (0, 1, 2)
    off = shear(volume.affine[:3, axes])
    if off <= SHEAR_TOLERANCE:
        return None
    angle = float(np.degrees(np.arcsin(min(1.0, off))))
    return f"its axes are {angle:.1f} degrees off a right angle: lengths cannot be told"


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
    if max(spacing[rows], spacing[columns]) > COARSEST_MM:
        inside = f"{spacing[rows]:.2g} x {spacing[columns]:.2g} mm"
        raise Unsuitable(f"its sagittal plane is too coarse ({inside})", name)
