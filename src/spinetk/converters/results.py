"""Results of `spinetk segment`, their masks corrected in ITK-SNAP or 3D Slicer."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError

from spinetk.anatomy import BODY_KIND, DISC_KIND
from spinetk.converters.names import Label, verse_numbers
from spinetk.converters.writing import OutlinedSlice, eight_bit, grey_window, hashed_patient
from spinetk.errors import SpineError
from spinetk.orientation import upright_turn
from spinetk.study import LPS_TO_RAS, Geometry, Slice, vector
from spinetk.writers.labels import UNNAMED_BODY, UNNAMED_OTHER

RECORD, IMAGE, MASK = "run.json", "image.nii.gz", "mask.nii.gz"


def corrected_results(folder: Path, lost: list[str]) -> Iterator[OutlinedSlice]:
    """Every result below a folder that has its image and mask as NIfTI.

    Args:
        lost: receives a reason for each label number that is none of SpineTK's.

    Raises:
        SpineError: image and mask are not of one size.
    """
    records = sorted(folder.rglob(RECORD))
    patients: dict[str, str] = {}  # of each study: not every result of one has DICOM files
    for path in records:
        patient = _patient(path.parent)
        if patient is not None:
            patients[_study(path.parent)] = patient
    for path in records:
        if not (path.parent / IMAGE).is_file() or not (path.parent / MASK).is_file():
            lost.append("results without image.nii.gz and mask.nii.gz")
            continue
        record = json.loads(path.read_text())
        image: Any = nibabel.load(path.parent / IMAGE)
        mask: Any = nibabel.load(path.parent / MASK)
        pixels, labels = (np.squeeze(np.asarray(v.dataobj)).T for v in (image, mask))
        if pixels.shape != labels.shape or pixels.ndim != 2:
            raise SpineError(f"{path.parent.name}: {MASK} is not on the grid of {IMAGE}")
        one = _slice(path, image, pixels.astype(np.float32), record["selected_slice"])
        turn = upright_turn(one.directions)
        outlines = []
        for value in np.unique(labels[labels > 0]).astype(int).tolist():
            label = _meaning(value)
            if label is None:
                lost.append(f"labels numbered {value}, which is no body or disc here")
            else:
                outlines.append((label, turn.apply(labels == value)))
        modality = record["modality"]
        low, high = grey_window([one], modality)
        if one.pixels.min() >= 0 and one.pixels.max() <= 255:  # a picture stays as it is
            low, high = 0.0, 255.0
        yield OutlinedSlice(
            name=path.parent.name,
            series=path.parent.name,
            picture=eight_bit(turn.apply(one.pixels), low, high),
            outlines=tuple(outlines),
            patient=patients.get(_study(path.parent)),
            modality=modality,
            place=(record["selected_slice"], record["n_slices"]),
            spacing=turn.spacing(one.spacing),
        )


def _slice(path: Path, image: Any, pixels: NDArray[np.float32], index: int) -> Slice:
    """The slice with its geometry, which a picture's file does not have (its plane is axial)."""
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
    placed = geometry if geometry.plane == "sagittal" else None
    return Slice(pixels, index, placed, spacing, path)


def _study(folder: Path) -> str:
    """What the results of one study have in common: the first part of their keys."""
    return folder.name.split("-")[0]


def _patient(folder: Path) -> str | None:
    """The hash of the PatientID that a result's own DICOM files bear."""
    for name in ("seg.dcm", "sr.dcm"):
        with contextlib.suppress(OSError, InvalidDicomError):
            patient = pydicom.dcmread(folder / name, stop_before_pixels=True).get("PatientID")
            if patient:
                return hashed_patient(str(patient))
    return None


def _meaning(value: int) -> Label | None:
    """Class and level of a label number (`spinetk.writers.labels`)."""
    if UNNAMED_BODY < value < UNNAMED_OTHER:
        return BODY_KIND, None
    if UNNAMED_OTHER < value < UNNAMED_OTHER + 100:
        return DISC_KIND, None
    return verse_numbers(s1=True).get(value)
