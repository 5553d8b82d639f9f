"""The way back: a result's folder as a segmentation, or as the slice that was segmented."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from spinetk.boxes import mask_box
from spinetk.errors import SpineError
from spinetk.readers.bounds import check_bytes
from spinetk.results.record import Record
from spinetk.rle import decode_rle
from spinetk.study import (
    LPS_TO_RAS,
    NOT_HOUNSFIELD,
    TURNED,
    Geometry,
    Instance,
    Segmentation,
    Series,
    Slice,
    vector,
)

IMAGE, MASK, INSTANCES = "image.nii.gz", "mask.nii.gz", "instances.coco.json"


def reopen(folder: Path, record: Record, series: Series) -> Segmentation:
    """A result as it was written, on the slices of its series.

    Args:
        folder: holds instances.coco.json.
        record: the folder's.
        series: that the result is of, read again from its source. Where its files do not say their
            modality it is the record's.

    Raises:
        SpineError: a file is missing or damaged, or the series has no such slice.
    """
    if record.selected_slice >= len(series.slices):
        raise SpineError(f"its series has no slice {record.selected_slice}", folder.name)
    series = as_recorded(folder, record, series)
    return Segmentation(
        series=replace(series, key=record.key, modality=record.modality),
        slice_index=record.selected_slice,
        instances=_instances(folder),
        trace=record.slices,
        model=record.model.name,
        seconds=dict(record.seconds),
        warnings=record.warnings,
        correction=record.correction,
    )


def alone(folder: Path, record: Record) -> Segmentation:
    """A result as it was written, without its source: the one slice that the folder itself holds.

    Raises:
        SpineError: its image or its instances are missing or damaged.
    """
    item = replace(read_slice(folder, record), index=0)
    series = Series(
        key=record.key,
        modality=record.modality,
        source=record.source,
        slices=(item,),
        spacing_source="given" if item.spacing else None,
    )
    return Segmentation(series, 0, _instances(folder), (), record.model.name)


def as_recorded(folder: Path, record: Record, series: Series) -> Series:
    """The series with what was found out of it and no file says: how a picture lies, that a CT is
    not in Hounsfield units.

    Args:
        folder: of the result.
        series: read again from its source.
    """
    codes = {warning.code for warning in record.warnings}
    if TURNED in codes and len(series.slices) == 1:
        lying = replace(series.slices[0], facing=read_slice(folder, record).directions)
        series = replace(series, slices=(lying,))
    doubts = (warning for warning in record.warnings if warning.code == NOT_HOUNSFIELD)
    return replace(series, warnings=tuple(dict.fromkeys((*series.warnings, *doubts))))


def read_slice(folder: Path, record: Record) -> Slice:
    """The segmented slice from the result's own image.nii.gz, without its source.

    Raises:
        SpineError: the image is missing or damaged.
    """
    path = folder / IMAGE
    try:
        image: Any = nibabel.load(path)
        check_bytes(path.name, int(np.prod(image.shape)), image.get_data_dtype().itemsize)
        pixels = np.squeeze(np.asarray(image.dataobj)).T
    except Exception as error:  # nibabel and zlib raise many kinds for damaged files
        raise SpineError(f"its {IMAGE} cannot be read", folder.name) from error
    if pixels.ndim != 2:
        raise SpineError(f"its {IMAGE} holds more than one slice", folder.name)
    lps = LPS_TO_RAS @ image.affine
    columns, rows, across = np.linalg.norm(lps[:3, :3], axis=0)
    spacing = (float(rows), float(columns)) if image.header.get_xyzt_units()[0] == "mm" else None
    geometry = Geometry(
        origin=vector(lps[:3, 3]),
        along_row=vector(lps[:3, 0] / columns),
        along_column=vector(lps[:3, 1] / rows),
        spacing=(float(rows), float(columns)),
        thickness=float(across),
    )
    # a picture without geometry is written as an axial plane
    placed = geometry if geometry.plane == "sagittal" else None
    return Slice(pixels.astype(np.float32), record.selected_slice, placed, spacing, path)


def _instances(folder: Path) -> tuple[Instance, ...]:
    try:
        if not (folder / INSTANCES).is_file():  # a pipe would be waited for
            raise FileNotFoundError
        content = json.loads((folder / INSTANCES).read_text(encoding="utf-8"))
        kinds = {item["id"]: item["name"] for item in content["categories"]}
        return tuple(
            Instance(
                kind=kinds[note["category_id"]],
                mask=(mask := decode_rle(note["segmentation"])),
                box=mask_box(mask),
                score=float(note["score"]),
                order=int(note["order"]),
                level=note["level"],
                truncated=note["truncated"],
                # earlier versions did not judge
                quality=note.get("quality"),
                quality_low=note.get("quality_low"),
                poor=note.get("poor", False),
                level_confidence=note.get("level_confidence"),
            )
            for note in content["annotations"]
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise SpineError(f"its {INSTANCES} cannot be read", folder.name) from error
