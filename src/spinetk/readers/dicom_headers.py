"""What DICOM headers say of each stored image, one frame at a time: classic files and multi-frame
ones give the same record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from spinetk.errors import UnreadableInput
from spinetk.readers.header_checks import usable_spacing
from spinetk.study import Frame, Geometry, Modality, Vector, vector

MODALITIES: dict[str, Modality] = {
    "MR": "MR", "CT": "CT", "CR": "XR", "DX": "XR", "RF": "XR", "XA": "XR", "RG": "XR"
}  # fmt: skip
TAGS = (
    "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "Modality",
    "SeriesNumber", "InstanceNumber", "Rows", "Columns", "NumberOfFrames", "EchoTime",
    "EchoNumbers", "InversionTime", "ConvolutionKernel", "DiffusionBValue",
    "ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing", "ImagerPixelSpacing",
    "SliceThickness", "ImageType", "AcquisitionNumber", "PixelSpacingCalibrationType",
    "TemporalPositionIdentifier", "TransferSyntaxUID", "PatientOrientation", "BurnedInAnnotation",
    "RescaleSlope", "RescaleIntercept", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)  # fmt: skip
MOST_FRAMES = 20_000
FIRST_TAGS = tuple(
    group.to_bytes(2, "little") + element.to_bytes(2, "little")
    for group, element in ((2, 0), (2, 1), (2, 2), (2, 16), (8, 0), (8, 1), (8, 5), (8, 8), (8, 22))
)
"""How a DICOM file begins that lacks the preamble of PS3.10."""
LETTERS: dict[str, Vector] = {
    "L": (1.0, 0.0, 0.0), "R": (-1.0, 0.0, 0.0), "P": (0.0, 1.0, 0.0), "A": (0.0, -1.0, 0.0),
    "H": (0.0, 0.0, 1.0), "F": (0.0, 0.0, -1.0),
}  # fmt: skip
"""Directions of PatientOrientation (PS3.3 C.7.6.1.1.1) in LPS."""


@dataclass(frozen=True)
class Header:
    """One stored image.

    Attributes:
        study, series: instance UIDs.
        modality: as the file has it ("MR", "DX", ...).
        shape: (rows, columns).
        geometry: None where orientation, position or spacing is missing or not usable.
        spacing: (row, column) in mm, None where no attribute gives it.
        spacing_source: the attribute.
        facing: patient directions of growing column and row index, of films that say so.
        kind: what the images of one stack have in common.
        rescale: (slope, intercept) of a frame of a multi-frame file.
        burned_in: the file says that text is burned into the pixels.
        sop_class: SOPClassUID.
        acquisition: AcquisitionNumber.
    """

    frame: Frame
    study: str
    series: str
    series_number: int
    instance_number: int | None
    modality: str
    shape: tuple[int, int]
    geometry: Geometry | None
    spacing: tuple[float, float] | None
    spacing_source: str | None
    facing: tuple[Vector, Vector] | None
    kind: tuple[Any, ...]
    rescale: tuple[float, float] = (1.0, 0.0)
    burned_in: bool = False
    sop_class: str = ""
    acquisition: int | None = None

    @property
    def is_film(self) -> bool:
        """A radiograph, which has no place in the patient."""
        return MODALITIES.get(self.modality) == "XR"


def is_dicom(path: Path) -> bool:
    """Whether the file has the "DICM" mark (PS3.10, 7.1), or begins with a data element of the
    first groups as files from before that rule do."""
    try:
        with path.open("rb") as stream:
            start = stream.read(132)
    except OSError:
        return False
    return start[128:] == b"DICM" or start[:4] in FIRST_TAGS


def read_headers(path: Path) -> list[Header]:
    """The header of each image in a file; no pixels are read.

    Raises:
        UnreadableInput: not a DICOM image, or a value that everything depends on is damaged.
    """
    dataset = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(TAGS), force=True)
    if "SeriesInstanceUID" not in dataset:
        raise UnreadableInput("no SeriesInstanceUID")
    count = int(dataset.get("NumberOfFrames") or 1)
    groups = dataset.get("PerFrameFunctionalGroupsSequence")
    if groups is None and count == 1:
        return [_header(path, dataset, None, dataset)]
    if not 1 <= count <= MOST_FRAMES or (groups is not None and len(groups) != count):
        held = "no" if groups is None else len(groups)
        raise UnreadableInput(f"says it has {count} frames and describes {held}")
    return [
        _header(path, dataset, number, _merged(dataset, groups, number))
        for number in range(1, count + 1)
    ]


def _merged(dataset: Dataset, groups: Any, number: int) -> Dataset:
    """The attributes of one frame as a classic file would have them (PS3.3 C.7.6.16)."""
    out = Dataset()
    if groups is None:
        return out
    shared = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
    for item in (shared[0], groups[number - 1]):
        for sequence in item:
            if sequence.VR == "SQ" and sequence.value:
                out.update(sequence.value[0])
    return out


def _header(path: Path, whole: Dataset, number: int | None, own: Dataset) -> Header:
    frame = Frame(path, str(whole.get("SOPInstanceUID", "")), number)
    modality = str(whole.get("Modality", "missing"))
    film = MODALITIES.get(modality) == "XR"
    geometry = None if film else _geometry(own)
    spacing, source = _spacing(own if "PixelSpacing" in own else whole, geometry)
    rescale = [_floats(own, name, 1) for name in ("RescaleSlope", "RescaleIntercept")]
    return Header(
        frame=frame,
        study=str(whole.get("StudyInstanceUID", "")),
        series=str(whole["SeriesInstanceUID"].value),
        series_number=integer(whole.get("SeriesNumber")) or 0,
        instance_number=integer(whole.get("InstanceNumber")) if number is None else number,
        modality=modality,
        shape=(integer(whole.get("Rows")) or 0, integer(whole.get("Columns")) or 0),
        geometry=geometry,
        spacing=spacing,
        spacing_source=source,
        facing=_facing(whole.get("PatientOrientation")) if film else None,
        kind=("film", str(path)) if film else _kind(whole, own),
        rescale=(
            1.0 if rescale[0] is None else float(rescale[0][0]),
            0.0 if rescale[1] is None else float(rescale[1][0]),
        ),
        burned_in=str(whole.get("BurnedInAnnotation", "")).upper() == "YES",
        sop_class=str(whole.get("SOPClassUID", "")),
        acquisition=integer(whole.get("AcquisitionNumber")),
    )


def _kind(whole: Dataset, own: Dataset) -> tuple[Any, ...]:
    """Size and contrast: echoes, water and fat, phases and kernels are stacks of their own."""
    image_type = own.get("FrameType") or whole.get("ImageType") or ()
    values = [own.get(name) for name in (
        "EchoTime", "EffectiveEchoTime", "EchoNumbers", "InversionTime", "DiffusionBValue",
        "TemporalPositionIdentifier", "TemporalPositionIndex", "StackID",
    )]  # fmt: skip
    return (
        whole.get("Rows"),
        whole.get("Columns"),
        tuple(str(value) for value in image_type),
        str(whole.get("ConvolutionKernel", "")),
        *(_same_number(value) for value in values),
    )


def _same_number(value: Any) -> str | float | None:
    """A value that is equal for equal numbers: 101 and 101.0 ms are one echo."""
    try:
        return None if value is None else round(float(value), 4)
    except (TypeError, ValueError):
        return str(value)


def _geometry(header: Dataset) -> Geometry | None:
    turned = _floats(header, "ImageOrientationPatient", 6)
    position = _floats(header, "ImagePositionPatient", 3)
    spacing = _floats(header, "PixelSpacing", 2)
    if turned is None or position is None or spacing is None or not usable_spacing(spacing):
        return None
    row, column = turned.reshape(2, 3)
    lengths = np.linalg.norm(turned.reshape(2, 3), axis=1)
    if (np.abs(lengths - 1) > 0.01).any() or abs(float(np.dot(row, column))) > 0.01:
        return None
    thickness = _floats(header, "SliceThickness", 1)
    return Geometry(
        origin=vector(position),
        along_row=vector(row / lengths[0]),
        along_column=vector(column / lengths[1]),
        spacing=(float(spacing[0]), float(spacing[1])),
        thickness=float(thickness[0]) if thickness is not None and thickness[0] > 0 else 1.0,
    )


def _spacing(
    header: Dataset, geometry: Geometry | None
) -> tuple[tuple[float, float] | None, str | None]:
    """Pixel spacing and the attribute that it comes from (PS3.3 10.7.1.3): of a film, a
    PixelSpacing that repeats ImagerPixelSpacing is that at the detector, unless it was
    calibrated."""
    if geometry is not None:
        return geometry.spacing, "PixelSpacing"
    own, at_detector = (_floats(header, n, 2) for n in ("PixelSpacing", "ImagerPixelSpacing"))
    repeated = own is not None and at_detector is not None and np.array_equal(own, at_detector)
    names: tuple[str, ...] = ("PixelSpacing", "ImagerPixelSpacing")
    if repeated and not header.get("PixelSpacingCalibrationType"):
        names = ("ImagerPixelSpacing",)
    for name in names:
        values = _floats(header, name, 2)
        if values is not None and usable_spacing(values):
            return (float(values[0]), float(values[1])), name
    return None, None


def _facing(value: Any) -> tuple[Vector, Vector] | None:
    """Directions of a film's rows and columns from PatientOrientation, as ["P", "F"]; of several
    letters the first leads. None where it is missing or makes no plane."""
    try:
        letters = [str(part).strip().upper()[:1] for part in value or ()]
        row, column = (LETTERS[letter] for letter in letters)
    except (KeyError, TypeError, ValueError):
        return None
    return (row, column) if np.dot(row, column) == 0 else None


def _floats(header: Dataset, name: str, count: int) -> NDArray[np.float64] | None:
    """An attribute's values, None where missing, of another number, or not finite."""
    try:
        raw = header.get(name)
        if raw is None:
            return None
        values = np.atleast_1d(np.asarray(raw, dtype=np.float64))
    except (TypeError, ValueError, OverflowError):
        return None
    return values if values.size == count and np.isfinite(values).all() else None


def integer(value: Any) -> int | None:
    """A whole number, None where there is none."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def scan(paths: Iterable[Path]) -> Iterator[tuple[Path, list[Header] | Exception]]:
    """The headers of each file, or what is wrong with it."""
    for path in paths:
        try:
            yield path, read_headers(path)
        except Exception as error:  # pydicom raises many kinds for damaged files
            yield path, error
