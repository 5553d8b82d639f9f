"""Read NIfTI volumes (.nii, .nii.gz) and NIfTI or Analyze pairs (.hdr, .img) with nibabel."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nibabel
import numpy as np
from nibabel.volumeutils import apply_read_scaling
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput
from spinetk.readers.header_checks import short
from spinetk.readers.reader import FileReader
from spinetk.readers.volume import sagittal_series
from spinetk.readers.volume_header import CONTRADICTS, VolumeFile, three_axes
from spinetk.study import LPS_TO_RAS, Series
from spinetk.warning import Warning

BLOCK = 2**20
TURNED = 0.02
"""Direction cosines that differ by more contradict each other."""
TO_MM = {1: 1000.0, 3: 0.001}
"""Of NIfTI's codes for metres and micrometres; millimetres, and what is not said, stay as they are.
nibabel's own reading of the field stops at codes that do not exist."""


def open_nifti(path: Path) -> VolumeFile:
    """Read the header.

    Raises:
        UnreadableInput: damaged, of values that are no gray values, or with too many axes.
    """
    try:
        image = _opened(path)
        affine = np.asarray(image.affine, dtype=np.float64)
        kind = image.dataobj.dtype
        header = image.header
        unit = int(header["xyzt_units"]) & 7 if "xyzt_units" in header else 0
        told = _what_is_told(header, affine, unit)
    except Exception as error:  # nibabel, zlib and struct raise many kinds for damaged files
        raise UnreadableInput(f"damaged or not NIfTI ({short(error, path)})", path.name) from error
    if kind.names is not None or np.issubdtype(kind, np.complexfloating):
        raise UnreadableInput("colour or complex values; gray values are needed", path.name)
    shape = three_axes(path.name, tuple(int(size) for size in image.shape))
    factor = TO_MM.get(unit, 1.0)
    text = "the file does not say how it lies: taken to run along L, A and S"
    values_in = values_file(path)
    return VolumeFile(
        path,
        shape,
        LPS_TO_RAS @ np.diag([factor, factor, factor, 1.0]) @ affine,
        lambda depth: _slabs(values_in, image.dataobj, shape, depth),
        spaced=told.spaced,
        placed=told.placed,
        contradiction=told.contradiction,
        warnings=() if told.oriented else (Warning("orientation-assumed", text),),
    )


LONGEST_REST = 16 * 2**20
"""Bytes that may follow the values."""


def _opened(path: Path) -> Any:
    """The image, its values unread; compressed is what begins so, whatever its name says."""
    if path.name.lower().endswith((".nii", ".nii.gz")):
        stream = (gzip.open if _is_gzip(path) else open)(path, "rb")
        places = {"image": nibabel.FileHolder(str(path), stream)}
        start = stream.read(4)
        stream.seek(0)
        second = 540 in (int.from_bytes(start, order) for order in ("little", "big"))
        kind = nibabel.Nifti2Image if second else nibabel.Nifti1Image  # by the header's size
        return kind.from_file_map(places)
    return nibabel.load(path)


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


class _Told(NamedTuple):
    """What a header says: of directions, of a place in the patient, of distances."""

    oriented: bool
    placed: bool
    spaced: bool
    contradiction: str | None


def _what_is_told(header: Any, affine: NDArray[np.float64], unit: int) -> _Told:
    """A file of no orientation, and one whose affine is the identity (which programs write that
    know none), says nothing of the patient; nor does one whose voxels are 1 by 1 by 1 of distances:
    libraries write that, in mm, of arrays of which they know nothing."""
    zooms = np.array(header.get_zooms()[:3], dtype=np.float64)
    codes = [int(header[name]) if name in header else 0 for name in ("sform_code", "qform_code")]
    columns = affine[:3, :3]
    diagonal = np.allclose(columns, np.diag(np.diag(columns)))
    at_zero = not np.abs(affine[:3, 3]).any()
    oriented = any(codes)
    placed = oriented and not (diagonal and at_zero)
    lengths = np.linalg.norm(columns, axis=0)
    nothing = not placed and bool(np.allclose(lengths, 1))
    contradiction = None
    both = [(z, n) for z, n in zip(zooms, lengths, strict=False) if z > 0 and n > 0]
    if codes[0] > 0 and any(abs(z / n - 1) > CONTRADICTS for z, n in both):
        says = f"its affine says {_mm(lengths)} and its pixdim {_mm(zooms)}"
        contradiction = f"{says}: lengths cannot be told"
    elif codes[0] > 0 and codes[1] > 0 and _turned(header, columns, same=codes[0] == codes[1]):
        contradiction = (
            "its sform and its qform turn it differently: directions are taken from the sform, "
            "and lengths cannot be told"
        )
    return _Told(oriented, placed, not nothing, contradiction)


def _turned(header: Any, columns: NDArray[np.float64], same: bool) -> bool:
    """Whether the quaternion and the affine contradict each other.

    Args:
        same: both speak of the same space; of different ones (the scanner's, a template's) each may
            be right, unless one is mirrored.
    """
    given = (np.asarray(header.get_qform(), dtype=np.float64)[:3, :3], columns)
    first, second = (m / np.maximum(np.linalg.norm(m, axis=0), 1e-9) for m in given)
    if not same:
        return bool(np.linalg.det(first) * np.linalg.det(second) < 0)
    return bool(np.abs(first - second).max() > TURNED)


def _mm(values: NDArray[np.float64]) -> str:
    return " x ".join(f"{value:.3g}" for value in values) + " mm"


def values_file(path: Path) -> Path:
    """Where the values are: in the file, or of a pair in the .img beside the .hdr.

    Raises:
        UnreadableInput: there is none.
    """
    if not path.name.lower().endswith(".hdr"):
        return path
    for suffix in (".img", ".IMG", ".img.gz"):
        beside = path.with_name(path.name[: -len(".hdr")] + suffix)
        if beside.is_file():
            return beside
    raise UnreadableInput("the .img file with its values is not beside it", path.name)


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
    try:
        with (gzip.open if _is_gzip(path) else open)(path, "rb") as stream:
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
            rest = 0
            while part_of_rest := stream.read(BLOCK):
                rest += len(part_of_rest)
                if rest > LONGEST_REST:
                    raise EOFError("it holds more than its header says")
    except Exception as error:  # zlib and struct raise many kinds for damaged files
        raise UnreadableInput(f"damaged or not NIfTI ({short(error, path)})", path.name) from error


NIFTI = FileReader((".nii", ".nii.gz", ".hdr"), read_nifti, values_file)
