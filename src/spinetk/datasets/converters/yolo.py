"""Pictures with outlines in the files of YOLO segmentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinetk.datasets.converters.names import Label, class_of
from spinetk.datasets.converters.parsed import yaml_of
from spinetk.datasets.converters.picture_files import (
    read_picture,
    same_name_picture,
)
from spinetk.datasets.converters.pictures import (
    BOX_ONLY,
    FEW_POINTS,
    Picture,
    picture_name,
)
from spinetk.datasets.writer import Outline, polygon_mask
from spinetk.errors import SpineError
from spinetk.readers.raster import RASTER_SUFFIXES
from spinetk.readers.sources import files_below


def yolo(folder: Path, lost: list[str]) -> Iterator[Picture]:
    """YOLO segmentation: `data.yaml` with `names`, `images/` and `labels/` (also below `train/`,
    `valid/`, `test/`), lines `class x1 y1 x2 y2 ...` in shares of width and height. A picture
    without a file of labels shows nothing, by YOLO's convention."""
    path = folder / "data.yaml"
    if not path.is_file():
        raise SpineError("no data.yaml here; is this a YOLO data set?", folder)
    content = yaml_of(path)
    names = content.get("names")
    if not names:
        raise SpineError("names no classes (names: [...])", path)
    if isinstance(names, str):
        names = [names]
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict):
        raise SpineError("names no classes (names: [...])", path)
    if content.get("kpt_shape"):
        raise SpineError("is of key points (kpt_shape), which are no outlines", path)
    files = files_below(folder)
    pictures = [path for path in _in_folder("images", folder, files)
                if path.suffix.lower() in RASTER_SUFFIXES]  # fmt: skip
    alone = []
    for labels in _in_folder("labels", folder, files):
        if labels.suffix != ".txt":
            continue
        if same_name_picture(_swapped(labels, "labels", "images")) is None:
            lost.append("labels without a picture")
            alone.append(labels)
    _refuse_doubts(pictures, alone, folder)
    for picture_path in pictures:
        picture = read_picture(picture_path)
        labels = _swapped(picture_path, "images", "labels").with_suffix(".txt")
        lines = labels.read_text(encoding="utf-8-sig").splitlines() if labels.is_file() else []
        outlines: list[Outline] = []
        complete = True
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                label, points = _yolo_outline(line, names)
            except ValueError as error:
                raise SpineError(f"line {number}: {error}", labels) from error
            if len(points) < 3:
                lost.append(BOX_ONLY if len(points) == 2 else FEW_POINTS)
                complete = False
            else:
                scaled = points * (picture.shape[1], picture.shape[0])
                outlines.append((label, polygon_mask(scaled, picture.shape)))
        yield Picture(picture_name(picture_path, folder), picture, outlines, complete)


def _refuse_doubts(pictures: Sequence[Path], alone: Sequence[Path], folder: Path) -> None:
    """See to it that every file of labels belongs to one picture: a picture without labels would
    count as one that shows nothing.

    Args:
        alone: files of labels that no picture lies where theirs would.

    Raises:
        SpineError: two pictures have one file of labels, or it lies in another folder than YOLO
            has it.
    """
    of_labels: dict[Path, Path] = {}
    for path in pictures:
        labels = _swapped(path, "images", "labels").with_suffix(".txt")
        if labels in of_labels:
            raise SpineError(f"has the labels of {of_labels[labels].name}, too", path)
        of_labels[labels] = path
    stems = {labels.stem: labels for labels in alone}
    for labels, path in of_labels.items():
        if labels.stem in stems and not labels.is_file():
            other = stems[labels.stem].relative_to(folder)
            text = f"has no labels, and {other} no picture: are they its own? Put them alike"
            raise SpineError(text, path.relative_to(folder))


BEYOND = 0.05
"""Points may lie so far outside the picture, as a share of it."""


def _yolo_outline(line: str, names: dict[Any, str]) -> tuple[Label, NDArray[np.float64]]:
    """Label and points [N, 2] of a line; two points for a box. A score at the line's end, as
    predictions have it, is left out.

    Raises:
        ValueError: not numbers, or a class that data.yaml does not name.
    """
    try:
        values = [float(word) for word in line.split()]
    except ValueError as error:
        raise ValueError(f"{line.strip()[:40]!r} is not a line of numbers") from error
    place, points = values[0], values[1:]
    name = names.get(int(place), names.get(str(int(place)))) if place.is_integer() else None
    if name is None:
        raise ValueError(f"class {place:g} is not named in data.yaml")
    if len(points) % 2:
        points = points[:-1]
    if not all(-BEYOND <= value <= 1 + BEYOND for value in points):
        raise ValueError("its points are no shares of width and height (pixels?)")
    return class_of(str(name)), np.array(points, dtype=float).reshape(-1, 2)


def _in_folder(name: str, folder: Path, files: Sequence[Path]) -> list[Path]:
    """Files somewhere below a folder of that name in the collection."""
    return [path for path in files if name in path.relative_to(folder).parts[:-1]]


def _swapped(path: Path, old: str, new: str) -> Path:
    """The path with the last folder of one name replaced by another."""
    parts = list(path.parts)
    parts[len(parts) - 1 - parts[::-1].index(old)] = new
    return Path(*parts)
