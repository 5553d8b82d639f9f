"""The files of a series of which every slice was outlined: one label volume, its table, one SEG."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

import spinetk
from spinetk.atomic import whole_folder
from spinetk.errors import SpineError
from spinetk.measures.first_order import first_order
from spinetk.measures.table import IN_HOUNSFIELD, Row
from spinetk.network.registry import Model
from spinetk.solids import OutlinedSlice, Solid, label_volume, solids
from spinetk.structures import label_numbers
from spinetk.study import LPS_TO_RAS, Frame, Segmentation, Series
from spinetk.warning import Warning
from spinetk.writers.formats import not_written
from spinetk.writers.measurements_csv import write_measurements

MASK, TABLE, SEG, RECORD = "mask3d.nii.gz", "volumes.csv", "seg3d.dcm", "volume.json"


def write_volume(
    folder: Path,
    series: Series,
    outlined: Sequence[OutlinedSlice],
    model: Model,
    formats: Collection[str],
    options: dict[str, Any],
) -> list[Warning]:
    """Write `mask3d.nii.gz`, `volumes.csv`, `volume.json` and, of sagittal DICOM series,
    `seg3d.dcm`.

    Args:
        folder: replaced where it holds an earlier volume.
        outlined: the slices on which something was found, in the order of the series.
        options: what was asked for.

    Returns:
        What could not be written, and why.

    Raises:
        SpineError: something else is in the way.
    """
    if folder.exists() and not (folder / TABLE).is_file():
        raise SpineError("is in the way and not a result of SpineTK", folder.name)
    chosen, parts = solids(outlined)
    labels = label_numbers([solid.instance for solid in parts])
    volume = label_volume(series, parts, labels)
    missing: list[Warning] = []
    with whole_folder(folder) as unfinished:
        write_measurements(unfinished / TABLE, _rows(series, parts, labels, volume))
        if "nifti" in formats and shifted(series):
            missing.append(
                not_written("mask3d", "slices are shifted sideways from one to the next")
            )
        elif "nifti" in formats:
            _write_nifti(unfinished / MASK, series, volume)
        if "seg" in formats:
            missing += _write_seg(unfinished / SEG, series, chosen, parts, labels, volume, model)
        record = {
            "spinetk": spinetk.__version__,
            "model": {"name": model.name, "sha256": model.sha256, "date": model.card.get("date")},
            "options": options,
            "key": series.key,
            "modality": series.modality,
            "source": series.source,
            "input_sha256": series.input_sha256,
            "n_slices": len(series.slices),
            "selected_slice": chosen,
            "outlined_slices": [one.index for one in outlined],
            "warnings": [warning.to_json() for warning in (*series.warnings, *missing)],
        }
        text = json.dumps(record, indent=1, ensure_ascii=False)
        (unfinished / RECORD).write_text(text + "\n", encoding="utf-8")
    return missing


def _distance(series: Series) -> float | None:
    """Distance of neighbouring slices in mm, by where the first and the last lie."""
    first, last = series.slices[0].geometry, series.slices[-1].geometry
    if first is None or last is None:
        return None
    if len(series.slices) == 1:
        return first.thickness
    apart = abs(float(np.subtract(last.origin, first.origin) @ first.normal))
    return apart / (len(series.slices) - 1)


MOST_SHIFT = 0.1
"""Of a pixel, by which slices may be shifted against each other from one to the next."""


def shifted(series: Series) -> bool:
    """Whether the slices do not lie straight behind one another: no grid of right angles holds
    them, and a volume that says so would lie."""
    first, last = series.slices[0].geometry, series.slices[-1].geometry
    if first is None or last is None or len(series.slices) == 1:
        return False
    across = np.subtract(last.origin, first.origin) / (len(series.slices) - 1)
    aside = across - (across @ first.normal) * first.normal
    spacing = series.slices[0].spacing
    return bool(np.linalg.norm(aside) > MOST_SHIFT * (min(spacing) if spacing else 1.0))


def _rows(
    series: Series, parts: Sequence[Solid], labels: Sequence[int], volume: NDArray[np.int16]
) -> list[Row]:
    """One row a solid: its volume, and first-order features over all its voxels."""
    spacing, distance = series.slices[0].spacing, _distance(series)
    voxel = spacing[0] * spacing[1] * distance if spacing and distance else None
    values: dict[int, list[NDArray[np.float32]]] = {label: [] for label in labels}
    for index, plane in enumerate(volume):
        if plane.any():
            pixels = series.slices[index].pixels
            for label in np.unique(plane[plane > 0]).tolist():
                values[label].append(pixels[plane == label])
    rows: list[Row] = []
    for solid, label in zip(parts, labels, strict=True):
        own = np.concatenate(values[label])
        row: Row = {
            "label": label,
            "kind": solid.instance.kind,
            "level": solid.instance.level,
            "order": solid.instance.order,
            "slices": len(solid.pieces),
            "truncated": solid.instance.truncated,
            "volume_voxels": own.size,
            "volume_mm3": own.size * voxel if voxel else None,
        }
        row |= asdict(first_order(own[None], np.ones((1, own.size), dtype=bool)))
        if series.in_grey_values:
            row |= dict.fromkeys(IN_HOUNSFIELD)
        rows.append(row)
    return rows


def _write_nifti(path: Path, series: Series, volume: NDArray[np.int16]) -> None:
    """Labels [columns, rows, slices] in RAS; of slices without a place, in pixels."""
    first, distance = series.slices[0], _distance(series)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    if first.geometry is not None and distance is not None:
        affine = first.geometry.affine
        if len(series.slices) > 1:
            last = series.slices[-1].geometry
            across = np.subtract(last.origin, first.geometry.origin)  # type: ignore[union-attr]
            normal = first.geometry.normal * np.sign(across @ first.geometry.normal)
            affine[:3, 2] = normal * distance
        affine = LPS_TO_RAS @ affine
    image = nibabel.Nifti1Image(np.ascontiguousarray(volume.transpose(2, 1, 0)), affine)
    image.header.set_xyzt_units("mm" if first.spacing else "unknown")
    image.header["descrip"] = b"SpineTK"
    nibabel.save(image, path)


def _write_seg(
    path: Path,
    series: Series,
    chosen: int,
    parts: Sequence[Solid],
    labels: Sequence[int],
    volume: NDArray[np.int16],
    model: Model,
) -> list[Warning]:
    """One SEG over all slices that are stored images; a cut of every few columns is no volume of
    the images that it was cut from."""
    origins = [item.origin for item in series.slices]
    stored = [origin for origin in origins if isinstance(origin, Frame)]
    if len(stored) < len(origins):
        why = "the source is no sagittal DICOM series"
        return [not_written("seg3d", why)] if series.source == "dicom" else []
    from spinetk.writers.dicom import why_not
    from spinetk.writers.dicom_seg import segmentation
    from spinetk.writers.dicom_source import on_stored_images

    number = np.zeros(int(volume.max()) + 1, dtype=np.uint16)
    number[list(labels)] = np.arange(1, len(labels) + 1)
    shown = [index for index, plane in enumerate(volume) if plane.any()]
    frames = tuple(stored[index] for index in shown)
    result = Segmentation(series, chosen, tuple(solid.instance for solid in parts), (), model.name)
    try:
        geometry = series.slices[chosen].geometry
        placed = on_stored_images(frames, number[volume[shown]], geometry)
        segmentation(result, model, placed).save_as(path, enforce_file_format=True)
    except OSError:
        raise
    except Exception as error:  # highdicom raises many kinds for headers that lack something
        path.unlink(missing_ok=True)
        return [not_written("seg3d", why_not(error))]
    return []
