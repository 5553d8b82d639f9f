"""What the frames of a DICOM SEG say of the images that they lie on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pydicom
from pydicom.dataset import Dataset

from spinetk.stored_images import ImageKey


def referred(group: Dataset) -> list[ImageKey]:
    """The images that a frame refers to."""
    return [
        (str(source.ReferencedSOPInstanceUID), number)
        for item in group.get("DerivationImageSequence") or ()
        for source in item.get("SourceImageSequence") or ()
        for number in _numbers(source.get("ReferencedFrameNumber"))
    ]


def says_no_frame(group: Dataset) -> bool:
    """Whether a frame refers to a file without saying to which frame of it (in DICOM, to all)."""
    return any(
        source.get("ReferencedFrameNumber") is None
        for item in group.get("DerivationImageSequence") or ()
        for source in item.get("SourceImageSequence") or ()
    )


def referred_series(dataset: Dataset) -> set[str]:
    """The series that a SEG as a whole refers to."""
    return {str(item.SeriesInstanceUID) for item in dataset.get("ReferencedSeriesSequence") or ()
            if item.get("SeriesInstanceUID")}  # fmt: skip


def _numbers(value: Any) -> list[int | None]:
    if value is None:
        return [None, 1]  # of a file of one frame, whether or not it counts as multi-frame
    return [int(v) for v in (value if isinstance(value, Sequence | pydicom.multival.MultiValue)
                             and not isinstance(value, str) else [value])]  # fmt: skip
