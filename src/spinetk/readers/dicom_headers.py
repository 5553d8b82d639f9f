"""What DICOM headers say of each stored image, one frame at a time: classic files and multi-frame
ones give the same record."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from spinetk.errors import UnreadableInput
from spinetk.orthonormal import SHEAR_TOLERANCE, orthonormal, shear
from spinetk.readers.bounds import check_deflated
from spinetk.readers.header_checks import usable_spacing
from spinetk.readers.units import no_hounsfield
from spinetk.readers.unplaced import NO_PLACE, why_unplaced
from spinetk.study import NOT_HOUNSFIELD, Frame, Geometry, Modality, Vector, vector
from spinetk.warning import Warning

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
    "PerFrameFunctionalGroupsSequence", "PatientID", "PatientName", "FrameOfReferenceUID",
    "SeriesDescription", "RescaleType", "ComplexImageComponent", "PhotometricInterpretation",
    "BitsStored",
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
        kind: contrast and the like, by attribute: where several images lie at one place, what
            differs parts them (`CONTRASTS`).
        rescale: (slope, intercept) of a frame of a multi-frame file.
        burned_in: the file says that text is burned into the pixels.
        sop_class: SOPClassUID.
        acquisition: AcquisitionNumber.
        patient: a hash of the patient's number (or name, without one), never either of them.
        person: a hash of the patient's name.
        frame_of_reference: FrameOfReferenceUID.
        description: a hash of SeriesDescription, which may hold names.
        projection: why this is no slice (a scout, a projection through many); None for a slice.
        dark_bone: MONOCHROME1 of an image without units: shown inverted.
        warnings: of values that are not in their format and could be read.
        unplaced: why there is no geometry.
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
    patient: str = ""
    person: str = ""
    frame_of_reference: str = ""
    description: str = ""
    projection: str | None = None
    dark_bone: bool = False
    warnings: tuple[Warning, ...] = ()
    unplaced: str = NO_PLACE

    @property
    def is_image(self) -> bool:
        """Of a modality that is known here, and with pixels: no note, presentation or raw data."""
        return self.modality in MODALITIES and min(self.shape) > 0

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
    check_deflated(path)
    dataset = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(TAGS), force=True)
    if "SeriesInstanceUID" not in dataset:
        raise UnreadableInput("no SeriesInstanceUID")
    count = int(dataset.get("NumberOfFrames") or 1)
    groups = dataset.get("PerFrameFunctionalGroupsSequence") or None
    if groups is None and count == 1:
        return [_header(path, dataset, None, dataset)]
    if not 1 <= count <= MOST_FRAMES or (groups is not None and len(groups) != count):
        held = "no" if groups is None else len(groups)
        raise UnreadableInput(f"says it has {count} frames and describes {held}")
    return [
        _header(path, dataset, number, _merged(dataset, groups, number))
        for number in range(1, count + 1)
    ]


OF_EVERY_FRAME = ("ImageOrientationPatient", "PixelSpacing", "SliceThickness")
"""What writers of multi-frame files put beside the groups, where classic files have it."""


def _merged(dataset: Dataset, groups: Any, number: int) -> Dataset:
    """The attributes of one frame as a classic file would have them (PS3.3 C.7.6.16)."""
    out = Dataset()
    for name in OF_EVERY_FRAME:
        if name in dataset:
            out[name] = dataset[name]
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
    warnings: list[Warning] = []
    rescale = [floats(own, name, 1) for name in ("RescaleSlope", "RescaleIntercept")]
    scale = 1.0 if rescale[0] is None else float(rescale[0][0])
    if modality == "CT" and (doubt := no_hounsfield(whole, own, scale)):
        warnings.append(Warning(NOT_HOUNSFIELD, f"{doubt}: no means are given"))
    geometry = None if film else _geometry(own, warnings)
    spacing, source = _spacing(own if "PixelSpacing" in own else whole, geometry, warnings)
    kind = _kind(whole, own)
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
        kind=("film", str(path)) if film else kind,
        rescale=(
            scale,
            0.0 if rescale[1] is None else float(rescale[1][0]),
        ),
        burned_in=str(whole.get("BurnedInAnnotation", "")).upper() == "YES",
        sop_class=str(whole.get("SOPClassUID", "")),
        acquisition=integer(whole.get("AcquisitionNumber")),
        patient=hashed(whole.get("PatientID") or whole.get("PatientName")),
        person=hashed(re.sub(r"[\W_]+", "", str(whole.get("PatientName") or "")).upper()),
        frame_of_reference=str(whole.get("FrameOfReferenceUID") or ""),
        description=hashed(whole.get("SeriesDescription")),
        projection=None if film else _projection(modality, whole, own),
        dark_bone=modality == "MR" and whole.get("PhotometricInterpretation") == "MONOCHROME1",
        warnings=tuple(warnings),
        unplaced=NO_PLACE if film or geometry else why_unplaced(own),
    )


def hashed(value: Any) -> str:
    """Tells values from others without holding them; empty for nothing."""
    text = str(value or "").strip()
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16] if text else ""


PROJECTIONS = frozenset(
    ("PROJECTION IMAGE", "MIP", "MINIP", "MAXIP", "MAX_IP", "MIN_IP", "MAXIMUM", "MINIMUM", "VR",
     "VRT", "SSD", "VOLUME_RENDER", "SURFACE_RENDER", "CURVED_MPR", "CPR")
)  # fmt: skip
"""Words of ImageType, and of VolumeBasedCalculationTechnique, that say an image is no slice."""
SCOUTS = frozenset(("LOCALIZER", "SCOUT", "TOPO", "TOPOGRAM", "SCANOGRAM"))
"""Of a CT: the tube stood still. An MR localizer is made of true slices."""
AVERAGES = frozenset(("AVERAGE", "AVERAGE IP", "AVE_IP", "AVGIP", "MEAN", "MEAN_IP", "SLAB"))
THICKEST_MM, THICKEST_AVERAGE_MM = 10.0, 6.0
"""What is thicker, as scanned or as averaged from thin slices, shows no outline of any one
structure."""


def _projection(modality: str, whole: Dataset, own: Dataset) -> str | None:
    """Why an image is no slice, by what the header calls it (PS3.3 C.7.6.1.1.2, C.8.16.2)."""
    given = [*_words(whole.get("ImageType")), *_words(own.get("FrameType"))]
    given.append(own.get("VolumeBasedCalculationTechnique", ""))
    whole_words = {str(word).strip().upper() for word in given}
    # makers put several words into one value: "CT_SOM5 MIP", "SCOUT VIEW"
    words = whole_words | {part for word in whole_words for part in re.split(r"[ _]+", word)}
    if modality == "CT" and words & SCOUTS:
        return "a localiser (scout) is a projection, not a slice"
    if words & PROJECTIONS:
        return "a projection through many slices, not a slice"
    thickness = floats(own, "SliceThickness", 1)
    if thickness is None:
        return None
    if words & AVERAGES and thickness[0] > THICKEST_AVERAGE_MM:
        return f"averaged over {thickness[0]:.0f} mm, not a slice"
    if thickness[0] > THICKEST_MM:
        return f"a slab of {thickness[0]:.0f} mm, not a slice"
    return None


def _words(value: Any) -> tuple[Any, ...]:
    if value is None or isinstance(value, str):
        return (value,) if value else ()
    return tuple(value)


CONTRASTS = (
    "ImageType", "ConvolutionKernel", "ComplexImageComponent", "EchoTime", "EffectiveEchoTime",
    "EchoNumbers", "InversionTime", "DiffusionBValue", "TemporalPositionIdentifier",
    "TemporalPositionIndex", "StackID",
)  # fmt: skip
"""What tells images at one place apart, in the order of `Header.kind`."""


def _kind(whole: Dataset, own: Dataset) -> tuple[Any, ...]:
    """A value for each of `CONTRASTS`."""
    image_type = tuple(str(w) for w in _words(own.get("FrameType") or whole.get("ImageType")))
    kernel = str(whole.get("ConvolutionKernel", ""))
    return (image_type, kernel, *(_same_number(own.get(name)) for name in CONTRASTS[2:]))


def _same_number(value: Any) -> str | float | None:
    """A value that is equal for equal numbers: 101 and 101.0 ms are one echo."""
    try:
        return None if value is None else round(float(value), 4)
    except (TypeError, ValueError):
        return str(value)


COSINES_OFF = 0.1
"""Direction cosines that are longer or shorter than 1 by up to this share are scaled."""


def _geometry(header: Dataset, warnings: list[Warning]) -> Geometry | None:
    turned = floats(header, "ImageOrientationPatient", 6, warnings)
    position = floats(header, "ImagePositionPatient", 3, warnings)
    spacing = _pair(header, "PixelSpacing", warnings)
    if turned is None or position is None or spacing is None or not usable_spacing(spacing):
        return None
    row, column = turned.reshape(2, 3)
    lengths = np.linalg.norm(turned.reshape(2, 3), axis=1)
    if (np.abs(lengths - 1) > COSINES_OFF).any() or shear(turned.reshape(2, 3).T) > SHEAR_TOLERANCE:
        return None
    along_row, along_column = orthonormal(row, column)
    thickness = floats(header, "SliceThickness", 1)
    return Geometry(
        origin=vector(position),
        along_row=vector(along_row),
        along_column=vector(along_column),
        spacing=(float(spacing[0]), float(spacing[1])),
        thickness=float(thickness[0]) if thickness is not None and thickness[0] > 0 else 1.0,
    )


def _spacing(
    header: Dataset, geometry: Geometry | None, warnings: list[Warning]
) -> tuple[tuple[float, float] | None, str | None]:
    """Pixel spacing and the attribute that it comes from (PS3.3 10.7.1.3): of a film, a
    PixelSpacing that repeats ImagerPixelSpacing is that at the detector, unless it was
    calibrated."""
    if geometry is not None:
        return geometry.spacing, "PixelSpacing"
    names: tuple[str, ...] = ("PixelSpacing", "ImagerPixelSpacing")
    given = {name: _pair(header, name, warnings) for name in names}
    own, at_detector = given.values()
    repeated = own is not None and at_detector is not None and np.array_equal(own, at_detector)
    if repeated and not header.get("PixelSpacingCalibrationType"):
        names = ("ImagerPixelSpacing",)
    for name in names:
        values = given[name]
        if values is not None and usable_spacing(values):
            return (float(values[0]), float(values[1])), name
    return None, None


def _pair(header: Dataset, name: str, warnings: list[Warning]) -> NDArray[np.float64] | None:
    """Two distances; one alone is taken for both, with a warning."""
    values = floats(header, name, 2, warnings)
    if values is None and (one := floats(header, name, 1, warnings)) is not None:
        warnings.append(Warning("value-repaired", f"{name} has one value: taken for both"))
        values = np.repeat(one, 2)
    return values


def _facing(value: Any) -> tuple[Vector, Vector] | None:
    """Directions of a film's rows and columns from PatientOrientation, as ["P", "F"]; of several
    letters the first leads. None where it is missing or makes no plane."""
    try:
        letters = [str(part).strip().upper()[:1] for part in value or ()]
        row, column = (LETTERS[letter] for letter in letters)
    except (KeyError, TypeError, ValueError):
        return None
    return (row, column) if np.dot(row, column) == 0 else None


def floats(
    header: Dataset, name: str, count: int, warnings: list[Warning] | None = None
) -> NDArray[np.float64] | None:
    """An attribute's values, None where missing, of another number, or not finite.

    Numbers with a decimal comma are read; a warning names them.

    Args:
        warnings: receives it.
    """
    try:
        raw = header.get(name)
        if raw is None or raw == "":
            return None
        values = _numbers(raw)
        if values is None and (values := _numbers_with_commas(raw)) is not None:
            shown = "\\".join(map(str, np.atleast_1d(np.asarray(raw, dtype=object))))
            text = f"{name} is '{shown}', which is not a number: the comma is taken for a point"
            if warnings is not None:
                warnings.append(Warning("value-repaired", text))
    except (TypeError, ValueError, OverflowError):  # pydicom cannot make anything of it
        return None
    if values is None or values.size != count or not np.isfinite(values).all():
        return None
    return values


def _numbers(raw: Any) -> NDArray[np.float64] | None:
    try:
        return np.atleast_1d(np.asarray(raw, dtype=np.float64))
    except (TypeError, ValueError):
        return None


def _numbers_with_commas(raw: Any) -> NDArray[np.float64] | None:
    parts = [str(part).strip() for part in ([raw] if isinstance(raw, str) else raw)]
    if not parts or not all(re.fullmatch(r"[-+]?\d+([,.]\d+)?", part) for part in parts):
        return None
    return np.array([float(part.replace(",", ".")) for part in parts])


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
