"""Read NIfTI volumes (.nii, .nii.gz) with nibabel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput
from spinetk.readers.header_checks import short
from spinetk.readers.reader import FileReader
from spinetk.readers.volume import VolumeFile, sagittal_series, three_axes
from spinetk.study import LPS_TO_RAS, Series
from spinetk.warning import Warning

TO_MM = {1: 1000.0, 3: 0.001}
"""Of NIfTI's codes for metres and micrometres; millimetres, and what is not said, stay as they are.
nibabel's own reading of the field stops at codes that do not exist."""


def open_nifti(path: Path) -> VolumeFile:
    """Read the header.

    Raises:
        UnreadableInput: damaged, of values that are no gray values, or with too many axes.
    """
    try:
        # open as long as the values are read: each part of a compressed file follows the last one
        image: Any = nibabel.load(path, keep_file_open=True)
        affine = np.asarray(image.affine, dtype=np.float64)
        kind = image.dataobj.dtype
        header = image.header
        unit = int(header["xyzt_units"]) & 7
        unoriented = bool(header["sform_code"] == header["qform_code"] == 0)
    except Exception as error:  # nibabel, zlib and struct raise many kinds for damaged files
        raise UnreadableInput(f"damaged or not NIfTI ({short(error, path)})", path.name) from error
    if kind.names is not None or np.issubdtype(kind, np.complexfloating):
        raise UnreadableInput("colour or complex values; gray values are needed", path.name)
    shape = three_axes(path.name, tuple(int(size) for size in image.shape))
    factor = TO_MM.get(unit, 1.0)
    text = "the file does not say how it lies: taken to run along R, A and S"
    return VolumeFile(
        path,
        shape,
        LPS_TO_RAS @ np.diag([factor, factor, factor, 1.0]) @ affine,
        lambda depth: _slabs(path, image, shape, depth),
        (Warning("orientation-assumed", text),) if unoriented else (),
    )


def read_nifti(path: Path) -> Series:
    """Read a NIfTI file as a sagittal series.

    Raises:
        UnreadableInput: damaged, or not usable.
    """
    return sagittal_series(open_nifti(path))


def _slabs(
    path: Path, image: Any, shape: tuple[int, int, int], depth: int
) -> Iterator[NDArray[np.generic]]:
    further = (0,) * (len(image.shape) - 3)
    for start in range(0, shape[2], depth):
        stop = min(start + depth, shape[2])
        where = (slice(None), slice(None), slice(start, stop), *further)
        try:
            part = np.asarray(image.dataobj[where[: len(image.shape)]])
        except Exception as error:  # nibabel, zlib and struct raise many kinds for damaged files
            raise UnreadableInput(
                f"damaged or not NIfTI ({short(error, path)})", path.name
            ) from error
        yield part.reshape(shape[0], shape[1], stop - start)


NIFTI = FileReader((".nii", ".nii.gz"), read_nifti)
