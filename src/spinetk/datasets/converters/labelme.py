"""Pictures with outlines of LabelMe."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.datasets.converters.names import Label, class_of
from spinetk.datasets.converters.parsed import json_of
from spinetk.datasets.converters.picture_files import (
    AnyNumber,
    held_picture,
    is_there,
    lie_together,
    named_picture,
    read_picture,
    size_of,
)
from spinetk.datasets.converters.pictures import (
    FEW_POINTS,
    UNKNOWN_SHAPE,
    Picture,
    picture_name,
)
from spinetk.datasets.fields import AnyText, Entry, validated
from spinetk.datasets.writer import Outline, polygon_mask
from spinetk.errors import SpineError
from spinetk.readers.sources import files_below


class Shape(Entry):
    """One annotation; `mask` is a picture in base64."""

    label: str | None = None
    points: Any = None
    shape_type: AnyText = None
    group_id: Any = None
    mask: AnyText = None


class LabelMeFile(Entry):
    """What is read of a file."""

    shapes: list[Shape]
    imagePath: AnyText = None
    imageData: AnyText = None
    imageHeight: AnyNumber = None
    imageWidth: AnyNumber = None


def labelme(folder: Path, lost: list[str]) -> Iterator[Picture]:
    """LabelMe: one JSON file a picture; polygons, rectangles and masks with a label. `imagePath` is
    relative to the JSON file; where it leads nowhere, the picture is in `imageData`.

    Args:
        lost: receives a reason for each thing that is annotated and cannot be taken over.
    """
    files = [path for path in files_below(folder) if path.suffix == ".json"]
    for path in files:
        parsed = json_of(path)
        if "shapes" not in parsed or "imagePath" not in parsed:
            continue
        content = validated(LabelMeFile, parsed, path)
        picture = _labelme_picture(path, folder, content, alone=lie_together(files))
        outlines: list[Outline] = []
        groups: dict[tuple[Label, str], int] = {}
        complete = True
        for shape in content.shapes:
            try:
                mask = _labelme_mask(shape, picture.shape)
            except (ValueError, TypeError) as error:
                raise SpineError(f"an outline cannot be used ({error})", path) from error
            if isinstance(mask, str):
                lost.append(mask)
                complete = False
            else:
                if shape.label is None:
                    raise SpineError("an outline has no label", path)
                _unite(
                    outlines,
                    groups,
                    class_of(shape.label),
                    "" if shape.group_id is None else str(shape.group_id),
                    mask,
                )
        yield Picture(picture_name(path, folder), picture, outlines, complete)


def _unite(
    outlines: list[Outline],
    groups: dict[tuple[Label, str], int],
    label: Label,
    group: str,
    mask: NDArray[np.bool_],
) -> None:
    """Add an outline; shapes of one label and group are one instance."""
    if group and (label, group) in groups:
        place = groups[label, group]
        outlines[place] = label, outlines[place][1] | mask
        return
    if group:
        groups[label, group] = len(outlines)
    outlines.append((label, mask))


OTHER_PICTURE = 5.0
"""Mean difference of grey values of pictures that are not the same one, saved in two ways."""


def _labelme_picture(
    path: Path, folder: Path, content: LabelMeFile, *, alone: bool
) -> NDArray[np.uint8]:
    name, size = content.imagePath or "", size_of(content.imageHeight, content.imageWidth)
    direct = path.parent.joinpath(*name.replace("\\", "/").split("/"))
    if not is_there(direct) and content.imageData:
        return held_picture(content.imageData, name.replace("\\", "/"), size)
    found = named_picture(name, (path.parent,), folder, alone=alone)
    if found is None:
        raise SpineError(f"the annotated picture, {name}, is missing", path)
    picture = read_picture(found, size)
    if found == direct and content.imageData:
        held = held_picture(content.imageData, name.replace("\\", "/"), size)
        if np.abs(held.astype(float) - picture).mean() > OTHER_PICTURE:
            raise SpineError(f"the picture that it holds is another than {name}", path)
    return picture


def _labelme_mask(shape: Shape, size: tuple[int, ...]) -> NDArray[np.bool_] | str:
    """Mask of a shape, or why it has none: points, lines and circles are no outline."""
    kind = shape.shape_type or "polygon"
    points = np.array(shape.points, dtype=float).reshape(-1, 2)
    if kind == "polygon":
        return polygon_mask(points, size) if len(points) > 2 else FEW_POINTS
    if kind not in ("rectangle", "mask"):
        return UNKNOWN_SHAPE
    if len(points) < 2:
        return FEW_POINTS
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    if kind == "rectangle":
        return polygon_mask(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]), size)
    return _pasted(shape.mask or "", (int(y0 + 0.5), int(x0 + 0.5)), size)


def _pasted(mask: str, corner: tuple[int, int], size: tuple[int, ...]) -> NDArray[np.bool_]:
    """A mask that a shape holds, laid into the picture with its upper left pixel at (row, column).

    Raises:
        ValueError: it is no picture, or lies outside.
    """
    coded = np.frombuffer(base64.b64decode(mask), dtype=np.uint8)
    part = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE) if coded.size else None
    if part is None:
        raise ValueError("its mask is no picture")
    top, left = corner
    laid = np.zeros(size, dtype=bool)
    part = part[max(0, -top) :, max(0, -left) :]  # what lies in the picture
    room = laid[max(0, top) :, max(0, left) :][: part.shape[0], : part.shape[1]]
    room[:] = part[: room.shape[0], : room.shape[1]] > 0
    return laid
