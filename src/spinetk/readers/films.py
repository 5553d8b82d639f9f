"""Radiographs (CR, DX, RF, XA): what a viewer shows of them, and which part was exposed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi_lut

from spinetk.readers.dicom_headers import Header
from spinetk.readers.dicom_pixels import decode_file, decode_run
from spinetk.readers.dicom_stacks import Stack
from spinetk.readers.header_checks import finite
from spinetk.study import Slice
from spinetk.warning import Warning

FLAT = 0.02
"""A collimated border's rows and columns spread by less than this share of the film's values."""
LEAST_EXPOSED = 0.25
"""A border that would leave less than this share of either side is not believed."""

MOST_FRAMES = 32
"""Frames of a run that are kept: a run of minutes would fill memory."""

Box = tuple[int, int, int, int]


def read_films(stack: Stack, warnings: list[Warning]) -> list[Slice]:
    """The film of a file, or frames of a fluoroscopic run, evenly chosen where there are many.

    Raises:
        UnreadableInput: a frame cannot be decoded.
    """
    headers = stack.headers
    if len(headers) > MOST_FRAMES:
        chosen = np.linspace(0, len(headers) - 1, MOST_FRAMES).round().astype(int)
        warnings.append(
            Warning("frames-chosen", f"{MOST_FRAMES} of {len(headers)} frames are looked at")
        )
        headers = tuple(headers[i] for i in chosen)
    _say_what_spacing_means(stack.first, warnings)
    if stack.first.facing is None:
        warnings.append(
            Warning(
                "orientation-assumed",
                "the film does not say how it lies (PatientOrientation): head up and, from the "
                "side, anterior left are assumed",
            )
        )
    if headers[0].frame.number is None:
        pixels, dataset = decode_file(headers[0])
        return [_film(0, headers[0], pixels, dataset, warnings)]
    return [
        _film(index, header, pixels, dataset, warnings)
        for index, (header, pixels, dataset) in enumerate(decode_run(headers))
    ]


def _film(
    index: int, header: Header, raw: NDArray[np.float32], dataset: Dataset, warnings: list[Warning]
) -> Slice:
    pixels = finite(header.frame.path.name, raw, warnings)
    shown = as_viewed(pixels, dataset)
    return Slice(
        pixels=pixels,
        index=index,
        geometry=None,
        spacing=header.spacing,
        path=header.frame.path,
        origin=header.frame,
        number=header.instance_number,
        shown=shown,
        facing=header.facing,
        content=exposed_part(shown, dataset),
    )


def as_viewed(pixels: NDArray[np.float32], dataset: Dataset) -> NDArray[np.float32]:
    """Values after the file's VOI LUT or window, bright bone: MONOCHROME1 is inverted.

    A LUT or window that leaves no contrast is not applied.

    Source: DICOM PS3.3 C.11.2 (VOI LUT) and C.7.6.3.1.2 (photometric interpretation).
    """
    values = pixels
    try:
        stored = pixels
        if "VOILUTSequence" in dataset:  # a LUT is looked up with whole numbers
            stored = np.round(pixels).astype(np.int32)
        viewed = np.asarray(apply_voi_lut(stored, dataset), dtype=np.float32)
        if np.isfinite(viewed).all() and np.ptp(viewed) > 0:
            values = viewed
    except Exception:  # a damaged LUT is no reason to refuse the film
        values = pixels
    if str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        values = values.max() + values.min() - values
    return values


def exposed_part(shown: NDArray[np.float32], dataset: Dataset) -> Box | None:
    """(top, left, bottom, right) inside the collimator: the shutter that the file names, else the
    part without flat borders; None where that is all of the film.

    Source: DICOM PS3.3 C.7.6.11 (display shutter).
    """
    height, width = shown.shape
    box = _shutter(dataset, height, width) or _without_flat_borders(shown)
    top, left, bottom, right = box
    believed = bottom - top >= LEAST_EXPOSED * height and right - left >= LEAST_EXPOSED * width
    return box if believed and box != (0, 0, height, width) else None


def _shutter(dataset: Dataset, height: int, width: int) -> Box | None:
    """A rectangular shutter; its edges are counted from 1 and belong to the image."""
    names = ("UpperHorizontalEdge", "LeftVerticalEdge", "LowerHorizontalEdge", "RightVerticalEdge")
    try:
        top, left, bottom, right = (int(dataset[f"Shutter{name}"].value) for name in names)
    except (KeyError, TypeError, ValueError):
        return None
    return max(0, top - 1), max(0, left - 1), min(height, bottom), min(width, right)


def _without_flat_borders(shown: NDArray[np.float32]) -> Box:
    """Cut off rows and columns at the edges in which nothing is to be seen."""
    low, high = np.percentile(shown, (1, 99))
    least = FLAT * max(float(high - low), 1e-6)
    rows = np.flatnonzero(
        np.percentile(shown, 95, axis=1) - np.percentile(shown, 5, axis=1) > least
    )
    columns = np.flatnonzero(
        np.percentile(shown, 95, axis=0) - np.percentile(shown, 5, axis=0) > least
    )
    if not len(rows) or not len(columns):
        return 0, 0, *shown.shape
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _say_what_spacing_means(header: Header, warnings: list[Warning]) -> None:
    if header.spacing_source == "ImagerPixelSpacing":
        warnings.append(
            Warning(
                "detector-spacing",
                "spacing is that at the detector (ImagerPixelSpacing): lengths in mm are larger "
                "than in the patient",
            )
        )
