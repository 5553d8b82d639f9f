"""Read NRRD volumes: the header with pynrrd, the values here, in parts, for pynrrd takes all that a
stream holds into memory, and ITK's reader ends the whole process on some damaged files.

The format: https://teem.sourceforge.net/nrrd/format.html
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import nrrd
import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers.header_checks import beside, short
from spinetk.readers.nrrd_values import check_length, kind_of, opened
from spinetk.readers.reader import FileReader
from spinetk.readers.volume import sagittal_series
from spinetk.readers.volume_header import VolumeFile, is_unit_grid, three_axes
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
LONGEST_HEADER = 2**20
_SEGMENT = re.compile(r"Segment\d+_Name")


@dataclass(frozen=True)
class _Layout:
    """How a file's values lie.

    Attributes:
        layers: number of values of each voxel, the fastest axis: overlapping segments.
        shape: of the axes of space.
        header: with what is said of the axes of space alone.
        merged: what value each segment has on which layer, by its number, where there are layers.
    """

    layers: int
    shape: tuple[int, int, int]
    header: dict[str, Any]
    names: dict[int, str] = field(default_factory=dict)
    merged: dict[int, tuple[int, int]] = field(default_factory=dict)


def open_nrrd(path: Path) -> VolumeFile:
    """Read the header.

    A file without directions is taken to run along LPS, as ITK takes it.

    Raises:
        UnreadableInput: damaged, of values that are no gray values, or with too many axes.
    """
    with _damage_named(path):
        header, start = _header(path)
        kind = kind_of(header)
        layout = _layout(path.name, header)
        wanted = int(np.prod(layout.shape, dtype=object)) * layout.layers * kind.itemsize
        values_in = _values_file(path, header)
        check_length(values_in, header, wanted)
        affine = _affine(layout.header, len(layout.header["sizes"]))
        dimensions = len(layout.header["sizes"])
    said = header.get("space directions") is not None or header.get("spacings") is not None
    spaced = said and not is_unit_grid(affine)

    def slabs(depth: int) -> Iterator[NDArray[np.generic]]:
        skipped = start if values_in == path else 0
        with _damage_named(path), opened(values_in, skipped, header, wanted, kind) as stream:
            for first in range(0, layout.shape[2], depth):
                yield _slab(stream, kind, layout, min(depth, layout.shape[2] - first))
            if stream.read(1):
                raise UnreadableInput("its sizes do not fit its data")

    return VolumeFile(
        path,
        layout.shape,
        affine,
        slabs,
        spaced=spaced,
        placed=(header.get("space") is not None and dimensions > 2) or layout.shape[2] > 1,
        contradiction=_contradiction(header),
        names=layout.names,
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
        return _values_file(path, _header(path)[0])
    except UnreadableInput:
        raise
    except Exception as error:  # pynrrd raises many kinds for damaged files
        raise UnreadableInput("has no NRRD header") from error


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """What is raised over a damaged file, in one line."""
    try:
        yield
    except Unsuitable as error:
        raise Unsuitable(error.reason, path.name) from error
    except Exception as error:  # pynrrd, zlib and bz2 raise many kinds for damaged files
        raise UnreadableInput(f"damaged or not known ({short(error, path)})", path.name) from error


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The header's fields, and where in the file it ends."""
    with path.open("rb") as stream:
        head = io.BytesIO(stream.read(LONGEST_HEADER))
    header = nrrd.read_header(head)
    if head.tell() >= LONGEST_HEADER:
        raise UnreadableInput("its header does not end")
    return dict(header), head.tell()


def _values_file(path: Path, header: dict[str, Any]) -> Path:
    name = header.get("data file", header.get("datafile"))
    return path if name is None else beside(path, str(name))


def _slab(
    stream: IO[bytes], kind: np.dtype[Any], layout: _Layout, depth: int
) -> NDArray[np.generic]:
    """The next planes, [x, y, depth]."""
    shape = (layout.layers, *layout.shape[:2], depth)
    count = int(np.prod(shape)) * kind.itemsize
    content = stream.read(count)
    if len(content) != count:
        raise UnreadableInput("its sizes do not fit its data")
    values: NDArray[np.generic] = np.frombuffer(content, dtype=kind).reshape(shape, order="F")
    if not layout.merged:
        plane: NDArray[np.generic] = values[0]
        return plane
    labels = np.zeros(shape[1:], dtype=np.uint16)
    for number, (layer, value) in layout.merged.items():
        labels[values[layer] == value] = number
    return labels


def _layout(name: str, header: dict[str, Any]) -> _Layout:
    """How the values lie. Axes of length 1 that are none of space (a time with one volume) count
    for nothing.

    A segmentation of 3D Slicer is a label map; where segments overlap, Slicer writes layers along a
    first axis that is not of space: each segment then gets a number of its own, and the later one
    has the pixels that two share.

    Source: https://slicer.readthedocs.io (.seg.nrrd file format).

    Raises:
        Unsuitable: an axis that is none of space is longer.
    """
    sizes = [int(size) for size in header["sizes"]]
    if not sizes or min(sizes) < 1 or len(sizes) != int(header["dimension"]):
        raise UnreadableInput("its sizes are not usable")
    numbers = (key[len("Segment") : -len("_Name")] for key in header if _SEGMENT.fullmatch(key))
    segments = sorted(int(number) for number in numbers)
    told = {n: int(header.get(f"Segment{n}_LabelValue", n + 1)) for n in segments}
    names = {n: str(header[f"Segment{n}_Name"]) for n in segments}
    directions = header.get("space directions")
    rows = None if directions is None else np.asarray(directions, dtype=float)
    if segments and len(sizes) > 3:
        layers = {n: int(header.get(f"Segment{n}_Layer", 0)) for n in segments}
        if not all(0 <= layer < sizes[0] for layer in layers.values()):
            raise UnreadableInput("its layers are not usable")
        rest = header | {"sizes": sizes[1:]}
        if rows is not None:
            rest["space directions"] = rows[1:]
        return _Layout(
            sizes[0],
            three_axes(name, tuple(sizes[1:])),
            rest,
            {n + 1: names[n] for n in segments},
            {n + 1: (layers[n], told[n]) for n in segments},
        )
    named = {told[n]: names[n] for n in segments}
    if rows is None or len(sizes) < 3:
        return _Layout(1, three_axes(name, tuple(sizes)), header | {"sizes": sizes}, named)
    other = [i for i in range(len(sizes)) if not np.isfinite(rows[i]).all()]
    if any(sizes[i] > 1 for i in other):
        raise Unsuitable(f"has {len(sizes)} dimensions; a 3D volume is needed")
    of_space = [size for i, size in enumerate(sizes) if i not in other]
    rest = header | {"sizes": of_space, "space directions": np.delete(rows, other, axis=0)}
    return _Layout(1, three_axes(name, tuple(of_space)), rest, named)


def _contradiction(header: dict[str, Any]) -> str | None:
    """Why what the header says of distances cannot be trusted."""
    units = header.get("space units") or header.get("units") or []
    if len({str(unit).strip().lower() for unit in units if str(unit).strip()}) > 1:
        return "its axes have different units: lengths cannot be told"
    return None


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
