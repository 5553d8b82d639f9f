"""What archives are read from, within bounds: an archive's headers may take as much memory as its
files, and say less of it."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from spinetk.errors import UnreadableInput

BLOCK = 2**20
XZ_MEMORY = 256 * 2**20
"""`xz -9` takes 65 MB to unpack."""
LONGEST_HEADERS = 4 * 2**20
"""What tells of one file in a tar archive: its name may be long, hardly so long."""
LONGEST_DIRECTORY = 48 * 2**20
"""The table of a zip archive: of a million files."""
HEADERS_TOO_LONG = "its table of files takes too much: unpack it first"


class _Unxz(io.RawIOBase):
    """The content of a stream of xz, or of several one after the other; `lzma.LZMAFile` takes as
    much memory as the stream asks for."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed, self._unpacker = packed, _new_unxz()

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        """As `io.RawIOBase`; 0 at the end.

        Raises:
            lzma.LZMAError: damaged, or it takes more memory than is allowed.
            EOFError: it is cut off.
        """
        while True:
            if self._unpacker.eof:
                rest = self._unpacker.unused_data.lstrip(b"\0") or self._packed.read(BLOCK)
                if not rest.strip(b"\0"):
                    return 0
                self._unpacker = _new_unxz()
            else:
                rest = self._packed.read(BLOCK) if self._unpacker.needs_input else b""
                if not rest and self._unpacker.needs_input:
                    raise EOFError("ends before its end is marked")
            content = self._unpacker.decompress(rest, len(target))
            if content:
                target[: len(content)] = content
                return len(content)


def _new_unxz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(memlimit=XZ_MEMORY)


@contextmanager
def unpacked(path: Path, *, plain: bool = False) -> Iterator[IO[bytes]]:
    """The content of a file that is compressed (gzip, bzip2, xz: its first bytes tell).

    Args:
        plain: it may also not be compressed.

    Raises:
        UnreadableInput: it is not.
    """
    with path.open("rb") as packed:
        start = packed.read(6)
        packed.seek(0)
        if start[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=packed) as stream:
                yield cast(IO[bytes], stream)
        elif start[:3] == b"BZh":
            with bz2.BZ2File(packed) as stream:
                yield cast(IO[bytes], stream)
        elif start == b"\xfd7zXZ\0":
            yield cast(IO[bytes], io.BufferedReader(_Unxz(packed), BLOCK))
        elif plain:
            yield packed
        else:
            raise UnreadableInput("is not compressed as its name says")


class _Counted:
    """A stream of which only so much is given."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.left = stream, LONGEST_HEADERS

    def read(self, size: int) -> bytes:
        content = self.stream.read(size)
        self.left -= len(content)
        if self.left < 0:
            raise UnreadableInput(HEADERS_TOO_LONG)
        return content


def tar_members(stream: IO[bytes]) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """What lies in a tar archive, one after the other: of each what is told of it, and of a file
    its content, which is to be read before the next.

    Raises:
        UnreadableInput: what is told of one takes too much.
        tarfile.TarError: damaged.
    """
    counted = _Counted(stream)
    with tarfile.open(fileobj=cast(IO[bytes], counted), mode="r|") as archive:
        while (member := _next(archive, counted)) is not None:
            counted.left = member.size + 2 * BLOCK  # it is read ahead, and filled up
            content = archive.extractfile(member) if member.isfile() else None
            yield member, content
            if content is not None:
                while content.read(BLOCK):  # what was not wanted
                    pass
                content.close()
            archive.members = []  # type: ignore[attr-defined]  # they are kept otherwise


def _next(archive: tarfile.TarFile, counted: _Counted) -> tarfile.TarInfo | None:
    counted.left = LONGEST_HEADERS
    return archive.next()


def check_directory(path: Path) -> None:
    """Refuse a zip archive whose table of files, which is read as a whole, is too long.

    Source: PKWARE APPNOTE 4.3.14 to 4.3.16 (end of central directory). It is looked for where
    `zipfile` looks.

    Raises:
        UnreadableInput: it is.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(max(0, size - 2**16 - 22 - 76))
        tail = stream.read()
    end = len(tail) - 22
    if tail[end : end + 4] != b"PK\5\6" or tail[-2:] != b"\0\0":
        end = tail.rfind(b"PK\5\6")
    if end < 0:  # zipfile says so
        return
    length = int.from_bytes(tail[end + 12 : end + 16], "little")
    if end >= 76 and tail[end - 20 : end - 16] == b"PK\6\7":  # over 4 GB, or 65,535 files
        length = int.from_bytes(tail[end - 36 : end - 28], "little")
    if length > LONGEST_DIRECTORY:
        raise UnreadableInput(HEADERS_TOO_LONG)
