"""A data set in the layout of nnU-Net (MIC-DKFZ/nnUNet, documentation/dataset_format.md)."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from spinetk.atomic import write_text
from spinetk.datasets.annotated import AnnotatedImage, AnnotatedSet
from spinetk.datasets.splits import patient_folds
from spinetk.errors import UsageError

FOLDS = 5


def export_nnunet(data: AnnotatedSet, out: Path) -> Counter[str]:
    """Write `imagesTr`, `labelsTr`, `dataset.json` and `splits_final.json`.

    Pictures become NIfTI volumes [columns, rows, 1] with their spacing, 1 mm where it is not known.
    The labels are the classes, 1-based in the order of the data set. An image on which something is
    visible and not annotated would teach that it is background: it is left out, and so is a class
    that not every image has annotated. The splits keep a patient's images together.

    Returns:
        How many images were written ("images"), and how many left out, by reason.

    Raises:
        UsageError: `out` holds something, or no image is left.
    """
    if out.exists() and any(out.iterdir()):
        raise UsageError("is not empty", out)
    counts: Counter[str] = Counter()
    usable = [image for image in data.images if image.reference and image.exhaustive]
    counts["not annotated, or not exhaustively"] = len(data.images) - len(usable)
    everywhere = [
        number
        for number in range(1, len(data.classes) + 1)
        if usable and all(number in image.labelled_categories for image in usable)
    ]
    if not everywhere:
        raise UsageError("no class is annotated exhaustively on all of its images", data.name)
    numbers = {category: place for place, category in enumerate(everywhere, start=1)}
    for folder in ("imagesTr", "labelsTr"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    names = {image.key: name for image, name in zip(usable, _names(usable), strict=True)}
    for image in usable:
        name = names[image.key]
        _save(out / "imagesTr" / f"{name}_0000.nii.gz", image.pixels, image.spacing)
        _save(out / "labelsTr" / f"{name}.nii.gz", _labels(image, numbers), image.spacing)
        counts["images"] += 1
    classes = {data.classes[category - 1]: number for category, number in numbers.items()}
    description = {
        # a name other than CT: the pictures are windowed to 8 bits and hold no Hounsfield units
        "channel_names": {"0": f"{usable[0].modality} picture"},
        "labels": {"background": 0, **classes},
        "numTraining": len(usable),
        "file_ending": ".nii.gz",
    }
    write_text(out / "dataset.json", json.dumps(description, indent=1) + "\n")
    folds = patient_folds(usable, min(FOLDS, len({image.patient for image in usable})))
    splits = [
        {
            "train": [names[image.key] for image in usable if image.patient not in fold],
            "val": [names[image.key] for image in usable if image.patient in fold],
        }
        for fold in folds
    ]
    write_text(out / "splits_final.json", json.dumps(splits, indent=1) + "\n")
    return +counts


def _names(images: list[AnnotatedImage]) -> list[str]:
    """Names of cases: no two alike, of letters that every system knows."""
    names: dict[str, None] = {}
    for image in images:
        plain = re.sub(r"[^0-9A-Za-z-]+", "-", image.path.stem).strip("-") or "case"
        name, number = plain, 1
        while name in names:
            number += 1
            name = f"{plain}-again-{number}"
        names[name] = None
    return list(names)


def _labels(image: AnnotatedImage, numbers: dict[int, int]) -> NDArray[np.uint8]:
    labels = np.zeros(image.pixels.shape, dtype=np.uint8)
    for note in image.instances:
        if note.category in numbers:
            labels[note.mask] = numbers[note.category]
    return labels


def _save(path: Path, pixels: NDArray[np.uint8], spacing: tuple[float, float] | None) -> None:
    rows, columns = spacing or (1.0, 1.0)
    # as pictures lie: columns to the left, rows to the back, in RAS
    affine = np.diag([-columns, -rows, 1.0, 1.0])
    volume = nibabel.Nifti1Image(np.ascontiguousarray(pixels.T[..., None]), affine)
    volume.header.set_xyzt_units("mm" if spacing else "unknown")
    nibabel.save(volume, path)
