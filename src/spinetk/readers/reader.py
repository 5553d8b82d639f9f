"""What a file format must be able to do, so that `find` need not know which it is.

A reader says which files are of its kind and puts them together to series by names and headers
alone; the pixels of a series are read when it is its turn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from spinetk.errors import UnreadableInput
from spinetk.readers.header_checks import file_stem
from spinetk.study import Refusal, Series


class Content(Protocol):
    """A series that is known by its files' names and headers.

    It is sent to worker processes, so it must pickle.
    """

    @property
    def key(self) -> str:
        """What the series would be called; not unique."""

    @property
    def place(self) -> Path:
        """The file, or the folder of the first of several files."""

    @property
    def sha256(self) -> str:
        """What tells the series from others, wherever its files lie.

        Raises:
            OSError: a file cannot be read.
            UnreadableInput: a header is damaged.
        """

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it is made of, as far as its headers name them."""

    def read(self) -> tuple[Series, list[Refusal]]:
        """The series, and what of it was left out and why.

        Raises:
            UnreadableInput: it cannot be used.
        """


class Reader(Protocol):
    """A file format."""

    @property
    def one_file_each(self) -> bool:
        """Whether every file is a series of its own; otherwise `find` gets all files at once."""

    def claims(self, path: Path) -> bool:
        """Whether a file is of this format, by its name or its first bytes."""

    def find(self, paths: Sequence[Path]) -> tuple[list[Content], list[Refusal]]:
        """Series in files of this format, and what is none and why."""


@dataclass(frozen=True)
class FileContent:
    """A series in one file, or in a header and the file with its values beside it.

    Attributes:
        load: reads the series.
        values_file: where the values are.
    """

    path: Path
    load: Callable[[Path], Series]
    values_file: Callable[[Path], Path]

    @property
    def key(self) -> str:
        """The file's name without its ending."""
        return file_stem(self.path)

    @property
    def place(self) -> Path:
        """The file."""
        return self.path

    @property
    def sha256(self) -> str:
        """SHA-256 of the file's content, followed by that of the file with its values."""
        whole = hashlib.sha256()
        for path in dict.fromkeys((self.path, self.values_file(self.path))):
            with path.open("rb") as stream:
                hashlib.file_digest(stream, lambda: whole)
        return whole.hexdigest()

    @property
    def files(self) -> tuple[Path, ...]:
        """The file, and the one with its values."""
        try:
            return self.path, self.values_file(self.path)
        except (OSError, UnreadableInput):  # said when it is read
            return (self.path,)

    def read(self) -> tuple[Series, list[Refusal]]:
        """The series; nothing of it is left out."""
        return self.load(self.path), []


def own_values(path: Path) -> Path:
    """The values of a format without headers beside them are in the file itself."""
    return path


@dataclass(frozen=True)
class FileReader:
    """A format of which every file is a series, known by its ending.

    Attributes:
        suffixes: in lower case, with the dot.
        load: reads a file.
        values_file: tells where the values of a file are.
    """

    suffixes: tuple[str, ...]
    load: Callable[[Path], Series]
    values_file: Callable[[Path], Path] = own_values
    one_file_each: bool = True

    def claims(self, path: Path) -> bool:
        """Whether the file's name has one of the endings."""
        return path.name.lower().endswith(self.suffixes)

    def find(self, paths: Sequence[Path]) -> tuple[list[Content], list[Refusal]]:
        """A series for each file."""
        return [FileContent(path, self.load, self.values_file) for path in paths], []
