"""DICOM series with DICOM SEGs that refer to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray

from spinetk.boxes import dice
from spinetk.datasets.converters.names import Label
from spinetk.datasets.converters.parsed import dicom_of
from spinetk.datasets.converters.seg_frames import read_segments
from spinetk.datasets.writer import (
    Outline,
    OutlinedSlice,
    eight_bit,
    grey_window,
    hashed_patient,
)
from spinetk.errors import SpineError
from spinetk.orientation import upright
from spinetk.readers.dicom import DicomContent, DicomReader
from spinetk.readers.dicom_headers import is_dicom
from spinetk.readers.find import FoundSeries, with_unique_keys
from spinetk.readers.sources import files_below
from spinetk.results.keys import study_part
from spinetk.stored_images import onto_slice
from spinetk.study import Frame, Series, Slice

SEGMENTATION_STORAGE = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""Segmentation, and Label Map Segmentation."""
NOT_HERE = "segments on none of the images that are here"


def dicom_seg(folder: Path, lost: list[str]) -> Iterator[OutlinedSlice]:
    """Every slice that a SEG in the folder refers to.

    The patient is told by a hash of the PatientID (without one, the study's 8 digits), so that all
    series of a patient stay together and no name gets into the data set.

    Segments are named by their label ("L4", "L4-L5", "vertebral_body"; see `names.py`) or by their
    coded property type.

    Args:
        lost: receives a reason for each series that is not read.

    Raises:
        SpineError: there is no SEG.
    """
    files = [path for path in files_below(folder) if is_dicom(path)]
    headers = {}
    for path in files:
        try:
            headers[path] = dicom_of(path, pixels=False)
        except SpineError:
            lost.append("DICOM files that are damaged")
    all_segs = {p: h for p, h in headers.items() if h.get("SOPClassUID") in SEGMENTATION_STORAGE}
    segs = _newest_first(all_segs)
    if not segs:
        raise SpineError("holds no DICOM SEG", folder)
    patients = {str(h.get("SOPInstanceUID")): str(h.get("PatientID", "")) for h in headers.values()}
    contents, refused = DicomReader().find([path for path in headers if path not in all_segs])
    lost += [f"series or files not read ({item.reason})" for item in refused]
    there = [
        header
        for content in contents
        if isinstance(content, DicomContent)
        for header in content.stack.headers
    ]
    of_file = [(number, segment) for number, path in enumerate(segs)
               for segment in read_segments(path, there)]  # fmt: skip
    lost += [NOT_HERE] * sum(not segment.images for _, segment in of_file)
    for found in with_unique_keys(FoundSeries(content.key, content) for content in contents):
        item, refused = found.load()
        lost += [f"series or files not read ({left.reason})" for left in refused]
        if item is None:
            continue
        low, high = grey_window(item.slices, item.modality)
        for part in item.slices:
            try:
                masks = [(n, s.label, onto_slice(part, s.images)) for n, s in of_file]
            except ValueError as error:
                raise SpineError(
                    f"a SEG is not on the grid of its images ({error})", f"series {item.key}"
                ) from error
            outlines = _of_newest([(n, o, m) for n, o, m in masks if m is not None], lost)
            if outlines:
                patient = next(p for uid in _uids(part) if (p := patients.get(uid)) is not None)
                yield _upright(item, part, outlines, patient, low, high)


SAME_STRUCTURE = 0.5
"""Outlines of one kind whose Dice is higher are of one body or disc."""


def _newest_first(headers: Mapping[Path, pydicom.Dataset]) -> list[Path]:
    """SEGs, each once, the newest first."""
    when = {
        path: tuple(str(header.get(name) or "") for name in ("ContentDate", "ContentTime"))
        for path, header in headers.items()
    }
    once: dict[str, Path] = {}
    for path in sorted(headers, key=lambda path: (when[path], str(path)), reverse=True):
        once.setdefault(str(headers[path].get("SOPInstanceUID", path)), path)
    return list(once.values())


def _of_newest(
    found: Sequence[tuple[int, Label, NDArray[np.bool_]]], lost: list[str]
) -> list[Outline]:
    """Outlines of one slice without those that a newer SEG has, too: an archive keeps versions.

    Args:
        found: by the SEG's place, the newest first.
    """
    kept: list[tuple[int, Label, NDArray[np.bool_]]] = []
    for number, label, mask in found:
        older = any(
            number != other and label[0] == known[0] and dice(mask, there) > SAME_STRUCTURE
            for other, known, there in kept
        )
        if older:
            lost.append("outlines of which a newer SEG has another version")
        else:
            kept.append((number, label, mask))
    return [(label, mask) for _, label, mask in kept]


def _uids(part: Slice) -> list[str]:
    """SOP instance UIDs of the images that a slice comes from."""
    if part.origin is None:
        return []
    frames = [part.origin] if isinstance(part.origin, Frame) else part.origin.frames
    return [frame.uid for frame in frames]


def _upright(
    series: Series, part: Slice, outlines: list[Outline], patient: str, low: float, high: float
) -> OutlinedSlice:
    view = upright(part)
    return OutlinedSlice(
        name=f"{series.key}_{part.index:03d}",
        series=series.key,
        patient=hashed_patient(patient) if patient else study_part(series.key),
        picture=eight_bit(view.turn.apply(part.pixels), low, high),
        outlines=tuple((label, view.turn.apply(mask)) for label, mask in outlines),
        modality=series.modality or "MR",
        place=(part.index, len(series.slices)),
        spacing=view.spacing,
    )
