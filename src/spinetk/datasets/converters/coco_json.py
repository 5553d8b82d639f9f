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
from spinetk.readers.sources import files_below
from spinetk.rle import decode_rle, encode_rle


def coco(folder: Path, lost: list[str]) -> Iterator[Picture]:
    """COCO instances: JSON files with `images`, `annotations`, `categories`; polygons or run-length
    codes, compressed or not."""
    for path in (p for p in files_below(folder) if p.suffix == ".json"):
        content = read_json(path)
        if not {"images", "annotations", "categories"} <= content.keys():
            continue
        names = {c["id"]: str(c["name"]) for c in content["categories"]}
        of_image: dict[str, list[dict[str, Any]]] = {str(i["id"]): [] for i in content["images"]}
        for note in content["annotations"]:
            if str(note["image_id"]) in of_image:  # some programs write numbers as text
                of_image[str(note["image_id"])].append(note)
            else:
                lost.append("annotations of no image")
        for image in content["images"]:
            file = _coco_file(path, folder, str(image["file_name"]))
            picture = read_picture(file, size_of(image, "height", "width"))
            outlines: list[Outline] = []
            notes = of_image[str(image["id"])]
            outlined = [note for note in notes if note.get("segmentation")]
            lost += [BOX_ONLY] * (len(notes) - len(outlined))
            complete = len(outlined) == len(notes)
            for note in outlined:
                name = names.get(note["category_id"])
                if name is None:
                    raise SpineError(f"there is no category {note['category_id']}", path)
                kind, level = class_of(name)
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
    bases = [here, here / "images"]
    if above.is_relative_to(folder):  # CVAT: annotations/ beside images/
        bases += [above, above / "images"]
    bases += [folder, folder / "images"]
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
    try:
        return _mask(code, size, file)
    except ValueError as error:
        raise SpineError(f"an outline cannot be used ({error})", file) from error


def _mask(code: Any, size: tuple[int, int], file: Path) -> NDArray[np.bool_] | None:
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
