"""Find the series of an input, and read them one by one or all at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spinetk.errors import UnreadableInput, readable
from spinetk.readers.dicom import DicomReader
from spinetk.readers.raster import RASTER
from spinetk.readers.reader import Content, Reader
from spinetk.readers.sources import Files, find_files
from spinetk.readers.volume_files import VOLUME_READERS
from spinetk.results.keys import NAMES_BESIDE, numbered_key
from spinetk.study import Refusal, Series, Study

READERS: tuple[Reader, ...] = (*VOLUME_READERS, RASTER, DicomReader())
"""Every format; DICOM last, for whose files may have any name."""


@dataclass(frozen=True)
class FoundSeries:
    """A series that is known by its files' names and headers; its pixels are not read yet.

    Attributes:
        key: unique among the series of one input.
        named: the user named this very file.
        archive: the zip archive that the files lie in.
    """

    key: str
    content: Content
    named: bool = False
    archive: Path | None = None

    @property
    def place(self) -> Path:
        """The archive, the file, or the folder of the first of a DICOM series' files."""
        return self.archive or self.content.place

    @property
    def input_sha256(self) -> str:
        """What tells the series from others, wherever its files lie.

        Raises:
            OSError: a file cannot be read.
            UnreadableInput: the header of a volume is damaged.
        """
        return self.content.sha256

    def load(self) -> tuple[Series | None, list[Refusal]]:
        """Read the pixels.

        Returns:
            The series, or none where it cannot be used, and what was not taken and why.
        """
        try:
            series, left_out = self.content.read()
            return replace(series, key=self.key, input_sha256=self.input_sha256), left_out
        except UnreadableInput as error:
            place = self.content.place
            name = place.name if place.is_file() else self.key
            return None, [Refusal.of(name, error, self.named)]


@dataclass(frozen=True)
class FoundStudy:
    """Everything that lies in an input.

    Attributes:
        series: what can be read, as far as names and headers tell.
        refused: what can not.
        passed_over: files of other kinds.
        files: keeps the folders of unpacked archives while this is in use.
    """

    series: tuple[FoundSeries, ...]
    refused: tuple[Refusal, ...]
    passed_over: tuple[Path, ...]
    files: Files

    def nothing_read(self, inputs: Sequence[str | Path], refused: list[Refusal]) -> UnreadableInput:
        """The error for an input of which no series could be read."""
        where = ", ".join(str(item) for item in inputs)
        return UnreadableInput(_nothing_read(self.passed_over, refused), where)


def find(inputs: Sequence[str | Path]) -> FoundStudy:
    """Find the series in files, folders (searched to any depth) and zip archives.

    DICOM files are put together to series by SeriesInstanceUID, wherever they lie; every other
    image file is a series of its own.

    Raises:
        UnreadableInput: an input does not exist.
    """
    files = find_files(inputs)
    found: list[FoundSeries] = []
    refused = list(files.refused)
    together: dict[Reader, list[Path]] = {}
    passed_over: list[Path] = []
    for path in files.paths:
        if not os.access(path, os.R_OK):
            refused.append(Refusal(path.name, "may not be read (permission denied)"))
            continue
        if path.stat().st_size == 0:
            why = "is empty: a copy that broke off?"
            refused.append(Refusal(path.name, why, failed=path in files.named))
            continue
        reader = next((one for one in READERS if one.claims(path)), None)
        if reader is None:
            if path.suffix.lower() in (".dcm", ".ima") or path in files.named:
                refused.append(Refusal(path.name, "is not a DICOM file or an image known here"))
            else:
                passed_over.append(path)
        elif reader.one_file_each:
            contents, more = reader.find([path])
            found += [FoundSeries(one.key, one, path in files.named) for one in contents]
            refused += more
        else:
            together.setdefault(reader, []).append(path)
    for reader, paths in together.items():
        contents, more = reader.find(paths)
        found += [FoundSeries(one.key, one) for one in contents]
        refused += more
    found = [replace(one, archive=files.archive_of(one.place)) for one in found]
    values = {path for one in found for path in one.content.files}
    other = tuple(path for path in passed_over if path not in values)
    return FoundStudy(tuple(with_unique_keys(found)), tuple(refused), other, files)


def read(inputs: str | Path | Sequence[str | Path]) -> Study:
    """Read a file, a folder, a zip archive or several of them.

    Files that cannot be used are listed in `Study.refused`, files of other kinds counted in
    `Study.passed_over`.

    Raises:
        UnreadableInput: an input does not exist, or nothing in it can be read.
    """
    given = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    found = find(given)
    series: list[Series] = []
    refused = list(found.refused)
    for one in found.series:
        loaded, left_out = one.load()
        refused += left_out
        if loaded is not None:
            # the archives' folders stay while a series is in use
            series.append(replace(loaded, unpacked=found.files.unpacked))
    if not series:
        raise found.nothing_read(given, refused)
    return Study(tuple(series), tuple(refused), len(found.passed_over))


def with_unique_keys(series: Iterable[FoundSeries]) -> list[FoundSeries]:
    """Give series of the same key the endings -2, -3, ...; a key is never empty or all dots, nor
    the name of a file that lies beside the results."""
    taken: set[str] = set()
    out = []
    for one in series:
        base = one.key if one.key.strip(".") else "series"
        key, count = base, 1
        while key in taken or NAMES_BESIDE.fullmatch(key):
            count += 1
            key = numbered_key(base, count)
        taken.add(key)
        out.append(replace(one, key=key))
    return out


def _nothing_read(passed_over: Sequence[Path], refused: list[Refusal]) -> str:
    if refused:
        first = refused[0]
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        return f"nothing to segment; {first.name}: {first.reason}{more}"
    if not passed_over:
        return "the folder is empty"
    count = len(passed_over)
    among = f"{count} files" if count > 1 else "1 file"
    names = ", ".join(readable(path.name) for path in passed_over[:3])
    named = f"{names}, ..." if count > 3 else names
    return f"no DICOM, NIfTI, MHA, NRRD, PNG, JPEG or TIFF among {among} ({named})"
