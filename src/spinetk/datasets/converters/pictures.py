"""Pictures with polygons beside them: LabelMe, YOLO segmentation, COCO, AASCE/BoostNet corners."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.io import loadmat

from spinetk.datasets.converters.names import Label, class_of
from spinetk.datasets.writer import Outline, eight_bit, grey_window, polygon_mask
from spinetk.errors import SpineError
from spinetk.readers.raster import RASTER_SUFFIXES, read_raster
from spinetk.rle import decode_rle, encode_rle
from spinetk.structures import BODY_KIND, LEVELS

AASCE_LEVELS = LEVELS[LEVELS.index("T1") : LEVELS.index("S1")]
LOOSE_GAP = 0.9
"""A gap between neighbouring quadrilaterals wider than this share of their height is an error."""
UNKNOWN_SHAPE = "shapes that are no outline"


class Picture(NamedTuple):
    """One annotated picture.

    Attributes:
        name: in the data set.
        pixels: uint8 [H, W].
        complete: False where something annotated could not be taken over.
    """

    name: str
    pixels: NDArray[np.uint8]
    outlines: list[Outline]
    complete: bool = True


def labelme(folder: Path, lost: list[str]) -> Iterator[Picture]:
    """LabelMe: one JSON file a picture; polygons, rectangles and masks with a label.

    Args:
        lost: receives a reason for each thing that is annotated and cannot be taken over.
    """
    for path in sorted(folder.rglob("*.json")):
        content = _json(path)
        if "shapes" not in content or "imagePath" not in content:
            continue
        picture = _read(path.parent / Path(str(content["imagePath"]).replace("\\", "/")).name)
        masks = [(s["label"], _labelme_mask(s, picture.shape)) for s in content["shapes"]]
        outlines = [(class_of(label), mask) for label, mask in masks if mask is not None]
        lost += [UNKNOWN_SHAPE] * (len(masks) - len(outlines))
        yield Picture(_name(path, folder), picture, outlines, len(outlines) == len(masks))


def _labelme_mask(shape: dict[str, Any], size: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """Mask of a shape, None for points, lines and circles."""
    kind = shape.get("shape_type") or "polygon"
    points = np.array(shape["points"], dtype=float)
    if kind == "polygon":
        return polygon_mask(points, size)
    if kind not in ("rectangle", "mask"):
        return None
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    if kind == "rectangle":
        return polygon_mask(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]), size)
    coded = np.frombuffer(base64.b64decode(shape["mask"]), dtype=np.uint8)
    part = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE))
    mask = np.zeros(size, dtype=bool)
    top, left = int(y0 + 0.5), int(x0 + 0.5)
    room = mask[top : top + part.shape[0], left : left + part.shape[1]]
    room[:] = part[: room.shape[0], : room.shape[1]] > 0
    return mask


def yolo(folder: Path, lost: list[str]) -> Iterator[Picture]:
    """YOLO segmentation: `data.yaml` with `names`, `images/` and `labels/` (also below `train/`,
    `valid/`, `test/`), lines `class x1 y1 x2 y2 ...` in shares of width and height. A picture
    without a file of labels shows nothing, by YOLO's convention."""
    path = folder / "data.yaml"
    if not path.is_file():
        raise SpineError("no data.yaml here; is this a YOLO data set?", folder)
    names = yaml.safe_load(path.read_text())["names"]
    names = names if isinstance(names, dict) else dict(enumerate(names))
    for labels in sorted(folder.rglob("labels/**/*.txt")):
        if _beside(_swapped(labels, "labels", "images")) is None:
            lost.append("labels without a picture")
    for picture_path in sorted(folder.rglob("images/**/*")):
        if picture_path.suffix.lower() not in RASTER_SUFFIXES:
            continue
        picture = _read(picture_path)
        height, width = picture.shape
        outlines = []
        labels = _swapped(picture_path, "images", "labels").with_suffix(".txt")
        for line in labels.read_text().splitlines() if labels.is_file() else ():
            if not line.strip():
                continue
            number, *values = line.split()
            if len(values) < 6:
                raise SpineError("holds boxes, not outlines", labels)
            points = np.array(values, dtype=float).reshape(-1, 2) * (width, height)
            outlines.append((class_of(names[int(number)]), polygon_mask(points, picture.shape)))
        yield Picture(_name(picture_path, folder), picture, outlines)


def _swapped(path: Path, old: str, new: str) -> Path:
    """The path with the last folder of one name replaced by another."""
    parts = list(path.parts)
    parts[len(parts) - 1 - parts[::-1].index(old)] = new
    return Path(*parts)


def coco(folder: Path, lost: list[str]) -> Iterator[Picture]:
    """COCO instances: JSON files with `images`, `annotations`, `categories`; polygons or run-length
    codes, compressed or not."""
    for path in sorted(folder.rglob("*.json")):
        content = _json(path)
        if not {"images", "annotations", "categories"} <= content.keys():
            continue
        names = {c["id"]: c["name"] for c in content["categories"]}
        for image in content["images"]:
            name = image["file_name"]
            file = _found(folder, path.parent, name)
            picture = _read(file)
            outlines: list[Outline] = []
            notes = [note for note in content["annotations"] if note["image_id"] == image["id"]]
            outlined = [note for note in notes if note.get("segmentation")]
            lost += ["boxes without an outline"] * (len(notes) - len(outlined))
            for note in outlined:
                kind, level = class_of(names[note["category_id"]])
                label: Label = kind, note.get("level") or level
                outlines.append((label, _coco_mask(note["segmentation"], picture.shape)))
            complete = len(outlined) == len(notes)
            yield Picture(_name(file, folder), picture, outlines, complete)


def aasce(folder: Path, lost: list[str]) -> Iterator[Picture]:
    """AASCE 2019 / BoostNet: AP films in `data/*/`, corners in `labels/*/NAME.jpg.mat`.

    `p2` holds 68 points (x, y; pixel centres at whole numbers), four a vertebra (top left, top
    right, bottom left, bottom right), 17 vertebrae from T1 to L5. Many are loose; a film is left
    out where a quadrilateral is not convex, where they are out of order, or where a gap is wider
    than `LOOSE_GAP` of the height.
    """
    for path in sorted(folder.rglob("*.mat")):
        points = np.asarray(loadmat(path)["p2"], dtype=float).reshape(17, 4, 2)
        quads = points[:, [0, 1, 3, 2]]
        if not _plausible(quads):
            lost.append("films with loose corners")
            continue
        picture = _read(_found(folder, path.parent, path.name.removesuffix(".mat")))
        outlines: list[Outline] = [
            ((BODY_KIND, level), polygon_mask(quad + 0.5, picture.shape))
            for level, quad in zip(AASCE_LEVELS, quads, strict=True)
        ]
        yield Picture(path.name.removesuffix(".mat").rsplit(".", 1)[0], picture, outlines)


def _plausible(quads: NDArray[np.float64]) -> bool:
    """Convex, from top to bottom, without wide gaps. quads: float [17, 4, 2], around the body."""
    centres = quads.mean(axis=1)
    convex = all(cv2.isContourConvex(quad.astype(np.float32)) for quad in quads)
    heights = np.linalg.norm(quads[:, [0, 1]].mean(axis=1) - quads[:, [3, 2]].mean(axis=1), axis=1)
    gaps = np.linalg.norm(quads[1:, [0, 1]].mean(axis=1) - quads[:-1, [3, 2]].mean(axis=1), axis=1)
    ordered = bool((np.diff(centres[:, 1]) > 0).all())
    return convex and ordered and bool((gaps <= LOOSE_GAP * (heights[1:] + heights[:-1]) / 2).all())


def _name(path: Path, folder: Path) -> str:
    """A picture's name in the data set: its path below the folder, so that none is used twice."""
    parts = path.relative_to(folder).with_suffix("").parts
    return "_".join(part for part in parts if part not in ("images", "labels"))


def _coco_mask(code: Any, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    size = int(shape[0]), int(shape[1])
    if isinstance(code, list):
        masks = [polygon_mask(np.reshape(part, (-1, 2)), size) for part in code]
        return np.asarray(np.any(masks, axis=0))
    if isinstance(code["counts"], list):
        values = np.repeat(np.arange(len(code["counts"])) % 2 == 1, code["counts"])
        code = encode_rle(values.reshape(tuple(code["size"]), order="F"))
    return decode_rle(code)


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SpineError("not valid JSON", path) from error
    return content if isinstance(content, dict) else {}


def _read(path: Path) -> NDArray[np.uint8]:
    """uint8 [H, W]; more than 8 bit are scaled between percentiles, as volumes are."""
    if not path.is_file():
        raise SpineError("the annotated picture is missing", path)
    picture = read_raster(path)
    pixels = picture.slices[0].pixels
    if pixels.max() <= 255:
        return pixels.astype(np.uint8)
    return eight_bit(pixels, *grey_window(picture.slices, None))


def _beside(path: Path) -> Path | None:
    """The picture with this path but another suffix."""
    return next((p for s in RASTER_SUFFIXES if (p := path.with_suffix(s)).is_file()), None)


def _found(folder: Path, start: Path, name: str) -> Path:
    """Where a picture lies: beside its annotation, in `images/`, or anywhere in the folder."""
    for path in (start / name, start / "images" / name, folder / name):
        if path.is_file():
            return path
    return next(folder.rglob(Path(name).name), folder / name)
