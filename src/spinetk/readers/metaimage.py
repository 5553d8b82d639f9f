"""Read MetaImage volumes (.mha, .mhd): a few lines of "key = value", then the plain values.

Read here and not with SimpleITK, which alone would be more than half of what SpineTK installs.
The format: https://itk.org/Wiki/ITK/MetaIO/Documentation
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput
from spinetk.readers.header_checks import LARGEST_SQUEEZE, beside, short

TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4",
    "MET_UINT": "u4", "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
LONGEST_HEADER = 2**16


def load_metaimage(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Array [x, y, z] (or with more axes, for the caller to refuse) and its map to LPS mm, 4 x 4.

    Raises:
        UnreadableInput: damaged, or of values that are no gray values.
    """
    try:
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
        content = _read_values(path, header, after, wanted)
        data = np.frombuffer(content, dtype=kind).reshape(sizes, order="F").astype(np.float32)
        affine = _affine(header, len(sizes))
    except KeyError as error:
        raise UnreadableInput(
            f"damaged or not known (lacks a usable {error.args[0]})", path.name
        ) from error
    except (OSError, ValueError, zlib.error, UnreadableInput) as error:
        raise UnreadableInput(f"damaged or not known ({short(error, path)})", path.name) from error
    return data[..., *[None] * (3 - data.ndim)], affine


def values_file(path: Path) -> Path:
    """The file with the values: this one, or the one beside it that the header names.

    Raises:
        UnreadableInput: there is no header, or no such file beside it.
    """
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


def _read_values(path: Path, header: dict[str, str], after: int, wanted: int) -> bytes:
    """The bytes of all values, in this file or in the one beside it that the header names."""
    place = _values_file(path, header)
    start = after if place == path else 0
    squeezed = header.get("CompressedData", "False").lower() == "true"
    skipped = int(header.get("HeaderSize", "0"))
    held = place.stat().st_size - start
    if wanted > held * (LARGEST_SQUEEZE if squeezed else 1):
        raise UnreadableInput("its sizes do not fit its data")
    with place.open("rb") as stream:
        if squeezed:
            stream.seek(start)
            content = zlib.decompressobj().decompress(stream.read(), wanted)
        else:
            # -1: the values are the file's last bytes
            stream.seek(-wanted if skipped == -1 else start + skipped, 2 if skipped == -1 else 0)
            content = stream.read(wanted)
    if len(content) != wanted:
        raise UnreadableInput("its sizes do not fit its data")
    return content


def _affine(header: dict[str, str], axes: int) -> NDArray[np.float64]:
    """The map of [x, y, z] to mm; MetaImage's space is LPS, as DICOM's."""
    spatial = min(axes, 3)
    spacing = _numbers(header, ("ElementSpacing", "ElementSize"), axes, np.ones(axes))
    # each axis' direction is a row of the file's matrix
    matrix = _numbers(header, ("TransformMatrix", "Rotation", "Orientation"), axes**2, np.eye(axes))
    origin = _numbers(header, ("Offset", "Position", "Origin"), axes, np.zeros(axes))
    affine = np.eye(4)
    directions = matrix.reshape(axes, axes).T * spacing
    affine[:spatial, :spatial] = directions[:spatial, :spatial]
    affine[:spatial, 3] = origin[:spatial]
    return affine


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
