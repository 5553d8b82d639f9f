"""Read NIfTI volumes (.nii, .nii.gz) with nibabel."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.volumeutils import apply_read_scaling
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput
from spinetk.readers.header_checks import short
from spinetk.readers.reader import FileReader
from spinetk.readers.volume import VolumeFile, sagittal_series, three_axes
from spinetk.study import LPS_TO_RAS, Series
from spinetk.warning import Warning

BLOCK = 2**20
TO_MM = {1: 1000.0, 3: 0.001}
"""Of NIfTI's codes for metres and micrometres; millimetres, and what is not said, stay as they are.
nibabel's own reading of the field stops at codes that do not exist."""


def open_nifti(path: Path) -> VolumeFile:
    """Read the header.

    Raises:
        UnreadableInput: damaged, of values that are no gray values, or with too many axes.
    """
    try:
        image: Any = nibabel.load(path)
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
    text = "the file does not say how it lies: taken to run along L, A and S"
    return VolumeFile(
        path,
        shape,
        LPS_TO_RAS @ np.diag([factor, factor, factor, 1.0]) @ affine,
        lambda depth: _slabs(path, image.dataobj, shape, depth),
        (Warning("orientation-assumed", text),) if unoriented else (),
    )


def read_nifti(path: Path) -> Series:
    """Read a NIfTI file as a sagittal series.

    Raises:
        UnreadableInput: damaged, or not usable.
    """
    return sagittal_series(open_nifti(path))


def _slabs(
    path: Path, values: Any, shape: tuple[int, int, int], depth: int
) -> Iterator[NDArray[np.generic]]:
    """Read from the first byte of the values to the end of the file: a compressed file is only
    known to be whole when its check sum was read."""
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opened(path, "rb") as stream:
            stream.seek(values.offset)
            for start in range(0, shape[2], depth):
                count = min(depth, shape[2] - start)
                size = shape[0] * shape[1] * count * values.dtype.itemsize
                content = stream.read(size)
                if len(content) != size:
                    raise EOFError("its sizes do not fit its data")
                stored = np.frombuffer(content, dtype=values.dtype)
                part = apply_read_scaling(stored, values.slope, values.inter)
                yield part.reshape(*shape[:2], count, order="F")
            while stream.read(BLOCK):
                pass
    except Exception as error:  # zlib and struct raise many kinds for damaged files
        raise UnreadableInput(f"damaged or not NIfTI ({short(error, path)})", path.name) from error


NIFTI = FileReader((".nii", ".nii.gz"), read_nifti)
