"""Pictures with outlines in COCO's JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from spinetk.datasets.contract import RunLengths
from spinetk.datasets.converters.names import Label, class_of
from spinetk.datasets.converters.parsed import json_of
from spinetk.datasets.converters.picture_files import (
    AnyNumber,
    lie_together,
    named_picture,
    read_picture,
    size_of,
)
from spinetk.datasets.converters.pictures import (
    BOX_ONLY,
    FEW_POINTS,
    Picture,
    picture_name,
)
from spinetk.datasets.fields import AnyText, Entry, Identifier, validated
from spinetk.datasets.writer import Outline, polygon_mask
from spinetk.errors import SpineError
from spinetk.readers.sources import files_below
from spinetk.rle import decode_rle

Polygon = list[float]


class Category(Entry):
    """A class; some programs write numbers as text, so they are compared as text."""

    id: Identifier
    name: AnyText = None


class Named(Entry):
    """A picture and the size that was annotated."""

    id: Identifier
    file_name: Annotated[str, Field(min_length=1)]
    height: AnyNumber = None
    width: AnyNumber = None


class Note(Entry):
    """An outline: polygons, or run lengths; neither for a box."""

    image_id: Identifier | None = None
    category_id: Identifier | None = None
    segmentation: Annotated[
        RunLengths | list[Polygon] | None, BeforeValidator(lambda value: value or None)
    ] = None
    level: AnyText = None


class CocoFile(Entry):
    """What is read of a file."""

    categories: list[Category]
    images: list[Named]
    annotations: list[Note]


def coco(folder: Path, lost: list[str]) -> Iterator[Picture]:
    """COCO instances: JSON files with `images`, `annotations`, `categories`; polygons or run-length
    codes, compressed or not."""
    files = [path for path in files_below(folder) if path.suffix == ".json"]
    for path in files:
        parsed = json_of(path)
        if not {"images", "annotations", "categories"} <= parsed.keys():
            continue
        content = validated(CocoFile, parsed, path)
        names = {category.id: category.name for category in content.categories}
        of_image: dict[str, list[Note]] = {image.id: [] for image in content.images}
        for note in content.annotations:
            if note.image_id is not None and note.image_id in of_image:
                of_image[note.image_id].append(note)
            else:
                lost.append("annotations of no image")
        for image in content.images:
            file = _coco_file(path, folder, image.file_name, alone=lie_together(files))
            picture = read_picture(file, size_of(image.height, image.width))
            outlines: list[Outline] = []
            notes = of_image[image.id]
            outlined = [note for note in notes if note.segmentation is not None]
            lost += [BOX_ONLY] * (len(notes) - len(outlined))
            complete = len(outlined) == len(notes)
            for note in outlined:
                name = names.get(note.category_id or "")
                if name is None:
                    raise SpineError(f"there is no category {note.category_id}", path)
                kind, level = class_of(name)
                label: Label = kind, note.level or level
                mask = _coco_mask(note.segmentation, picture.shape, file)
                if mask is None:
                    lost.append(FEW_POINTS)
                    complete = False
                else:
                    outlines.append((label, mask))
            yield Picture(picture_name(file, folder), picture, outlines, complete)


def _coco_file(path: Path, folder: Path, name: str, *, alone: bool) -> Path:
    """The picture of an entry: the format says no folder, so programs use one of some places."""
    here, above = path.parent, path.parent.parent
    bases = [here, here / "images"]
    if above.is_relative_to(folder):  # CVAT: annotations/ beside images/
        bases += [above, above / "images"]
    bases += [folder, folder / "images"]
    split = path.stem.partition("_")[2]  # instances_train2017.json
    bases += [base / split for base in tuple(bases) if split]
    found = named_picture(name, bases, folder, alone=alone)
    if found is None:
        raise SpineError(f"the annotated picture, {name}, is missing", path)
    return found


def _coco_mask(
    code: RunLengths | list[Polygon] | None, shape: tuple[int, ...], file: Path
) -> NDArray[np.bool_] | None:
    """Mask of polygons or of a run-length code; None where no polygon has three points.

    Raises:
        SpineError: the code is of another size than the picture, or cannot be drawn.
    """
    size = int(shape[0]), int(shape[1])
    try:
        if isinstance(code, RunLengths):
            if code.size != size:
                raise SpineError(f"a mask of {list(code.size)} for a picture of {list(size)}", file)
            return decode_rle(code.model_dump())
        polygons = [np.reshape(part[: len(part) // 2 * 2], (-1, 2)) for part in code or ()]
        masks = [polygon_mask(points, size) for points in polygons if len(points) > 2]
        return np.asarray(np.any(masks, axis=0)) if masks else None
    except ValueError as error:
        raise SpineError(f"an outline cannot be used ({error})", file) from error
