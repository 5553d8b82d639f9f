"""Sort the files of an input by kind and hand them to their readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers.dicom import read_dicom_series
from spinetk.readers.dicom_headers import is_dicom
from spinetk.readers.raster import RASTER_SUFFIXES, read_raster
from spinetk.readers.sources import Files, find_files
from spinetk.readers.volume import VOLUME_SUFFIXES, read_volume
from spinetk.study import Refusal, Series, Study


def read(inputs: str | Path | Sequence[str | Path]) -> Study:
    """Read a file, a folder (searched to any depth), a zip archive or several of them.

    DICOM files are put together to series by SeriesInstanceUID, wherever they lie; every other
    image file is a series of its own. Files that cannot be used are listed in `Study.refused`,
    files of other kinds counted in `Study.passed_over`.

    Raises:
        UnreadableInput: an input does not exist, or nothing in it can be read.
    """
    given = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    files = find_files(given)
    series: list[Series] = []
    refused = list(files.refused)
    dicom: list[Path] = []
    passed_over = 0
    for path in files.paths:
        try:
            if path.name.lower().endswith(VOLUME_SUFFIXES):
                series.append(read_volume(path))
            elif path.suffix.lower() in RASTER_SUFFIXES:
                series.append(read_raster(path))
            elif is_dicom(path):
                dicom.append(path)
            elif path.suffix.lower() in (".dcm", ".ima") or path in files.named:
                refused.append(Refusal(path.name, "is not a DICOM file or an image known here"))
            else:
                passed_over += 1
        except UnreadableInput as error:
            failed = not isinstance(error, Unsuitable) or path in files.named
            refused.append(Refusal(path.name, str(error).removeprefix(f"{path.name}: "), failed))
    read_dicom, refused_dicom = read_dicom_series(dicom)
    series += read_dicom
    refused += refused_dicom
    if not series:
        raise UnreadableInput(_nothing_read(given, files, refused))
    if files.unpacked:  # the archives' folders stay while a series is in use
        series = [replace(one, unpacked=files.unpacked) for one in series]
    return Study(tuple(with_unique_keys(series)), tuple(refused), passed_over)


def with_unique_keys(series: Iterable[Series]) -> list[Series]:
    """Give series of the same key the endings -2, -3, ...; a key is never empty or all dots."""
    taken: set[str] = set()
    out = []
    for one in series:
        base = one.key if one.key.strip(".") else "series"
        key, count = base, 1
        while key in taken:
            count += 1
            key = f"{base}-{count}"
        taken.add(key)
        out.append(replace(one, key=key))
    return out


def _nothing_read(given: Sequence[str | Path], files: Files, refused: list[Refusal]) -> str:
    where = ", ".join(str(item) for item in given)
    if refused:
        first = refused[0]
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        return f"{where}: nothing to segment; {first.name}: {first.reason}{more}"
    if not files.paths:
        return f"{where}: the folder is empty"
    count = len(files.paths)
    return f"{where}: no DICOM, NIfTI, MHA, NRRD, PNG, JPEG or TIFF among {count} files"
