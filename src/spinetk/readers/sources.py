"""Find the files of an input: single files, folders to any depth, archives, DICOMDIR."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spinetk.errors import UnreadableInput
from spinetk.readers.archives import (
    Room,
    is_archive,
    is_one_compressed,
    not_unpacked,
    unpack,
    unpack_one,
)
from spinetk.results.record import is_result
from spinetk.study import Refusal
from spinetk.temporary import TemporaryFolder

Unpacked = TemporaryFolder


@dataclass(frozen=True)
class Files:
    """Files of an input.

    Attributes:
        paths: all of them, those of archives unpacked.
        named: those that the user named one by one.
        refused: archives that could not be unpacked, links that lead nowhere.
        unpacked: folders that hold the archives' files as long as something refers to this.
        archives: what the user gave or has, of which each of those folders is.
    """

    paths: tuple[Path, ...]
    named: frozenset[Path]
    refused: tuple[Refusal, ...] = ()
    unpacked: tuple[TemporaryFolder, ...] = ()
    archives: tuple[Path, ...] = ()

    def archive_of(self, path: Path) -> Path | None:
        """The archive that a file or folder was unpacked from."""
        for folder, archive in zip(self.unpacked, self.archives, strict=True):
            if path.is_relative_to(folder.name):
                return archive
        return None


def find_files(inputs: Sequence[str | Path]) -> Files:
    """Every file of the inputs; hidden files and earlier results are left out, links are followed.

    Raises:
        UnreadableInput: an input does not exist.
    """
    found = _Found()
    for item in map(Path, inputs):
        if item.is_file() and item.name.upper() == "DICOMDIR":
            found.take(_below(item.parent, found.refused))  # an index of the files beside it
        elif item.is_file():
            item = _header_of(item)
            found.named.add(item)
            found.take([item])
        elif item.is_dir():
            found.take(_below(item, found.refused))
        else:
            raise UnreadableInput(_why_not(item), item)
    return Files(
        tuple(found.paths),
        frozenset(found.named),
        tuple(found.refused),
        tuple(found.unpacked),
        tuple(found.archives),
    )


def _why_not(path: Path) -> str:
    """Why what is neither a file nor a folder is no input."""
    if path.exists():
        return "is a device or a pipe: name a file or a folder"
    return "the link leads nowhere" if path.is_symlink() else "no such file or folder"


def _header_of(path: Path) -> Path:
    """The header of a NIfTI or Analyze pair, of which the user may name either file."""
    if path.suffix.lower() != ".img":
        return path
    beside = (path.with_suffix(suffix) for suffix in (".hdr", ".HDR"))
    return next((header for header in beside if header.is_file()), path)


@dataclass
class _Found:
    """What `Files` holds, while it is gathered."""

    paths: list[Path] = field(default_factory=list)
    named: set[Path] = field(default_factory=set)
    refused: list[Refusal] = field(default_factory=list)
    unpacked: list[Unpacked] = field(default_factory=list)
    archives: list[Path] = field(default_factory=list)
    beside: dict[Path, Path] = field(default_factory=dict)
    """Of each folder with single compressed files, where they are unpacked: those of a pair stay
    together."""

    def take(self, paths: Iterable[Path]) -> None:
        """Take files; archives are unpacked."""
        for given in paths:
            path = _with_ending(given)
            if path.name.upper() == "DICOMDIR":
                continue
            if (reason := not_unpacked(path)) is not None:
                self.refused.append(Refusal(path.name, reason))
            elif not is_archive(path):
                self.paths.append(path)
            else:
                try:
                    self._unpack(path)
                except UnreadableInput as error:
                    self.refused.append(Refusal(path.name, error.reason))

    def _unpack(self, path: Path) -> None:
        if is_one_compressed(path):
            place = self.beside.get(path.parent) or self._folder(path.parent)
            self.beside[path.parent] = place
            self.paths.append(unpack_one(path, place, Room.of_disk(place, [path])))
            return
        place = self._folder(path)
        self.refused += [
            Refusal(f"{path.name}: {item.name}", item.reason)
            for item in unpack(path, place, Room.of_disk(place, [path]))
        ]
        inside = sorted(p for p in place.rglob("*") if p.is_file())
        for one in inside:
            if (reason := not_unpacked(one)) is not None:
                self.refused.append(Refusal(f"{path.name}: {one.name}", reason))
            elif one.name.upper() != "DICOMDIR":
                self.paths.append(one)

    def _folder(self, of: Path) -> Path:
        """A temporary folder that goes when nothing refers to it any more."""
        folder = TemporaryFolder()
        self.unpacked.append(folder)
        self.archives.append(of)
        return Path(folder.name)


def _with_ending(path: Path) -> Path:
    """A file as its ending tells its kind: of a link without one, what it leads to."""
    if path.suffix or not path.is_symlink():
        return path
    target = path.resolve()
    return target if target.suffix else path


def files_below(folder: Path) -> list[Path]:
    """Every file below a folder that is not hidden, links followed."""
    return _below(folder, [], results=True)


def _below(folder: Path, refused: list[Refusal], *, results: bool = False) -> list[Path]:
    """Files below a folder, links followed, no folder entered twice (links may lead in a circle).

    Args:
        refused: receives the links that lead nowhere and the folders that may not be read.
        results: take the files of results, too.
    """
    found: list[Path] = []
    dead: list[str] = []
    entered: set[tuple[int, int]] = set()
    closed: list[str] = []

    def shut(error: OSError) -> None:
        closed.append(Path(error.filename).name)

    for place, folders, files in os.walk(folder, onerror=shut, followlinks=True):
        here = Path(place)
        known = here.stat()
        if not os.access(here, os.X_OK):  # its files are listed and cannot be opened
            closed.append(here.name)
            folders.clear()
            continue
        ours = not results and here != folder and is_result(here)
        if (known.st_dev, known.st_ino) in entered or ours:
            folders.clear()
            continue
        entered.add((known.st_dev, known.st_ino))
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = here / name
            if name.startswith("."):
                continue
            if path.is_file():
                found.append(path)
            elif path.is_symlink():
                dead.append(name)
    refused += [Refusal(name, "the folder may not be read (permission denied)") for name in closed]
    if dead:
        links = "1 link leads" if len(dead) == 1 else f"{len(dead)} links lead"
        shown = ", ".join(sorted(dead)[:3]) + (", ..." if len(dead) > 3 else "")
        refused.append(Refusal(folder.name or str(folder), f"{links} nowhere ({shown})"))
    return sorted(found)
