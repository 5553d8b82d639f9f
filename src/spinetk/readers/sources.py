"""Find the files of an input: single files, folders to any depth, zip archives, DICOMDIR."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spinetk.errors import UnreadableInput
from spinetk.readers.header_checks import short
from spinetk.results.record import is_result
from spinetk.study import Refusal

MOST_FILES = 200_000
MOST_BYTES = 64 * 2**30
"""A zip archive with more, unpacked, is refused; so is one that the disk has no room for."""
BLOCK = 2**20


@dataclass(frozen=True)
class Files:
    """Files of an input.

    Attributes:
        paths: all of them, those of archives unpacked.
        named: those that the user named one by one.
        refused: archives that could not be unpacked.
        unpacked: folders that hold the archives' files as long as something refers to this.
        archives: the archive of each of those folders.
    """

    paths: tuple[Path, ...]
    named: frozenset[Path]
    refused: tuple[Refusal, ...] = ()
    unpacked: tuple[tempfile.TemporaryDirectory[str], ...] = ()
    archives: tuple[Path, ...] = ()

    def archive_of(self, path: Path) -> Path | None:
        """The archive that a file or folder was unpacked from."""
        for folder, archive in zip(self.unpacked, self.archives, strict=True):
            if path.is_relative_to(folder.name):
                return archive
        return None


def find_files(inputs: Sequence[str | Path]) -> Files:
    """Every file of the inputs; hidden files and earlier results are left out.

    Raises:
        UnreadableInput: an input does not exist.
    """
    paths: list[Path] = []
    named: set[Path] = set()
    refused: list[Refusal] = []
    unpacked: list[tempfile.TemporaryDirectory[str]] = []
    archives: list[Path] = []
    for item in map(Path, inputs):
        if item.is_file() and item.name.upper() == "DICOMDIR":
            found = _below(item.parent)  # an index of the files beside it
        elif item.is_file():
            named.add(item)
            found = [item]
        elif item.is_dir():
            found = _below(item)
        else:
            raise UnreadableInput("no such file or folder", item)
        for path in found:
            if path.name.upper() == "DICOMDIR":
                continue
            if path.suffix.lower() != ".zip":
                paths.append(path)
                continue
            try:
                folder = _unpacked(path)
            except UnreadableInput as error:
                refused.append(Refusal(path.name, error.reason))
                continue
            unpacked.append(folder)
            archives.append(path)
            inside = sorted(p for p in Path(folder.name).rglob("*") if p.is_file())
            paths += [p for p in inside if p.name.upper() != "DICOMDIR"]
    return Files(tuple(paths), frozenset(named), tuple(refused), tuple(unpacked), tuple(archives))


def _below(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and not _is_ours(p, folder))


def _is_ours(path: Path, root: Path) -> bool:
    """Hidden files, and results of an earlier run that lie among the input."""
    if any(part.startswith(".") for part in path.relative_to(root).parts):
        return True
    return path.parent != root and is_result(path.parent)


def _unpacked(path: Path) -> tempfile.TemporaryDirectory[str]:
    """Unpack an archive into a temporary folder that goes when nothing refers to it any more."""
    folder = tempfile.TemporaryDirectory(prefix="spinetk-")
    try:
        unpack(path, Path(folder.name))
    except UnreadableInput:
        folder.cleanup()
        raise
    return folder


def unpack(path: Path, folder: Path, most_bytes: int | None = None) -> None:
    """Unpack an archive into an empty folder.

    Of the names in the archive only the last part is used, in a numbered folder of our own for
    each of the archive's, so that no name can lead out of it.

    Args:
        most_bytes: that its files may have; `MOST_BYTES` by default.

    Raises:
        UnreadableInput: damaged, locked with a password, or too large.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            room = min(
                most_bytes if most_bytes is not None else MOST_BYTES,
                int(0.9 * shutil.disk_usage(folder).free),
            )
            if len(members) > MOST_FILES or sum(m.file_size for m in members) > room:
                raise UnreadableInput("the archive is too large to unpack here")
            inside: dict[str, int] = {}
            for number, member in enumerate(members):
                # files of one folder stay together: the header of a volume may name another
                parent = member.filename.replace("\\", "/").rpartition("/")[0]
                place = folder / f"{inside.setdefault(parent, number):06d}"
                room -= _extract(archive, member, place, room)
    except UnreadableInput:
        raise
    except Exception as error:  # zipfile, zlib, bz2 and lzma raise many kinds
        raise UnreadableInput(f"cannot be unpacked ({short(error, path)})") from error


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, room: int) -> int:
    """Write one member; what its header says of its size is not believed. Returns the bytes."""
    name = Path(member.filename.replace("\\", "/")).name
    if not name or name.startswith("."):
        return 0
    folder.mkdir(exist_ok=True)
    path = folder / name[-120:]
    if path.exists():
        path = Path(tempfile.mkdtemp(dir=folder)) / path.name
    written = 0
    with archive.open(member) as source, path.open("wb") as target:
        while block := source.read(BLOCK):
            written += len(block)
            if written > room:
                raise UnreadableInput("the archive is too large to unpack here")
            target.write(block)
    return written
