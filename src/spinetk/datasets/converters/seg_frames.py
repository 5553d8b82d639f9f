"""Read the frames of a DICOM SEG of any maker: which segment, on which stored image.

A frame is placed by where it lies in the patient, if it says so, else by the image that it refers
to: some writers leave out the one, some the other, and some store frames mirrored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from spinetk.datasets.converters.names import Label
from spinetk.datasets.converters.seg_references import referred, referred_series, says_no_frame
from spinetk.datasets.converters.segment_labels import segment_label
from spinetk.errors import SpineError
from spinetk.orthonormal import orthonormal
from spinetk.readers.dicom_headers import Header, floats, hashed
from spinetk.stored_images import ImageKey, key_of
from spinetk.study import Geometry, vector

OFF_MM = 0.1
"""A frame lies on an image that is nearer than this."""


@dataclass(frozen=True)
class Segment:
    """One segment of a SEG.

    Attributes:
        images: bool [rows, columns] on each stored image that it lies on.
    """

    label: Label
    images: dict[ImageKey, NDArray[np.bool_]] = field(default_factory=dict)


def read_segments(path: Path, headers: Sequence[Header]) -> list[Segment]:
    """The segments of a SEG on stored images.

    Binary, fractional (where it is at least a half) and label maps; segments may overlap.

    Args:
        headers: of the images that are there.

    Raises:
        SpineError: damaged, or a frame lies on none of the images that it refers to.
    """
    try:
        dataset = pydicom.dcmread(path)
        pixels = np.asarray(dataset.pixel_array)
        pixels = pixels[None] if pixels.ndim == 2 else pixels
        # segment 0 of a label map is its background
        items = [item for item in dataset.SegmentSequence if int(item.SegmentNumber) > 0]
        found = {int(item.SegmentNumber): Segment(segment_label(item)) for item in items}
        frames = list(_frames(dataset, pixels, found))
    except SpineError:
        raise
    except Exception as error:  # pydicom raises many kinds for damaged files
        raise SpineError(f"is no SEG that can be read ({type(error).__name__})", path) from error
    own = str(dataset.get("FrameOfReferenceUID") or "")
    patient = hashed(dataset.get("PatientID") or dataset.get("PatientName"))
    there = {
        key_of(header.frame): header
        for header in headers
        # two patients' CT often lie on one grid
        if header.patient == patient and own in ("", header.frame_of_reference)
    }
    named = {
        str(image.ReferencedSOPInstanceUID)
        for series in dataset.get("ReferencedSeriesSequence") or ()
        for image in series.get("ReferencedInstanceSequence") or ()
    }
    if named:  # the images that the whole SEG is of
        there = {key: header for key, header in there.items() if key[0] in named}
    for number, mask, group in frames:
        key, placed = _on_image(dataset, group, mask, there, path)
        if key is not None and placed.any():
            images = found[number].images
            images[key] = images[key] | placed if key in images else placed
    return list(found.values())


def _frames(
    dataset: Dataset, pixels: NDArray[Any], segments: Mapping[int, Segment]
) -> Iterator[tuple[int, NDArray[np.bool_], Dataset]]:
    """(segment, mask, functional groups) of each frame, of a label map for each value on it."""
    kind = str(dataset.SegmentationType)
    for stored, group in zip(pixels, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        if kind == "LABELMAP":
            for value in np.unique(stored):
                if int(value) in segments and value != dataset.get("PixelPaddingValue", 0):
                    yield int(value), stored == value, group
            continue
        identity = _first(dataset, group, "SegmentIdentificationSequence")
        if identity is None:
            raise SpineError("a frame does not say which segment it shows")
        least = float(dataset.MaximumFractionalValue) / 2 if kind == "FRACTIONAL" else 1
        yield int(identity.ReferencedSegmentNumber), stored >= least, group


def _on_image(
    dataset: Dataset,
    group: Dataset,
    mask: NDArray[np.bool_],
    there: Mapping[ImageKey, Header],
    path: Path,
) -> tuple[ImageKey | None, NDArray[np.bool_]]:
    """The image that a frame lies on, and its mask there; None where that is not among them.

    Raises:
        SpineError: it refers to an image that is there, and lies elsewhere.
    """
    geometry = _geometry(dataset, group)
    meant = [key for key in referred(group) if key in there]
    frames = {key for key in there if any(key[0] == other[0] for other in meant)}
    if geometry is None and len(meant) > 0 and len(frames) > 1 and says_no_frame(group):
        text = "a SEG refers to a file of several frames and does not say to which"
        raise SpineError(text, path.name)
    if geometry is not None:
        placed = {key: h for key, h in there.items() if h.geometry is not None}
        first = [key for key in meant if key in placed]
        lying = {}
        for key in (*first, *(key for key in placed if key not in first)):
            moved = _moved(mask, geometry, placed[key])
            if moved is not None:
                if first:
                    return key, moved
                lying[key] = moved
        if first:
            raise SpineError("a SEG is not on the grid of its images", path.name)
        series = {placed[key].series for key in lying}
        of_series = series & referred_series(dataset) or series
        if len(of_series) > 1:
            numbers = sorted({placed[key].series_number for key in lying})
            which = ", ".join(map(str, numbers))
            text = f"a SEG says nothing of its images, and those of several series (number {which})"
            raise SpineError(f"{text} lie there: take one series at a time", path.name)
        for key, moved in lying.items():
            if placed[key].series in of_series:
                return key, moved
    if not meant:
        return None, mask
    if there[meant[0]].shape != mask.shape:
        size = f"{mask.shape} against {there[meant[0]].shape}"
        raise SpineError(f"a SEG is not on the grid of its images ({size})", path.name)
    return meant[0], mask


def _first(dataset: Dataset, group: Dataset, name: str) -> Dataset | None:
    """A functional group of a frame, or the one shared by all."""
    shared = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
    for holder in (group, shared[0]):
        if holder.get(name):
            item: Dataset = holder[name].value[0]
            return item
    return None


def _geometry(dataset: Dataset, group: Dataset) -> Geometry | None:
    position = _first(dataset, group, "PlanePositionSequence")
    turned = _first(dataset, group, "PlaneOrientationSequence")
    measures = _first(dataset, group, "PixelMeasuresSequence")
    if position is None or turned is None or measures is None:
        return None
    place = floats(position, "ImagePositionPatient", 3)
    along = floats(turned, "ImageOrientationPatient", 6)
    spacing = floats(measures, "PixelSpacing", 2)
    if place is None or along is None or spacing is None:
        return None
    row, column = (vector(v) for v in orthonormal(*along.reshape(2, 3)))
    return Geometry(vector(place), row, column, (float(spacing[0]), float(spacing[1])))


def _moved(mask: NDArray[np.bool_], geometry: Geometry, header: Header) -> NDArray[np.bool_] | None:
    """The mask on an image's own rows and columns (turned, mirrored or cropped as it may be); None
    where it does not lie in the image's plane and on its pixels."""
    image = header.geometry
    if image is None:
        return None
    to_image = np.linalg.inv(image.affine) @ geometry.affine
    if abs(to_image[2, 3]) * image.thickness > OFF_MM:
        return None
    turn, start = np.round(to_image[:2, :2]), np.round(to_image[:2, 3])
    if not (np.abs(turn).sum(axis=0) == 1).all() or not (np.abs(turn).sum(axis=1) == 1).all():
        return None
    whole = np.eye(4)
    whole[:2, :2], whole[:2, 3], whole[2, 2] = turn, start, to_image[2, 2]
    height, width = mask.shape
    corners = np.array([[0, 0, 0, 1], [width - 1, 0, 0, 1], [0, height - 1, 0, 1],
                        [width - 1, height - 1, 0, 1]]).T  # fmt: skip
    off = (image.affine @ (to_image - whole) @ corners)[:3]
    if np.linalg.norm(off, axis=0).max() > OFF_MM + 0.1 * min(image.spacing):
        return None
    rows, columns = np.nonzero(mask)
    x, y = (turn @ np.vstack([columns, rows]) + start[:, None]).astype(int)
    inside = (x >= 0) & (y >= 0) & (x < header.shape[1]) & (y < header.shape[0])
    if not inside.all():
        return None
    out = np.zeros(header.shape, dtype=bool)
    out[y, x] = True
    return out
