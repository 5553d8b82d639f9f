"""A data set in one .zip file, so that it travels: read as the folder that it holds."""

from __future__ import annotations

import lzma
import shutil
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from spinetk.datasets.annotated import ANNOTATIONS
from spinetk.errors import SpineError
from spinetk.readers.archive_streams import check_directory
from spinetk.temporary import TemporaryFolder

_folders: list[TemporaryFolder] = []
"""They go with the program."""
ROOM = 0.9
"""Share of the free disk that may be filled."""


def opened(data: Sequence[str | Path]) -> list[Path]:
    """The data sets' folders; those of .zip files are unpacked until the program ends.

    A data set is called as the folder that the file holds or, where it holds none, as the file.

    Raises:
        SpineError: a .zip file is damaged, or holds no data set.
    """
    return [_opened(Path(one)) for one in data]


def _opened(path: Path) -> Path:
    if path.suffix.lower() != ".zip" or not path.is_file():
        return path
    _folders.append(TemporaryFolder())
    top = Path(_folders[-1].name)
    folder = top / path.stem
    folder.mkdir()
    try:
        check_directory(path)
        with zipfile.ZipFile(path) as packed:
            size = sum(item.file_size for item in packed.infolist())
            if size > ROOM * shutil.disk_usage(top).free:
                raise SpineError("the disk has no room for what is in it", path)
            packed.extractall(folder)
    except (
        OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
    ) as error:  # fmt: skip
        raise SpineError(f"cannot be unpacked ({error})", path) from error
    found = sorted(folder.rglob(ANNOTATIONS))
    if len(found) != 1:
        reason = f"{len(found) or 'no'} {ANNOTATIONS} in it; a .zip file holds one data set"
        raise SpineError(reason, path)
    return found[0].parent
