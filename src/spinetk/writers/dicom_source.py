"""What DICOM outputs share: the stored images that a result lies on, and who made it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.valuerep import DA, TM, PersonName

import spinetk
from spinetk.network.registry import Model
from spinetk.stored_images import on_frames
from spinetk.study import Frame, Geometry, Segmentation

MANUFACTURER = "SpineTK"
SEG_NUMBER, SR_NUMBER, CAPTURE_NUMBER, CONTOUR_NUMBER, CHANGE_NUMBER = range(9001, 9006)
"""Series numbers of the outputs, out of the way of a scanner's."""


@dataclass(frozen=True)
class OnImages:
    """A result on the stored images that it belongs to.

    Attributes:
        frames: those that an instance lies on, in the slice's order.
        labels: uint8 (uint16 of more than 255 instances) [frames, rows, columns]: 1 + the place of
            the instance in the result.
        headers: of the frames' files, without pixels, each file once.
    """

    frames: tuple[Frame, ...]
    labels: NDArray[np.uint8 | np.uint16]
    headers: tuple[Dataset, ...]


def on_images(result: Segmentation) -> OnImages:
    """Bring the instances of a result to the stored images.

    Raises:
        ValueError: the source is not DICOM.
    """
    stored = result.slice
    kind = np.min_scalar_type(len(result.instances))  # an axial study has hundreds of frames
    labels = np.zeros(stored.pixels.shape, dtype=kind)
    for number, instance in enumerate(result.instances, start=1):
        labels[instance.mask] = number
    frames, placed = on_frames(stored, labels)
    return on_stored_images(frames, placed, stored.geometry)


def on_stored_images(
    frames: tuple[Frame, ...], labels: NDArray[np.uint8 | np.uint16], geometry: Geometry | None
) -> OnImages:
    """Labels on stored images with the images' headers.

    Args:
        labels: [frames, rows, columns], as `OnImages` holds them.
        geometry: of one of the slices.
    """
    paths: dict[Path, None] = dict.fromkeys(frame.path for frame in frames)
    headers = tuple(_header(path, geometry) for path in paths)
    return OnImages(frames=frames, labels=labels, headers=headers)


MAY_BE_EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "StudyID", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
"""Attributes that every DICOM object has, if only empty (type 2 of PS3.3 C.7.1.1 and C.7.2.1);
de-identified files often lack them."""


def _header(path: Path, geometry: Geometry | None) -> Dataset:
    """A file's header, without pixels, with what outputs take over from it made regular: what is
    missing or not in its format is empty there, too, and what cannot be read at all is left out."""
    dataset = in_unicode(pydicom.dcmread(path, stop_before_pixels=True, force=True))
    for tag in list(dataset.keys()):
        try:
            dataset[tag]
        except Exception:  # pydicom raises many kinds for damaged elements
            del dataset[tag]
    for name in MAY_BE_EMPTY:
        if not _regular(dataset, name):
            setattr(dataset, name, "")
    if geometry is not None:
        if not dataset.get("FrameOfReferenceUID"):  # the same for all outputs of a series
            series = str(dataset.SeriesInstanceUID)
            dataset.FrameOfReferenceUID = pydicom.uid.generate_uid(entropy_srcs=[series])
        if not dataset.get("PerFrameFunctionalGroupsSequence"):
            _repair_geometry(dataset, geometry)
    return dataset


def _repair_geometry(dataset: Dataset, geometry: Geometry) -> None:
    """Put what was understood of a slice's place into a header whose own words are not in their
    format (decimal commas, cosines that are too long)."""
    if not _parses(dataset, "PixelSpacing") or np.size(dataset.get("PixelSpacing")) != 2:
        dataset.PixelSpacing = [f"{value:.10g}" for value in geometry.spacing]
    if not _parses(dataset, "SliceThickness") or not dataset.get("SliceThickness"):
        dataset.SliceThickness = f"{geometry.thickness:.10g}"
    cosines = [*geometry.along_row, *geometry.along_column]
    given = dataset.get("ImageOrientationPatient")
    if given is not None and not _right_angled(given):  # of all images alike; places are their own
        dataset.ImageOrientationPatient = [f"{value:.10g}" for value in cosines]
    if "PerFrameFunctionalGroupsSequence" in dataset:
        del dataset.PerFrameFunctionalGroupsSequence  # empty


def _right_angled(cosines: Any) -> bool:
    """Whether direction cosines are unit vectors at right angles, as readers of a SEG want them."""
    try:
        directions = np.asarray(cosines, dtype=np.float64).reshape(2, 3)
    except (TypeError, ValueError):
        return False
    return bool(np.abs(directions @ directions.T - np.eye(2)).max() < 1e-4)


def _parses(dataset: Dataset, name: str) -> bool:
    """Whether an attribute's values are numbers as they stand."""
    try:
        np.asarray(dataset.get(name, 0), dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return True


UNICODE = "ISO_IR 192"


def in_unicode(dataset: Dataset) -> Dataset:
    """The header with all its text in Unicode, whatever character set it was stored in; one that
    is missing or misspelt is guessed by what the bytes can be.

    Source: DICOM PS3.3 C.12.1.1.2 (Specific Character Set).
    """
    stored = dataset.get("SpecificCharacterSet")
    try:
        encodings = convert_encodings(stored) if stored else []
    except (LookupError, ValueError):
        encodings = []
    if encodings == [default_encoding]:  # ASCII, or a name that pydicom knows nothing of
        encodings = []
    implicit, little = dataset.original_encoding
    dataset.set_original_encoding(implicit, little, encodings or [_guessed_encoding(dataset)])
    _decode(dataset)
    dataset.SpecificCharacterSet = UNICODE
    return dataset


TEXT = ("PN", "LO", "SH", "LT", "ST", "UC", "UT")


def _decode(dataset: Dataset) -> None:
    """Read all text; names keep the bytes of their file otherwise. Elements that are damaged stay
    as they are, unless an output asks for them."""
    for tag in list(dataset.keys()):
        raw = dataset.get_item(tag)
        if raw is None or (raw.VR not in (*TEXT, "SQ") and raw.VR is not None):
            continue
        try:
            element = dataset[tag]
            if element.VR == "SQ":
                for item in element.value:
                    _decode(item)
            elif element.VR == "PN" and element.VM == 1:
                element.value = PersonName(str(element.value))
        except Exception:  # pydicom raises many kinds
            continue


def _guessed_encoding(dataset: Dataset) -> str:
    """UTF-8 where all bytes of the names are, else Western European."""
    for name in ("PatientName", "PatientID", "StudyDescription", "SeriesDescription"):
        content = getattr(dataset.get_item(name) if name in dataset else None, "value", b"")
        if isinstance(content, bytes):
            try:
                content.decode("utf-8")
            except UnicodeDecodeError:
                return "latin-1"
    return "utf8"


def _regular(dataset: Dataset, name: str) -> bool:
    """Whether an attribute is there and in its format (empty is)."""
    try:
        value = dataset[name].value
        kind = {"PatientBirthDate": DA, "StudyDate": DA, "StudyTime": TM}.get(name)
        if kind is not None and value:
            kind(str(value))
    except Exception:  # missing, or pydicom cannot make anything of it
        return False
    return name != "PatientSex" or value in (None, "", "M", "F", "O")


def person_name(who: str) -> PersonName:
    """A name as the page takes it, in the form of a DICOM name (VR PN: no control characters, 64 of
    a component group at most)."""
    plain = "".join(c for c in who if c.isprintable() and c not in "^=\\")
    return PersonName(plain[:64].strip() or "unknown")


def new_series(number: int, content: str) -> dict[str, Any]:
    """What highdicom wants to know of a series of one new instance."""
    return {
        "series_instance_uid": highdicom.UID(),
        "series_number": number,
        "sop_instance_uid": highdicom.UID(),
        "instance_number": 1,
        "manufacturer": MANUFACTURER,
        "software_versions": spinetk.__version__,
        "series_description": f"SpineTK {content}, research only",
    }


def model_name(model: Model) -> str:
    """Manufacturer's model name: the network."""
    return f"SpineTK network {model.name}"


def algorithm(model: Model) -> highdicom.AlgorithmIdentificationSequence:
    """The network, by name, version and the hash of its file."""
    return highdicom.AlgorithmIdentificationSequence(
        name=f"SpineTK {model.name}",
        family=codes.DCM.ArtificialIntelligence,
        version=spinetk.__version__,
        parameters={"network SHA-256": model.sha256[:32]},
    )
