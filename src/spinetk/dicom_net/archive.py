"""Archives that a study is read from and its results are stored in: over DICOMweb, or DIMSE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from spinetk.fetched import Fetched
from spinetk.writers.formats import DICOM_FORMATS


class Archive(Protocol):
    """What reads studies and takes results."""

    @property
    def name(self) -> str:
        """What a person calls it, without any password."""

    def fetch(self, study: str, *, partial: bool = False) -> Fetched:
        """Every instance of a study, as it is stored.

        Args:
            study: StudyInstanceUID.
            partial: take a part of the study where no more of it comes.

        Raises:
            UnreadableInput: it is not reached, has no such study, or gives only a part of it.
        """

    def store(self, folders: Iterable[Path]) -> int:
        """Store the DICOM files of results; returns their number.

        Raises:
            SpineError: it is not reached or refuses one; the results stay where they are.
        """


def dicom_files(folders: Iterable[Path]) -> Iterator[list[Path]]:
    """The DICOM files of each result that has some."""
    for folder in folders:
        files = [folder / f"{name}.dcm" for name in DICOM_FORMATS]
        if made := [path for path in files if path.is_file()]:
            yield made
