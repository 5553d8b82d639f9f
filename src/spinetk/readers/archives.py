"""Unpack archives: zip, tar (also compressed), single compressed files, and archives in them.

Of the names in an archive only the last part is used, in a numbered folder of our own for each of
the archive's, so that no name can lead out of it. What a header says of sizes is not believed.
"""

from __future__ import annotations

import lzma
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from spinetk.errors import UnreadableInput
from spinetk.readers.archive_streams import BLOCK, check_directory, tar_members, unpacked
from spinetk.readers.header_checks import short
from spinetk.study import Refusal

MOST_FILES = 200_000
MOST_BYTES = 64 * 2**30
"""Archives with more, unpacked, are refused; so are those that the disk has no room for."""
ALWAYS_BYTES, MOST_SQUEEZED = 2 * 2**30, 100
"""Images become a third, masks a hundredth: more bytes than these, out of less than a hundredth of
them, are no study."""
DEEPEST = 3
"""An archive in an archive in an archive is unpacked."""
LONGEST_NAME = 200
TAR_SUFFIXES = (".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
ONE_FILE = (".gz", ".bz2", ".xz")
READ_AS_THEY_ARE = (".nii.gz",)
IMAGES_IN_THEM = (
    ".dcm", ".ima", ".nii", ".img", ".hdr", ".mha", ".mhd", ".raw", ".zraw", ".nrrd", ".nhdr",
    ".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg",
)  # fmt: skip
"""Of single compressed files only those are unpacked that hold an image by their name: a log is
not."""
NOT_READ = {".7z": "7z", ".rar": "RAR", ".zst": "Zstandard", ".lz4": "LZ4"}
TOO_LARGE = (
    "the archive holds more than is unpacked here, or than images of its size can: unpack it first"
)


@dataclass
class Room:
    """What may still be unpacked; archives in archives share it.

    Attributes:
        files, bytes: how many more.
    """

    files: int = MOST_FILES
    bytes: int = MOST_BYTES

    @classmethod
    def of_disk(cls, folder: Path, archives: Iterable[Path], most_bytes: int | None = None) -> Room:
        """As much as the disk of a folder takes with a tenth of it left, at most so many, and no
        more than images can hold that are squeezed to the size of these archives."""
        squeezed = max(ALWAYS_BYTES, MOST_SQUEEZED * sum(path.stat().st_size for path in archives))
        free = int(0.9 * shutil.disk_usage(folder).free)
        most = MOST_BYTES if most_bytes is None else most_bytes
        return cls(MOST_FILES, min(most, free, squeezed))


def is_archive(path: Path) -> bool:
    """Whether a file is an archive, by its name."""
    name = path.name.lower()
    return name.endswith((".zip", *TAR_SUFFIXES)) or is_one_compressed(path)


def is_one_compressed(path: Path) -> bool:
    """Whether a file is a single compressed image (`a.nii.bz2`, `a.dcm.gz`), by its name."""
    name = path.name.lower()
    if name.endswith((*READ_AS_THEY_ARE, *TAR_SUFFIXES)) or path.suffix.lower() not in ONE_FILE:
        return False
    inner = Path(path.stem).suffix.lower()
    return inner in IMAGES_IN_THEM or (inner == "" and _holds_dicom(path))


def _holds_dicom(path: Path) -> bool:
    """Whether a compressed file without another ending is one of DICOM."""
    try:
        with unpacked(path) as stream:
            return bool(stream.read(132)[128:] == b"DICM")
    except (OSError, EOFError, ValueError, lzma.LZMAError, UnreadableInput):
        return False


def not_unpacked(path: Path) -> str | None:
    """What to do with an archive of a kind that is not read, None for every other file."""
    kind = NOT_READ.get(path.suffix.lower())
    inner = Path(path.stem).suffix.lower()
    if inner and inner not in (*IMAGES_IN_THEM, ".tar"):  # a log, say
        return None
    return f"is a {kind} archive, which is not read: unpack it first" if kind else None


def unpack(path: Path, folder: Path, room: Room, depth: int = 1) -> list[Refusal]:
    """Unpack an archive, and those in it, into an empty folder.

    Args:
        room: becomes less by what is unpacked.

    Returns:
        The archives in it that could not be unpacked, and why.

    Raises:
        UnreadableInput: damaged, locked with a password, or too large.
    """
    with _told_in_one_line(path):
        if is_one_compressed(path):
            unpack_one(path, folder, room)
        elif path.name.lower().endswith(".zip"):
            _unpack_zip(path, folder, room)
        else:
            _unpack_tar(path, folder, room)
    inside = [p for p in sorted(folder.rglob("*")) if p.is_file() and is_archive(p)]
    refused = [item for inner in inside for item in _unpacked_inside(inner, room, depth)]
    for inner in inside:
        inner.unlink()
    return refused


def _unpacked_inside(path: Path, room: Room, depth: int) -> list[Refusal]:
    """Unpack an archive that came out of another; returns what of it could not be unpacked."""
    if depth >= DEEPEST:
        return [Refusal(path.name, f"lies {depth} archives deep: unpack the outer ones first")]
    try:
        if is_one_compressed(path):
            unpack_one(path, path.parent, room)
            return []
        return unpack(path, Path(tempfile.mkdtemp(dir=path.parent)), room, depth + 1)
    except UnreadableInput as error:
        return [Refusal(path.name, error.about(path.name))]


def unpack_one(path: Path, folder: Path, room: Room) -> Path:
    """Unpack a single compressed file beside others; returns where it is.

    Raises:
        UnreadableInput: damaged, or too large.
    """
    with _told_in_one_line(path), unpacked(path) as source:
        return _write(source, path.stem, folder, room)


@contextmanager
def _told_in_one_line(path: Path) -> Iterator[None]:
    try:
        yield
    except UnreadableInput:
        raise
    except Exception as error:  # zipfile, tarfile, zlib, bz2 and lzma raise many kinds
        raise UnreadableInput(f"cannot be unpacked ({short(error, path)})") from error


def _unpack_zip(path: Path, folder: Path, room: Room) -> None:
    check_directory(path)
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) > room.files or sum(m.file_size for m in members) > room.bytes:
            raise UnreadableInput(TOO_LARGE)
        places = _Places(folder)
        for member in members:
            with archive.open(member) as source:
                places.write(source, member.filename, room)


def _unpack_tar(path: Path, folder: Path, room: Room) -> None:
    places = _Places(folder)
    with unpacked(path, plain=True) as stream:
        for count, (member, content) in enumerate(tar_members(stream)):
            if count >= MOST_FILES:  # folders and links count, too: each takes its time
                raise UnreadableInput(TOO_LARGE)
            if member.islnk():  # GNU tar writes a file's second name so
                raise UnreadableInput("holds hard links, which are not read: unpack it first")
            if content is not None:
                places.write(content, member.name, room)


class _Places:
    """A numbered folder for each of an archive's: the header of a volume may name a file beside
    it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.of: dict[str, Path] = {}

    def write(self, source: IO[bytes], name: str, room: Room) -> None:
        parent, _, last = name.replace("\\", "/").rpartition("/")
        if not last or last.startswith("."):
            return
        place = self.of.setdefault(parent, self.folder / f"{len(self.of):06d}")
        place.mkdir(exist_ok=True)
        _write(source, last, place, room)


def _write(source: IO[bytes], name: str, folder: Path, room: Room) -> Path:
    # the end of a name tells its kind; file systems count bytes
    path = folder / name.encode("utf-8", "replace")[-LONGEST_NAME:].decode("utf-8", "ignore")
    if path.exists():
        path = Path(tempfile.mkdtemp(dir=folder)) / path.name
    if room.files < 1:
        raise UnreadableInput(TOO_LARGE)
    room.files -= 1
    with path.open("wb") as target:
        while block := source.read(BLOCK):
            room.bytes -= len(block)
            if room.bytes < 0:
                raise UnreadableInput(TOO_LARGE)
            target.write(block)
    return path
