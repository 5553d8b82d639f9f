"""Write a data set in the documented layout, image by image."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinetk.atomic import write_text
from spinetk.boxes import mask_box
from spinetk.datasets.annotated import ANNOTATIONS
from spinetk.datasets.contract import SPACINGS
from spinetk.datasets.converters.names import Label
from spinetk.errors import SpineError, readable
from spinetk.intensity import BONE_WINDOW_HU, HIGH_PERCENTILE, LOW_PERCENTILE
from spinetk.png import png_of
from spinetk.results.keys import numbered_key
from spinetk.rle import encode_rle
from spinetk.structures import SPINE_CLASSES
from spinetk.study import Modality, Slice

Outline = tuple[Label, NDArray[np.bool_]]
"""Class and level, and a mask bool [H, W]."""


def hashed_patient(patient_id: str) -> str:
    """What a data set keeps of a PatientID: 12 hex digits of its SHA-256.

    The same patient has the same hash in every data set, so that none is in training and in test.
    It hides a number from reading, not from guessing (docs/how-to/convert.md).
    """
    return hashlib.sha256(patient_id.encode()).hexdigest()[:12]


LONGEST_NAME = 200
"""Bytes; file systems take 255 with the ending, and cv2 says nothing of those that they do not."""


def short_name(name: str) -> str:
    """A name that file systems take: the end of a longer one, after its hash.

    >>> len(short_name("a" * 300)), short_name("scan")
    (200, 'scan')
    """
    name = readable(name)
    content = name.encode("utf-8")
    if len(content) <= LONGEST_NAME:
        return name
    sign = hashlib.sha256(content).hexdigest()[:12]
    return f"{sign}_{content[len(sign) + 1 - LONGEST_NAME :].decode('utf-8', 'ignore')}"


@dataclass(frozen=True)
class OutlinedSlice:
    """One slice of a series with its outlines, head up.

    Attributes:
        name: of the picture in the data set.
        series: key of the series.
        picture: uint8 [H, W].
        place: index in the series, slices in the series.
        spacing: (row, column) in mm, None where it is not known.
        patient: None where the series' key tells it.
        pseudo: the labels are made by a network.
    """

    name: str
    series: str
    picture: NDArray[np.uint8]
    outlines: tuple[Outline, ...]
    modality: Modality | None
    place: tuple[int, int]
    spacing: tuple[float, float] | None
    patient: str | None = None
    pseudo: bool = False


class DatasetWriter:
    """Collects images and their outlines; `close` writes `annotations.json`.

    Args:
        folder: new or empty.
        info: `source`, `licence`, `citation` as far as they are known.

    Raises:
        SpineError: the folder holds a data set already.
    """

    def __init__(self, folder: Path, info: dict[str, str]) -> None:
        if (folder / ANNOTATIONS).exists():
            raise SpineError("holds a data set already; choose another folder", folder)
        (folder / "images").mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.info = {"name": folder.name, **info}
        self.images: list[dict[str, Any]] = []
        self._names: set[str] = set()
        self.outlines: list[list[dict[str, Any]]] = []  # coded at once: masks would fill memory

    def add(
        self,
        name: str,
        picture: NDArray[np.uint8],
        outlines: Iterable[Outline],
        *,
        patient: str,
        modality: Modality,
        series: str | None = None,
        place: tuple[int, int] = (0, 1),
        spacing: tuple[float, float] | None = None,
        view: str = "sagittal",
        exhaustive: bool = False,
        labelled: Sequence[str] | None = None,
        pseudo: bool = False,
    ) -> None:
        """Add one image.

        Raises:
            SpineError: the spacing cannot be.

        Args:
            name: of the picture file, without a suffix; where it is taken it gets a number.
            picture: uint8 [H, W], head up, anterior left where it is sagittal.
            outlines: empty masks are left out.
            place: index in the series, slices in the series.
            spacing: (row, column) in mm.
            labelled: classes that were looked for here; those of the whole set by default.
            pseudo: the labels are made by a network.
        """
        if spacing and not all(SPACINGS[0] < distance < SPACINGS[1] for distance in spacing):
            raise SpineError(f"a spacing of {spacing[0]:g} x {spacing[1]:g} mm cannot be", name)
        # names are joined paths: a/b_c and a_b/c are different pictures
        count, given = 1, name
        while (name := short_name(numbered_key(given, count))) in self._names:
            count += 1
        self._names.add(name)
        file = f"images/{name}.png"
        (self.folder / file).write_bytes(png_of(picture))
        self.images.append(
            {
                "id": len(self.images) + 1,
                "file_name": file,
                "height": picture.shape[0],
                "width": picture.shape[1],
                "patient_id": patient,
                "series_id": series or name,  # a lone picture is a series of its own
                "slice_index": place[0],
                "n_slices": place[1],
                "modality": modality,
                "view": view,
                "pixel_spacing_mm": [round(s, 5) for s in spacing] if spacing else None,
                "labelled_categories": labelled,
                "exhaustive": exhaustive,
                "pseudo_labels": pseudo,
            }
        )
        self.outlines.append([_coded(*item) for item in outlines if item[1].any()])

    def discard(self) -> None:
        """Remove the pictures that were written, and the folder where nothing else is in it."""
        for image in self.images:
            (self.folder / image["file_name"]).unlink(missing_ok=True)
        for folder in (self.folder / "images", self.folder):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def close(self) -> int:
        """Write `annotations.json`; returns the number of outlines."""
        names = {item["class"] for outlines in self.outlines for item in outlines}
        spine = names <= set(SPINE_CLASSES)
        classes = SPINE_CLASSES if spine else tuple(sorted(names))
        number = {name: i + 1 for i, name in enumerate(classes)}
        annotations: list[dict[str, Any]] = []
        for image, outlines in zip(self.images, self.outlines, strict=True):
            labelled = (
                names if image["labelled_categories"] is None else image["labelled_categories"]
            )
            image["labelled_categories"] = sorted(number[name] for name in labelled)
            for item in outlines:
                own = {"id": len(annotations) + 1, "image_id": image["id"]}
                kind = {"category_id": number[item["class"]]}
                annotations.append(own | kind | {k: v for k, v in item.items() if k != "class"})
        content = {
            "info": self.info,
            "categories": [{"id": i, "name": name} for name, i in number.items()],
            "images": self.images,
            "annotations": annotations,
        }
        write_text(self.folder / ANNOTATIONS, json.dumps(content))
        return len(annotations)


def _coded(label: Label, mask: NDArray[np.bool_]) -> dict[str, Any]:
    left, top, right, bottom = mask_box(mask)
    return {
        "class": label[0],
        "segmentation": encode_rle(mask),
        "bbox": [left, top, right - left, bottom - top],
        "area": int(mask.sum()),
        "iscrowd": 0,
        "level": label[1],
    }


def polygon_mask(points: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Fill a polygon, as pycocotools does.

    Args:
        points: float [N, 2], x and y in pixels; the first pixel reaches from 0 to 1.
        shape: (H, W).

    Raises:
        ValueError: points are not finite, or far outside the picture.
    """
    from pycocotools import mask as coco_mask

    given = np.asarray(points, dtype=float)
    far = 2 * max(int(shape[0]), int(shape[1]))
    if not np.isfinite(given).all() or (np.abs(given) > far).any():  # it would fill memory
        raise ValueError("points that are no numbers, or far outside the picture")
    outline = given.ravel().tolist()
    [code] = coco_mask.frPyObjects([outline], int(shape[0]), int(shape[1]))
    return np.asarray(coco_mask.decode(code), dtype=bool)


def grey_window(slices: Sequence[Slice], modality: Modality | None) -> tuple[float, float]:
    """Values that become black and white, the same for all slices of a series: the bone window for
    CT, percentiles of the series otherwise."""
    if modality == "CT":
        return BONE_WINDOW_HU
    values = np.concatenate([item.pixels[::4, ::4].ravel() for item in slices])
    low, high = np.percentile(values, (LOW_PERCENTILE, HIGH_PERCENTILE))
    return float(low), float(high)


def eight_bit(pixels: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    """Values from `low` to `high` as 0 to 255: uint8 [H, W]."""
    scaled = np.clip((pixels - low) / max(high - low, 1e-9), 0, 1) * 255
    return np.asarray(scaled.round(), dtype=np.uint8)
