"""Read NRRD volumes with pynrrd: ITK's reader ends the whole process on some damaged files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers.header_checks import LARGEST_SQUEEZE, beside, short
from spinetk.readers.reader import FileReader
from spinetk.readers.volume import sagittal_series
from spinetk.readers.volume_header import VolumeFile, three_axes
from spinetk.study import Series

TO_LPS = {
    "left-posterior-superior": (1.0, 1.0, 1.0),
    "right-anterior-superior": (-1.0, -1.0, 1.0),
    "left-anterior-superior": (1.0, -1.0, 1.0),
}
"""Signs that turn a space's coordinates into LPS."""
TO_MM = {"mm": 1.0, "millimeter": 1.0, "millimeters": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001,
         "µm": 0.001, "": 1.0, "none": 1.0}  # fmt: skip
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
        data, header, names = _one_label_map(data, header)
        data, header = _spatial_axes_first(data, header)
        affine = _affine(header, data.ndim)
    except Unsuitable as error:
        raise Unsuitable(error.reason, path.name) from error
    except Exception as error:  # pynrrd raises many kinds for damaged files
        raise UnreadableInput(f"damaged or not known ({short(error, path)})", path.name) from error
    shape = three_axes(path.name, data.shape)
    values = data.reshape(shape, order="F")
    spaced = header.get("space directions") is not None or header.get("spacings") is not None

    def slabs(depth: int) -> Iterator[NDArray[np.generic]]:
        for start in range(0, shape[2], depth):
            yield values[:, :, start : start + depth]

    return VolumeFile(
        path,
        shape,
        affine,
        slabs,
        spaced=spaced,
        placed=(header.get("space") is not None and data.ndim > 2) or shape[2] > 1,
        names=names,
    )


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


def _one_label_map(
    data: NDArray[Any], header: dict[str, Any]
) -> tuple[NDArray[Any], dict[str, Any], dict[int, str]]:
    """A segmentation of 3D Slicer as one label map, and what its values mean.

    Where segments overlap, Slicer writes layers along a first axis that is not of space; each
    segment then gets a number of its own, and the later one has the pixels that two share.

    Source: https://slicer.readthedocs.io (.seg.nrrd file format).
    """
    numbers = (key[len("Segment") : -len("_Name")] for key in header if _SEGMENT.fullmatch(key))
    segments = sorted(int(number) for number in numbers)
    if not segments:
        return data, header, {}
    told = {n: int(header.get(f"Segment{n}_LabelValue", n + 1)) for n in segments}
    names = {n: str(header[f"Segment{n}_Name"]) for n in segments}
    if data.ndim < 4:
        return data, header, {told[n]: names[n] for n in segments}
    merged = np.zeros(data.shape[1:], dtype=np.uint16)
    for n in segments:
        merged[data[int(header.get(f"Segment{n}_Layer", 0))] == told[n]] = n + 1
    header = header | {"space directions": np.asarray(header["space directions"])[1:]}
    return merged, header, {n + 1: names[n] for n in segments}


_SEGMENT = re.compile(r"Segment\d+_Name")


def _spatial_axes_first(
    data: NDArray[Any], header: dict[str, Any]
) -> tuple[NDArray[Any], dict[str, Any]]:
    """Drop axes of length 1 that are none of space (a time with one volume).

    Raises:
        UnreadableInput: such an axis is longer.
    """
    directions = header.get("space directions")
    if directions is None or data.ndim < 3:
        return data, header
    rows = np.asarray(directions, dtype=float)
    other = tuple(i for i in range(data.ndim) if not np.isfinite(rows[i]).all())
    if any(data.shape[i] > 1 for i in other):
        raise Unsuitable(f"has {data.ndim} dimensions; a 3D volume is needed")
    rows = np.delete(rows, other, axis=0)
    return np.squeeze(data, axis=other), header | {"space directions": rows}


def _affine(header: dict[str, Any], axes: int) -> NDArray[np.float64]:
    affine = np.eye(4)
    spatial = min(axes, 3)
    units = header.get("space units") or header.get("units") or []
    unit = str(next(iter(units), "mm")).strip().lower()
    scale = TO_MM.get(unit)
    if scale is None:
        raise UnreadableInput(f"its unit of length, {unit}, is not known")
    if header.get("space directions") is not None:
        directions = np.asarray(header["space directions"], dtype=float) * scale
        affine[: directions.shape[1], :spatial] = directions.T[:, :spatial]
        if directions.shape == (2, 3):  # a single slice in the patient
            across = np.cross(directions[0], directions[1])
            affine[:3, 2] = across / max(float(np.linalg.norm(across)), 1e-9)
    elif header.get("spacings") is not None:
        spacings = np.asarray(header["spacings"], dtype=float)[:spatial] * scale
        affine[range(spatial), range(spatial)] = spacings
    origin = header.get("space origin")
    if origin is not None:
        affine[: len(origin), 3] = np.asarray(origin, dtype=float) * scale
    space = str(header.get("space", "left-posterior-superior")).lower()
    signs = TO_LPS.get(SHORT.get(space, space))
    if signs is None:
        raise UnreadableInput(f"its space, {space}, is not known")
    return np.diag([*signs, 1.0]) @ affine


NRRD = FileReader((".nrrd", ".nhdr"), read_nrrd, values_file)
