"""Read MetaImage volumes (.mha, .mhd): a few lines of "key = value", then the plain values.

Read here and not with SimpleITK, which alone would be more than half of what SpineTK installs.
The format: https://itk.org/Wiki/ITK/MetaIO/Documentation
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput
from spinetk.readers.header_checks import LARGEST_SQUEEZE, beside, short
from spinetk.readers.reader import FileReader
from spinetk.readers.volume import sagittal_series
from spinetk.readers.volume_header import (
    CONTRADICTS,
    VolumeFile,
    is_unit_grid,
    says_nothing,
    three_axes,
)
from spinetk.study import Series

TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4",
    "MET_UINT": "u4", "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
SPACING = ("ElementSpacing", "ElementSize")
LONGEST_HEADER = 2**16
TO_MM = {"mm": 1.0, "um": 0.001, "cm": 10.0, "?": 1.0, "": 1.0}
"""MetaIO's units of distance; one that it does not know is a damaged header."""
BLOCK = 2**20


def open_metaimage(path: Path) -> VolumeFile:
    """Read the header.

    Raises:
        UnreadableInput: damaged, of values that are no gray values, or with too many axes.
    """
    with _damage_named(path):
        header, after = _read_header(path)
        if int(header.get("ElementNumberOfChannels", "1")) != 1:
            raise UnreadableInput("colour values; gray values are needed")
        if header.get("BinaryData", "True").lower() == "false":
            raise UnreadableInput("values written as text are not read")
        sizes = [int(size) for size in header["DimSize"].split()]
        if not sizes or min(sizes) < 1 or len(sizes) != int(header["NDims"]):
            raise UnreadableInput("its sizes are not usable")
        kind = np.dtype(TYPES[header["ElementType"]])
        msb = header.get("BinaryDataByteOrderMSB", header.get("ElementByteOrderMSB", "False"))
        kind = kind.newbyteorder(">" if msb.lower() == "true" else "<")
        wanted = int(np.prod(sizes, dtype=object)) * kind.itemsize
        values = _values(path, header, after, wanted)
        affine = _affine(header, len(sizes))
        contradiction = _contradiction(header, len(sizes))
    shape = three_axes(path.name, tuple(sizes))
    return VolumeFile(
        path,
        shape,
        affine,
        lambda depth: _slabs(path, values, kind, shape, depth),
        spaced=any(name in header for name in SPACING) and not is_unit_grid(affine),
        placed=len(sizes) > 2 and not says_nothing(affine),
        contradiction=contradiction,
    )


def read_metaimage(path: Path) -> Series:
    """Read a MetaImage file as a sagittal series.

    Raises:
        UnreadableInput: damaged, or not usable.
    """
    return sagittal_series(open_metaimage(path))


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """What is raised over a damaged file, in one line."""
    try:
        yield
    except KeyError as error:
        why = f"lacks a usable {error.args[0]}"
        raise UnreadableInput(f"damaged or not known ({why})", path.name) from error
    except (OSError, ValueError, zlib.error, UnreadableInput) as error:
        raise UnreadableInput(f"damaged or not known ({short(error, path)})", path.name) from error


def values_file(path: Path) -> Path:
    """The file with the values: this one, or the one beside it that the header names.

    Raises:
        UnreadableInput: there is no header, or no such file beside it.
    """
    with _damage_named(path):
        return _values_file(path, _read_header(path)[0])


def _values_file(path: Path, header: dict[str, str]) -> Path:
    name = header["ElementDataFile"]
    if name.upper() == "LIST" or "%" in name:
        raise UnreadableInput("values in several files are not read")
    return path if name.upper() == "LOCAL" else beside(path, name)


def _read_header(path: Path) -> tuple[dict[str, str], int]:
    """The header's fields, and where in the file it ends."""
    header: dict[str, str] = {}
    with path.open("rb") as stream:
        while "ElementDataFile" not in header:
            line = stream.readline(LONGEST_HEADER)
            key, equals, value = line.decode("ascii", "replace").partition("=")
            if not equals or stream.tell() > LONGEST_HEADER:
                raise UnreadableInput("its header does not end as one of MetaImage")
            header[key.strip()] = value.strip()
        return header, stream.tell()


@dataclass(frozen=True)
class _Values:
    """Where the values are: in this file or in the one beside it that the header names."""

    path: Path
    start: int
    compressed: bool


def _values(path: Path, header: dict[str, str], after: int, wanted: int) -> _Values:
    place = _values_file(path, header)
    start = after if place == path else 0
    compressed = header.get("CompressedData", "False").lower() == "true"
    skipped = int(header.get("HeaderSize", "0"))
    held = place.stat().st_size - start
    if wanted > held * (LARGEST_SQUEEZE if compressed else 1):
        raise UnreadableInput("its sizes do not fit its data")
    if not compressed:
        # -1: the values are the file's last bytes; from the file's beginning on, as ITK counts
        if skipped == -1:
            start = place.stat().st_size - wanted
        elif skipped > 0:
            start = skipped
    return _Values(place, start, compressed)


def _slabs(
    path: Path, values: _Values, kind: np.dtype[Any], shape: tuple[int, int, int], depth: int
) -> Iterator[NDArray[np.generic]]:
    with _damage_named(path), values.path.open("rb") as stream:
        stream.seek(values.start)
        read = _decompressed(stream) if values.compressed else stream.read
        for start in range(0, shape[2], depth):
            count = min(depth, shape[2] - start)
            content = read(shape[0] * shape[1] * count * kind.itemsize)
            if len(content) != shape[0] * shape[1] * count * kind.itemsize:
                raise UnreadableInput("its sizes do not fit its data")
            yield np.frombuffer(content, dtype=kind).reshape(*shape[:2], count, order="F")


def _decompressed(stream: IO[bytes]) -> Callable[[int], bytes]:
    """Reads from a zlib stream, as `read` does from a file."""
    unpacker = zlib.decompressobj()

    def read(size: int) -> bytes:
        parts: list[bytes] = []
        while size > 0:
            packed = unpacker.unconsumed_tail or stream.read(BLOCK)
            part = unpacker.decompress(packed, size)
            if not part and not packed:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    return read


def _affine(header: dict[str, str], axes: int) -> NDArray[np.float64]:
    """The map of [x, y, z] to mm; MetaImage's space is LPS, as DICOM's."""
    spatial = min(axes, 3)
    unit = _unit(header)
    spacing = _numbers(header, SPACING, axes, np.ones(axes)) * unit
    # each axis' direction is a row of the file's matrix
    matrix = _numbers(header, ("TransformMatrix", "Rotation", "Orientation"), axes**2, np.eye(axes))
    origin = _numbers(header, ("Offset", "Position", "Origin"), axes, np.zeros(axes)) * unit
    affine = np.eye(4)
    directions = matrix.reshape(axes, axes).T * spacing
    affine[:spatial, :spatial] = directions[:spatial, :spatial]
    affine[:spatial, 3] = origin[:spatial]
    return affine


def _unit(header: dict[str, str]) -> float:
    """Millimetres of the header's unit of distance."""
    named = header.get("DistanceUnits", "").strip().lower()
    if named not in TO_MM:
        raise UnreadableInput(f"its DistanceUnits ({named[:20]}) are not known")
    return TO_MM[named]


def _contradiction(header: dict[str, str], axes: int) -> str | None:
    """Why what the header says of distances cannot be trusted."""
    matrix = _numbers(header, ("TransformMatrix", "Rotation", "Orientation"), axes**2, np.eye(axes))
    lengths = np.linalg.norm(matrix.reshape(axes, axes), axis=1)
    if (np.abs(lengths - 1) > CONTRADICTS).any():
        return "its directions are not of length 1, beside its spacing: lengths cannot be told"
    given = [_numbers(header, (name,), axes, np.ones(axes)) for name in SPACING if name in header]
    if any((values <= 0).any() for values in given):
        return "its spacing is not positive: lengths cannot be told"
    if len(given) > 1 and not np.allclose(given[0], given[1], rtol=CONTRADICTS):
        return f"its {' and its '.join(SPACING)} differ: lengths cannot be told"
    return None


def _numbers(
    header: dict[str, str], names: tuple[str, ...], count: int, usual: NDArray[np.float64]
) -> NDArray[np.float64]:
    for name in names:
        if name in header:
            values = np.array(header[name].split(), dtype=np.float64)
            if values.size != count:
                raise UnreadableInput(f"its {name} has {values.size} numbers, not {count}")
            return values
    return usual


METAIMAGE = FileReader((".mha", ".mhd"), read_metaimage, values_file)
