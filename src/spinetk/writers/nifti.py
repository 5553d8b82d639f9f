"""The segmented slice and its labels as a pair of NIfTI files on one grid."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from spinetk.structures import label_numbers
from spinetk.study import Geometry, Segmentation


def label_image(result: Segmentation) -> NDArray[np.int16]:
    """int16 [H, W]: the label number of each pixel, 0 outside (instances do not overlap)."""
    labels = np.zeros(result.slice.pixels.shape, dtype=np.int16)
    for label, instance in zip(label_numbers(result.instances), result.instances, strict=True):
        labels[instance.mask] = label
    return labels


def write_nifti(image_path: Path, mask_path: Path, result: Segmentation) -> None:
    """Write raw values (float32) and labels (int16) as [columns, rows, 1] volumes in RAS.

    A picture without geometry gets pixels of its spacing, or of 1 mm where that is not known; the
    header's units are then "unknown".
    """
    stored = result.slice
    spacing = stored.spacing or (1.0, 1.0)
    # a film that says how it lies is written so, a picture that does not as an axial plane
    row, column = stored.facing or ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    geometry = stored.geometry or Geometry((0, 0, 0), row, column, spacing)
    units = "mm" if stored.spacing else "unknown"
    changed = result.correction
    about = f"corrected by {changed.who}, {changed.when}" if changed else "SpineTK"
    _save(image_path, stored.pixels, geometry, units, "SpineTK")
    _save(mask_path, label_image(result), geometry, units, about)


def _save(
    path: Path, pixels: NDArray[np.generic], geometry: Geometry, units: str, about: str
) -> None:
    image = nibabel.Nifti1Image(np.ascontiguousarray(pixels.T[..., None]), geometry.affine_ras)
    image.header.set_xyzt_units(units)
    image.header["descrip"] = about.encode("utf-8")[:79]
    nibabel.save(image, path)
