"""Pictures with outlines in COCO's JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinetk.datasets.converters.names import Label, class_of
from spinetk.datasets.converters.picture_files import (
    named_picture,
    read_json,
    read_picture,
    size_of,
)
from spinetk.datasets.converters.pictures import (
    BOX_ONLY,
    FEW_POINTS,
    Picture,
    picture_name,
)
from spinetk.datasets.writer import Outline, polygon_mask
from spinetk.errors import SpineError
from spinetk.rle import decode_rle, encode_rle


def coco(folder: Path, lost: list[str]) -> Iterator[Picture]:
    """COCO instances: JSON files with `images`, `annotations`, `categories`; polygons or run-length
    codes, compressed or not."""
    for path in sorted(folder.rglob("*.json")):
        content = read_json(path)
        if not {"images", "annotations", "categories"} <= content.keys():
            continue
        names = {c["id"]: c["name"] for c in content["categories"]}
        for image in content["images"]:
            file = _coco_file(path, folder, str(image["file_name"]))
            picture = read_picture(file, size_of(image, "height", "width"))
            outlines: list[Outline] = []
            notes = [note for note in content["annotations"] if note["image_id"] == image["id"]]
            outlined = [note for note in notes if note.get("segmentation")]
            lost += [BOX_ONLY] * (len(notes) - len(outlined))
            complete = len(outlined) == len(notes)
            for note in outlined:
                kind, level = class_of(names[note["category_id"]])
                label: Label = kind, note.get("level") or level
                mask = _coco_mask(note["segmentation"], picture.shape, file)
                if mask is None:
                    lost.append(FEW_POINTS)
                    complete = False
                else:
                    outlines.append((label, mask))
            yield Picture(picture_name(file, folder), picture, outlines, complete)


def _coco_file(path: Path, folder: Path, name: str) -> Path:
    """The picture of an entry: the format says no folder, so programs use one of some places."""
    here, above = path.parent, path.parent.parent
    bases = [here, here / "images", folder, folder / "images"]
    if above.is_relative_to(folder):  # CVAT: annotations/ beside images/
        bases += [above, above / "images"]
    split = path.stem.partition("_")[2]  # instances_train2017.json
    bases += [base / split for base in tuple(bases) if split]
    found = named_picture(name, bases, folder)
    if found is None:
        raise SpineError(f"the annotated picture, {name}, is missing", path)
    return found


def _coco_mask(code: Any, shape: tuple[int, ...], file: Path) -> NDArray[np.bool_] | None:
    """Mask of polygons or of a run-length code; None where no polygon has three points.

    Raises:
        SpineError: the code is of another size than the picture.
    """
    size = int(shape[0]), int(shape[1])
    if isinstance(code, list):
        polygons = [np.reshape(part[: len(part) // 2 * 2], (-1, 2)) for part in code]
        masks = [polygon_mask(points, size) for points in polygons if len(points) > 2]
        return np.asarray(np.any(masks, axis=0)) if masks else None
    if tuple(code["size"]) != size:
        raise SpineError(f"a mask of {code['size']} for a picture of {list(size)}", file)
    if isinstance(code["counts"], list):
        values = np.repeat(np.arange(len(code["counts"])) % 2 == 1, code["counts"])
        code = encode_rle(values.reshape(tuple(code["size"]), order="F"))
    return decode_rle(code)
