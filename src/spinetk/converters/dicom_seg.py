"""DICOM series with a DICOM SEG that refers to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import highdicom
import numpy as np
import pydicom

from spinetk.converters.names import class_of
from spinetk.converters.writing import Outline, eight_bit
from spinetk.errors import SpineError
from spinetk.intensity import BONE_WINDOW_HU, HIGH_PERCENTILE, LOW_PERCENTILE
from spinetk.orientation import upright_turn
from spinetk.readers.dicom import is_dicom, read_dicom_series
from spinetk.study import Modality

SEGMENTATION_STORAGE = "1.2.840.10008.5.1.4.1.1.66.4"
Annotated = tuple[
    str, np.ndarray, list[Outline], Modality, tuple[int, int], tuple[float, float] | None
]
"""Series key, uint8 [H, W] upright, outlines, modality, place in the series, spacing."""


def dicom_seg(folder: Path) -> Iterator[Annotated]:
    """Every slice that a SEG in the folder has a segment on.

    Segments are named by their label ("L4", "L4-L5", "vertebral_body"; `spinetk.converters.names`).

    Raises:
        SpineError: no SEG, or no image that it refers to.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and is_dicom(path)]
    headers = {path: pydicom.dcmread(path, stop_before_pixels=True) for path in files}
    segs = [p for p, h in headers.items() if h.get("SOPClassUID") == SEGMENTATION_STORAGE]
    if not segs:
        raise SpineError(f"{folder}: holds no DICOM SEG")
    series, _ = read_dicom_series([path for path in files if path not in segs])
    for path in segs:
        seg = highdicom.seg.segread(path)
        referenced = {str(uid) for _, _, uid in seg.get_source_image_uids()}
        for one in series:
            values = np.concatenate([s.pixels[::4, ::4].ravel() for s in one.slices])
            low, high = np.percentile(values, (LOW_PERCENTILE, HIGH_PERCENTILE))
            if one.modality == "CT":
                low, high = BONE_WINDOW_HU
            for part in one.slices:
                if part.sop_instance_uid not in referenced:
                    continue
                frames = seg.get_pixels_by_source_instance(
                    [part.sop_instance_uid], assert_missing_frames_are_empty=True
                )[0]
                turn = upright_turn(part.geometry)
                outlines = [
                    (
                        class_of(seg.get_segment_description(number).segment_label),
                        turn.apply(frames[..., place] > 0),
                    )
                    for place, number in enumerate(seg.segment_numbers)
                    if (frames[..., place] > 0).any()
                ]
                spacing = part.spacing[::-1] if part.spacing and turn.transpose else part.spacing
                picture = eight_bit(turn.apply(part.pixels), float(low), float(high))
                place_in_series = part.index, len(one.slices)
                yield one.key, picture, outlines, one.modality or "MR", place_in_series, spacing
