"""Read NRRD volumes with pynrrd: ITK's reader ends the whole process on some damaged files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput
from spinetk.readers.header_checks import LARGEST_SQUEEZE, beside, short
from spinetk.readers.reader import FileReader
from spinetk.readers.volume import VolumeFile, sagittal_series, three_axes
from spinetk.study import Series

TO_LPS = {
    "left-posterior-superior": (1.0, 1.0, 1.0),
    "right-anterior-superior": (-1.0, -1.0, 1.0),
    "left-anterior-superior": (1.0, -1.0, 1.0),
}
"""Signs that turn a space's coordinates into LPS."""
SHORT = {"lps": "left-posterior-superior", "ras": "right-anterior-superior",
         "las": "left-anterior-superior"}  # fmt: skip


def open_nrrd(path: Path) -> VolumeFile:
    """Read a file; pynrrd knows its values only all at once.

    A file without directions is taken to run along LPS, as ITK takes it.

    Raises:
        UnreadableInput: damaged, of values that are no gray values, or with too many axes.
    """
    try:
        header = nrrd.read_header(str(path))
        _check_length(_values_file(path, header), header)
        data, header = nrrd.read(str(path), index_order="F")
        if data.dtype.kind not in "iuf":
            raise UnreadableInput("gray values are needed")
        affine = _affine(header, data.ndim)
    except Exception as error:  # pynrrd raises many kinds for damaged files
        raise UnreadableInput(f"damaged or not known ({short(error, path)})", path.name) from error
    shape = three_axes(path.name, data.shape)
    values = data.reshape(shape, order="F")

    def slabs(depth: int) -> Iterator[NDArray[np.generic]]:
        for start in range(0, shape[2], depth):
            yield values[:, :, start : start + depth]

    return VolumeFile(path, shape, affine, slabs)


def read_nrrd(path: Path) -> Series:
    """Read an NRRD file as a sagittal series.

    Raises:
        UnreadableInput: damaged, or not usable.
    """
    return sagittal_series(open_nrrd(path))


def values_file(path: Path) -> Path:
    """The file with the values: this one, or the one beside it that the header names.

    Raises:
        UnreadableInput: there is no header, or no such file beside it.
    """
    try:
        return _values_file(path, nrrd.read_header(str(path)))
    except UnreadableInput:
        raise
    except Exception as error:  # pynrrd raises many kinds for damaged files
        raise UnreadableInput("has no NRRD header") from error


def _values_file(path: Path, header: dict[str, Any]) -> Path:
    name = header.get("data file", header.get("datafile"))
    return path if name is None else beside(path, str(name))


def _check_length(values_in: Path, header: dict[str, Any]) -> None:
    """Refuse sizes that the file cannot hold, before memory is asked for."""
    values = float(np.prod(np.asarray(header["sizes"], dtype=float)))
    if values <= 0 or values > values_in.stat().st_size * LARGEST_SQUEEZE:
        raise UnreadableInput("its sizes do not fit its data")


def _affine(header: dict[str, Any], axes: int) -> NDArray[np.float64]:
    affine = np.eye(4)
    spatial = min(axes, 3)
    if header.get("space directions") is not None:
        directions = np.asarray(header["space directions"], dtype=float)
        affine[: directions.shape[1], :spatial] = directions.T[:, :spatial]
        if directions.shape == (2, 3):  # a single slice in the patient
            across = np.cross(directions[0], directions[1])
            affine[:3, 2] = across / max(float(np.linalg.norm(across)), 1e-9)
    elif header.get("spacings") is not None:
        spacings = np.asarray(header["spacings"], dtype=float)[:spatial]
        affine[range(spatial), range(spatial)] = spacings
    origin = header.get("space origin")
    if origin is not None:
        affine[: len(origin), 3] = np.asarray(origin, dtype=float)
    space = str(header.get("space", "left-posterior-superior")).lower()
    signs = TO_LPS.get(SHORT.get(space, space))
    if signs is None:
        raise UnreadableInput(f"its space, {space}, is not known")
    return np.diag([*signs, 1.0]) @ affine


NRRD = FileReader((".nrrd",), read_nrrd, values_file)
