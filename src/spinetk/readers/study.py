"""Sort the files of an input by kind and hand them to their readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from spinetk.errors import UnreadableInput
from spinetk.readers.dicom import is_dicom, read_dicom_series
from spinetk.readers.raster import RASTER_SUFFIXES, read_raster
from spinetk.readers.volume import VOLUME_SUFFIXES, read_volume
from spinetk.study import Refusal, Series, Study


def read(inputs: str | Path | Sequence[str | Path]) -> Study:
    """Read a file, a folder (searched to any depth) or several of them.

    DICOM files are put together to series by SeriesInstanceUID, wherever they lie; every other
    image file is a series of its own. Files that cannot be used are listed in `Study.refused`.

    Raises:
        UnreadableInput: an input does not exist, or nothing in it can be read.
    """
    given = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    files = [path for item in given for path in _files(Path(item))]
    series: list[Series] = []
    refused: list[Refusal] = []
    dicom: list[Path] = []
    for path in files:
        try:
            if path.name.lower().endswith(VOLUME_SUFFIXES):
                series.append(read_volume(path))
            elif path.suffix.lower() in RASTER_SUFFIXES:
                series.append(read_raster(path))
            elif is_dicom(path):
                dicom.append(path)
            elif path.suffix.lower() in (".dcm", ".ima") or path in map(Path, given):
                refused.append(Refusal(path.name, "is not a DICOM file or an image known here"))
        except UnreadableInput as error:
            refused.append(Refusal(path.name, str(error)))
    read_dicom, refused_dicom = read_dicom_series(dicom)
    series += read_dicom
    refused += refused_dicom
    if not series:
        raise UnreadableInput(_nothing_read(given, files, refused))
    return Study(tuple(_with_unique_keys(series)), tuple(refused))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        return sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
    raise UnreadableInput(f"{path}: no such file or folder")


def _with_unique_keys(series: Iterable[Series]) -> list[Series]:
    """Give series of the same key the endings -2, -3, ..."""
    seen: dict[str, int] = {}
    out = []
    for one in series:
        seen[one.key] = seen.get(one.key, 0) + 1
        count = seen[one.key]
        out.append(one if count == 1 else replace(one, key=f"{one.key}-{count}"))
    return out


def _nothing_read(given: Sequence[str | Path], files: list[Path], refused: list[Refusal]) -> str:
    where = ", ".join(str(item) for item in given)
    if refused:
        first = refused[0]
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        return f"{where}: nothing to segment; {first.name}: {first.reason}{more}"
    if not files:
        return f"{where}: the folder is empty"
    return f"{where}: no DICOM, NIfTI, MHA, NRRD, PNG, JPEG or TIFF among {len(files)} files"
