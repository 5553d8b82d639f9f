"""The values of NRRD files, unpacked as they are read: memory does not grow with what they hold."""

from __future__ import annotations

import bz2
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from spinetk.errors import UnreadableInput
from spinetk.readers.header_checks import LARGEST_SQUEEZE

TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "signed long long int",
           "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}  # fmt: skip
GZIP, BZIP2, TEXT = ("gzip", "gz"), ("bzip2", "bz2"), ("ascii", "text", "txt")
BZIP2_SQUEEZE = 20_000
"""A block of 900,000 equal bytes becomes 45."""
LONGEST_SKIP = 2**20
LONGEST_TEXT = 64 * 2**20
"""Values that are written as text are read at once."""


def kind_of(header: dict[str, Any]) -> np.dtype[Any]:
    """The type of a value.

    Raises:
        UnreadableInput: it is no number.
    """
    said = str(header["type"])
    kind = next((kind for kind, names in TYPES.items() if said in names), None)
    if kind is None:
        raise UnreadableInput("gray values are needed")
    return np.dtype(kind).newbyteorder(">" if header.get("endian") == "big" else "<")


def check_length(values_in: Path, header: dict[str, Any], wanted: int) -> None:
    """Refuse sizes that the file cannot hold, before memory is asked for.

    Args:
        wanted: bytes of all values.

    Raises:
        UnreadableInput: it cannot.
    """
    held = values_in.stat().st_size
    encoding = header["encoding"].lower()
    if encoding in TEXT:
        fits = held <= LONGEST_TEXT and wanted <= held * 8
    else:
        most = {**dict.fromkeys(GZIP, LARGEST_SQUEEZE), **dict.fromkeys(BZIP2, BZIP2_SQUEEZE)}
        fits = wanted <= held * most.get(encoding, 1)
    if not fits:
        raise UnreadableInput("its sizes do not fit its data")


@contextmanager
def opened(
    path: Path, start: int, header: dict[str, Any], wanted: int, kind: np.dtype[Any]
) -> Iterator[IO[bytes]]:
    """The values of a file, from the first one on, unpacked as they are read.

    Args:
        start: where they begin, lines and bytes to skip aside.
        wanted: bytes of all values.

    Raises:
        UnreadableInput: they are encoded in another way.
    """
    encoding = header["encoding"].lower()
    lines = int(header.get("line skip", header.get("lineskip", 0)))
    skipped = int(header.get("byte skip", header.get("byteskip", 0)))
    if not 0 <= lines <= LONGEST_SKIP or skipped < -1:
        raise UnreadableInput("what is to be skipped is not usable")
    with path.open("rb") as stream:
        stream.seek(start)
        for _ in range(lines):
            stream.readline(LONGEST_SKIP)
        if encoding in (*GZIP, *BZIP2):
            if skipped > LONGEST_SKIP:  # -1: all that is there are the values
                raise UnreadableInput("what is to be skipped is not usable")
            gzipped = encoding in GZIP
            with gzip.GzipFile(fileobj=stream) if gzipped else bz2.BZ2File(stream) as values:
                values.read(max(0, skipped))
                yield cast(IO[bytes], values)
        elif encoding in TEXT:
            stream.seek(max(0, skipped), io.SEEK_CUR)
            text = stream.read().decode("ascii", "replace")
            yield io.BytesIO(np.fromstring(text, dtype=kind, sep=" ").tobytes())
        elif encoding == "raw":
            stream.seek(skipped, io.SEEK_CUR) if skipped >= 0 else stream.seek(-wanted, io.SEEK_END)
            yield stream
        else:
            raise UnreadableInput(f"its encoding, {encoding}, is not read")
