"""Annotated images in the project's COCO layout (see docs/reference/dataset.md)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.boxes import mask_box
from spinetk.datasets.checks import check_dataset
from spinetk.datasets.contract import SetContent
from spinetk.datasets.fields import validated
from spinetk.errors import SpineError
from spinetk.readers.bounds import check_bytes
from spinetk.rle import decode_rle
from spinetk.structures import SACRAL_CLASS, SPINE_CLASSES
from spinetk.study import Modality

ANNOTATIONS = "annotations.json"
"""The file that makes a folder a data set."""
BODY, DISC = 1, 2


@dataclass(frozen=True)
class Annotation:
    """One outlined instance.

    Attributes:
        category: 1-based class number, in the order of the data set's `categories`.
        level: "L1", "L4-L5", or None where the source gives no name.
        rle: the mask as COCO run-length code on the image's grid.
        box: xyxy in pixels, right and lower edge exclusive, the mask's own.
        tags: what makes it special, as "implant" or "artefact"; misses are counted by them.
    """

    category: int
    level: str | None
    rle: dict[str, Any]
    box: tuple[float, float, float, float]
    tags: tuple[str, ...] = ()

    @property
    def mask(self) -> NDArray[np.bool_]:
        """bool [H, W], decoded anew at each access: kept, the masks of a data set fill memory."""
        return decode_rle(self.rle)


@dataclass(frozen=True)
class AnnotatedImage:
    """One image of a data set and what is known about it.

    Attributes:
        dataset: name of the data set's folder.
        classes: names of the data set's categories, category 1 first.
        path: the picture, 8-bit gray.
        labelled_categories: a class not listed was not annotated; it is not background.
        exhaustive: False where visible instances of a listed class lack annotation.
        spacing: (row, column) in mm, None where it is not known.
        pseudo: labels made by a network: trained on, never evaluated on.
        view: "sagittal", "lateral" or "ap"; None where it is not known.
        exhaustive_rows: first and last row between which every body is annotated, in an image that
            is not exhaustive as a whole.
    """

    dataset: str
    classes: tuple[str, ...]
    path: Path
    patient: str
    series: str
    slice_index: int
    n_slices: int
    modality: Modality
    labelled_categories: tuple[int, ...]
    exhaustive: bool
    spacing: tuple[float, float] | None
    instances: tuple[Annotation, ...]
    pseudo: bool = False
    view: str | None = None
    exhaustive_rows: tuple[float, float] | None = None

    @property
    def reference(self) -> bool:
        """Whether a network can be held against it: it is annotated, and not by a network."""
        return bool(self.instances) and not self.pseudo

    @property
    def complete(self) -> bool:
        """Whether every visible instance of all categories is annotated."""
        every = set(range(1, len(self.classes) + 1))
        return self.exhaustive and set(self.labelled_categories) >= every

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """uint8 [H, W], read anew at each access."""
        picture = cv2.imread(str(self.path), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise SpineError("cannot be read as a picture", self.path)
        return np.asarray(picture, dtype=np.uint8)

    @property
    def key(self) -> str:
        """Name that is unique among data sets: `set/picture`."""
        return f"{self.dataset}/{self.path.stem}"


@dataclass(frozen=True)
class AnnotatedSet:
    """A data set's images and the names of its classes, category 1 first."""

    name: str
    classes: tuple[str, ...]
    info: dict[str, Any]
    images: tuple[AnnotatedImage, ...]


def read_dataset(folder: str | Path) -> AnnotatedSet:
    """Read `annotations.json` of one data set.

    Raises:
        SpineError: no annotations there, not JSON, a field of the contract is missing, or pictures
            and annotations do not fit together.
    """
    folder = Path(folder)
    path = folder / ANNOTATIONS
    if not path.is_file():
        raise SpineError(f"no {ANNOTATIONS} here; is this a data set folder?", folder)
    try:
        content = validated(SetContent, json.loads(path.read_bytes()), path)
        read = _parsed(folder, content)
    except json.JSONDecodeError as error:
        raise SpineError(f"not valid JSON (line {error.lineno})", path) from error
    except (ValueError, RecursionError) as error:
        raise SpineError(f"not in the documented layout ({error})", path) from error
    check_dataset(folder, content)
    return read


def read_datasets(folders: Iterable[str | Path]) -> list[AnnotatedSet]:
    """Read several data sets that are used together.

    Raises:
        SpineError: one cannot be read, or two folders have the same name.
    """
    sets = [read_dataset(Path(folder).resolve()) for folder in folders]
    for name, count in Counter(annotated_set.name for annotated_set in sets).items():
        if count > 1:
            raise SpineError(
                f"{count} data sets are called {name}: their images could not be told apart; "
                "rename a folder"
            )
    return sets


def network_classes(sets: Iterable[AnnotatedSet], known: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Classes of a network for these data sets: their categories, and S1 where one names it.

    Args:
        known: classes of the network that training starts from; where it knows S1, it keeps it.

    Raises:
        SpineError: the data sets have different categories.
    """
    sets = list(sets)
    if len({s.classes for s in sets}) != 1:
        shown = "; ".join(f"{s.name}: {', '.join(s.classes)}" for s in sets)
        raise SpineError(f"data sets of one training must have the same categories ({shown})")
    classes = sets[0].classes
    named = SACRAL_CLASS in known or any(
        a.level == "S1" for s in sets for image in s.images for a in image.instances
    )
    return (*classes, SACRAL_CLASS) if classes == SPINE_CLASSES and named else classes


def class_number(annotation: Annotation, classes: tuple[str, ...]) -> int:
    """1-based number of an annotation's class among the network's classes."""
    if annotation.level == "S1" and annotation.category == BODY and SACRAL_CLASS in classes:
        return classes.index(SACRAL_CLASS) + 1
    return annotation.category


def _parsed(folder: Path, content: SetContent) -> AnnotatedSet:
    categories = sorted(content.categories, key=lambda category: category.id)
    number = {category.id: i + 1 for i, category in enumerate(categories)}
    classes = tuple(category.name for category in categories)
    by_image: dict[int | str, list[Annotation]] = {}
    for note in content.annotations:
        rows, columns = note.segmentation.size
        check_bytes(folder.name, rows * columns, 1)  # a small file may claim a large mask
        rle = note.segmentation.model_dump()
        mask = decode_rle(rle)
        if not mask.any():
            raise SpineError(f"annotation {note.id}: its mask is empty", folder)
        by_image.setdefault(note.image_id, []).append(
            Annotation(
                category=_declared(number, note.category_id),
                level=note.level,
                rle=rle,
                box=mask_box(mask),  # not the file's: training and evaluation must mean the same
                tags=note.tags,
            )
        )
    images = tuple(
        AnnotatedImage(
            dataset=folder.name,
            classes=classes,
            path=folder / image.file_name,
            patient=image.patient_id,
            series=image.series_id,
            slice_index=image.slice_index,
            n_slices=image.n_slices,
            modality=image.modality,
            labelled_categories=tuple(_declared(number, c) for c in image.labelled_categories),
            exhaustive=image.exhaustive,
            spacing=image.pixel_spacing_mm,
            instances=tuple(by_image.get(image.id, ())),
            pseudo=image.pseudo_labels,
            view=image.view,
            exhaustive_rows=image.exhaustive_rows,
        )
        for image in content.images
    )
    return AnnotatedSet(folder.name, classes, content.info, images)


def _declared(number: dict[int, int], category: int) -> int:
    if category not in number:
        raise SpineError(f"category {category} is not among the categories")
    return number[category]
