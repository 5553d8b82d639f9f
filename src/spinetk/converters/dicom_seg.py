"""DICOM series with DICOM SEGs that refer to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import highdicom
import numpy as np
import pydicom
from numpy.typing import NDArray

from spinetk.converters.names import class_of
from spinetk.converters.writing import Outline, eight_bit, grey_window
from spinetk.errors import SpineError
from spinetk.orientation import upright_turn
from spinetk.readers.dicom import read_dicom_series
from spinetk.readers.dicom_headers import is_dicom
from spinetk.readers.study import with_unique_keys
from spinetk.study import Frame, Modality, Series, Slice

SEGMENTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.66.4"


@dataclass(frozen=True)
class SegmentedSlice:
    """One slice with its segments, head up.

    Attributes:
        series: key of the series.
        patient: 12 hex digits of the SHA-256 of the PatientID (without one, the study's 8), so
            that all series of a patient stay together and no name gets into the data set.
        picture: uint8 [H, W].
        place: index in the series, slices in the series.
        spacing: (row, column) in mm.
    """

    series: str
    patient: str
    picture: NDArray[np.uint8]
    outlines: tuple[Outline, ...]
    modality: Modality
    place: tuple[int, int]
    spacing: tuple[float, float] | None


def dicom_seg(folder: Path, lost: list[str]) -> Iterator[SegmentedSlice]:
    """Every slice that a SEG in the folder refers to.

    Segments are named by their label ("L4", "L4-L5", "vertebral_body"; `spinetk.converters.names`).

    Args:
        lost: receives a reason for each series that is not read.

    Raises:
        SpineError: there is no SEG.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and is_dicom(path)]
    headers = {path: pydicom.dcmread(path, stop_before_pixels=True) for path in files}
    segs = [p for p, h in headers.items() if h.get("SOPClassUID") == SEGMENTATION_STORAGE]
    if not segs:
        raise SpineError(f"{folder}: holds no DICOM SEG")
    patients = {str(h.get("SOPInstanceUID")): str(h.get("PatientID", "")) for h in headers.values()}
    outlines: dict[str, list[Outline]] = {}
    for path in segs:
        seg = highdicom.seg.segread(path)
        for _, _, source in seg.get_source_image_uids():
            outlines.setdefault(str(source), []).extend(_segments(seg, str(source)))
    series, refused = read_dicom_series([path for path in files if path not in segs])
    lost += [f"series or files not read ({one.reason})" for one in refused]
    for one in with_unique_keys(series):
        low, high = grey_window(one.slices, one.modality)
        for part in one.slices:
            uid = part.origin.uid if isinstance(part.origin, Frame) else ""
            if uid in outlines:
                yield _upright(one, part, outlines[uid], patients[uid], low, high)


def _segments(seg: highdicom.seg.Segmentation, uid: str) -> Iterator[Outline]:
    """Segments on one source image; of a fractional one, where it is at least a half.

    The reference to the source image is taken for what it says: many writers leave out whether
    the segmentation's pixels lie where the image's do (SpatialLocationsPreserved).
    """
    planes = seg.get_pixels_by_source_instance(
        [uid],
        ignore_spatial_locations=True,
        assert_missing_frames_are_empty=True,
        rescale_fractional=True,
    )[0]
    for place, number in enumerate(seg.segment_numbers):
        mask = planes[..., place] >= 0.5
        if mask.any():
            yield class_of(seg.get_segment_description(number).segment_label), mask


def _upright(
    series: Series, part: Slice, outlines: list[Outline], patient: str, low: float, high: float
) -> SegmentedSlice:
    turn = upright_turn(part.directions)
    for _, mask in outlines:
        if mask.shape != part.pixels.shape:
            raise SpineError(f"series {series.key}: a SEG is not on the grid of its images")
    return SegmentedSlice(
        series=series.key,
        patient=hashlib.sha256(patient.encode()).hexdigest()[:12]
        if patient
        else series.key.split("-")[0],
        picture=eight_bit(turn.apply(part.pixels), low, high),
        outlines=tuple((label, turn.apply(mask)) for label, mask in outlines),
        modality=series.modality or "MR",
        place=(part.index, len(series.slices)),
        spacing=turn.spacing(part.spacing),
    )
