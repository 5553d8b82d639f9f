"""Read classic single-frame DICOM: series told apart, slices sorted by position along the normal.

Identity stays in the files: a `Series` holds the hash of the study UID, never a name or number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers.checks import check_size, finite, short
from spinetk.study import Geometry, Modality, Refusal, Series, Slice, Vector

MODALITIES: dict[str, Modality] = {
    "MR": "MR", "CT": "CT", "CR": "XR", "DX": "XR", "RF": "XR", "XA": "XR", "RG": "XR"
}  # fmt: skip
ORIENTATION_TOLERANCE = 0.02
"""Slices belong to one stack while no direction cosine differs by more (about one degree)."""
POSITION_TOLERANCE = 0.01
"""Slices nearer than this along the normal, in mm, are at the same place."""
HEADER_TAGS = (
    "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "Modality",
    "SeriesNumber", "InstanceNumber", "Rows", "Columns", "NumberOfFrames", "EchoTime",
    "ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing", "ImagerPixelSpacing",
    "SliceThickness", "SamplesPerPixel", "ImageType", "TemporalPositionIdentifier",
)  # fmt: skip


@dataclass(frozen=True)
class _File:
    path: Path
    header: Dataset


def is_dicom(path: Path) -> bool:
    """Whether the file has the "DICM" mark of a DICOM file (PS3.10, 7.1)."""
    try:
        with path.open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read_dicom_series(paths: Sequence[Path]) -> tuple[list[Series], list[Refusal]]:
    """Put DICOM files together to sagittal (or frontal/lateral X-ray) series.

    Returns:
        The series in the order of study and series number, and what was not taken.
    """
    refused: list[Refusal] = []
    groups: dict[tuple[str, str], list[_File]] = {}
    for path in paths:
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(HEADER_TAGS))
            uid = str(header["SeriesInstanceUID"].value)
            study = str(header.get("StudyInstanceUID", ""))
            groups.setdefault((study, uid), []).append(_File(path, header))
        except Exception as error:  # pydicom raises many kinds for damaged files
            refused.append(Refusal(path.name, f"damaged DICOM header ({short(error, path)})"))
    series: list[Series] = []
    for (study, _), files in sorted(groups.items(), key=lambda g: _sort_key(g[0], g[1])):
        key = f"{hashlib.sha256(study.encode()).hexdigest()[:8]}-{_number(files[0].header)}"
        for stack in _stacks(files):
            try:
                one, left_out = _read_stack(key, stack)
                series.append(one)
                refused += left_out
            except UnreadableInput as error:
                refused.append(Refusal(key, str(error), not isinstance(error, Unsuitable)))
    return series, refused


def _sort_key(group: tuple[str, str], files: list[_File]) -> tuple[str, int, str]:
    return group[0], _number(files[0].header), group[1]


def _number(header: Dataset) -> int:
    try:
        return int(header.get("SeriesNumber") or 0)
    except (TypeError, ValueError):
        return 0


def _stacks(files: Iterable[_File]) -> list[list[_File]]:
    """Divide a series where size, contrast or orientation changes (localizers, several echoes,
    water and fat, dynamic phases). Each radiograph is a stack of its own."""
    stacks: list[tuple[tuple[Any, ...], NDArray[np.float64] | None, list[_File]]] = []
    for file in files:
        kind = _kind(file)
        turned = _floats(file.header, "ImageOrientationPatient", 6)
        for known, orientation, members in stacks:
            if known == kind and _same_orientation(orientation, turned):
                members.append(file)
                break
        else:
            stacks.append((kind, turned, [file]))
    return [members for _, _, members in stacks]


def _kind(file: _File) -> tuple[Any, ...]:
    """What the images of one stack have in common."""
    header = file.header
    if MODALITIES.get(str(header.get("Modality", ""))) == "XR":
        return ("film", str(file.path))
    image_type = tuple(str(value) for value in header.get("ImageType") or ())
    return (
        header.get("Rows"),
        header.get("Columns"),
        header.get("EchoTime"),
        image_type,
        header.get("TemporalPositionIdentifier"),
    )


def _same_orientation(a: NDArray[np.float64] | None, b: NDArray[np.float64] | None) -> bool:
    if a is None or b is None:
        return a is b
    return bool(np.abs(a - b).max() <= ORIENTATION_TOLERANCE)


def _read_stack(key: str, files: list[_File]) -> tuple[Series, list[Refusal]]:
    """Read the pixels of one stack; files that cannot be decoded are left out and named.

    Raises:
        UnreadableInput: not an image of the spine's planes, or no file can be decoded.
    """
    first = files[0].header
    modality = MODALITIES.get(str(first.get("Modality", "")))
    if modality is None:
        raise Unsuitable(f"modality {first.get('Modality', 'missing')} is not MR, CT or X-ray")
    if int(first.get("NumberOfFrames") or 1) > 1:
        raise Unsuitable("multi-frame DICOM is not read yet")
    warnings: list[str] = []
    placed, distance = _in_order(files, modality, warnings)
    slices: list[Slice] = []
    left_out: list[Refusal] = []
    spacing_source: str | None = None
    for file, geometry in placed:
        try:
            pixels = _pixels(file.path, warnings)
        except UnreadableInput as error:
            reason = str(error).removeprefix(f"{file.path.name}: ")
            left_out.append(Refusal(file.path.name, reason, failed=False))
            continue
        spacing, spacing_source = _spacing(file.header, geometry)
        if geometry is not None and distance is not None:
            geometry = replace(geometry, thickness=distance)
        slices.append(
            Slice(
                pixels=pixels,
                index=len(slices),
                geometry=geometry,
                spacing=spacing,
                path=file.path,
                sop_instance_uid=str(file.header.get("SOPInstanceUID", "")) or None,
                number=_integer(file.header.get("InstanceNumber")),
            )
        )
    if not slices:
        raise UnreadableInput(left_out[0].reason)
    if left_out:
        warnings.append(f"{len(left_out)} of {len(files)} slices could not be decoded: left out")
    if spacing_source is None:
        warnings.append("pixel spacing is not known: no figures in mm")
    return Series(
        key=key,
        modality=modality,
        source="dicom",
        slices=tuple(slices),
        spacing_source=spacing_source,
        warnings=tuple(dict.fromkeys(warnings)),
    ), left_out


def _in_order(
    files: list[_File], modality: Modality, warnings: list[str]
) -> tuple[list[tuple[_File, Geometry | None]], float | None]:
    """Files with their geometry, sorted along the slice normal (PS3.3 C.7.6.2.1.1), and the median
    distance of neighbours in mm."""
    if modality == "XR":
        return [(file, None) for file in files], None
    known = [(file, _geometry(file.header)) for file in files]
    placed = [(file, geometry) for file, geometry in known if geometry is not None]
    if not placed:
        raise UnreadableInput("orientation, position or pixel spacing is missing in the header")
    if len(placed) < len(files):
        warnings.append(
            f"{len(files) - len(placed)} of {len(files)} slices have no orientation, position or "
            "spacing: left out"
        )
    plane = placed[0][1].plane
    if plane != "sagittal":
        raise Unsuitable(f"{plane} series of {len(files)} slices; a sagittal series is needed")
    normal = placed[0][1].normal
    placed.sort(key=lambda p: float(np.dot(p[1].origin, normal)))
    depth = np.array([np.dot(geometry.origin, normal) for _, geometry in placed])
    new_place = np.concatenate([[True], np.diff(depth) > POSITION_TOLERANCE])
    if not new_place.all():
        warnings.append(f"{int((~new_place).sum())} slices at a place already taken: left out")
    steps = np.diff(depth[new_place])
    if len(steps) and steps.max() - steps.min() > 0.1 * float(np.median(steps)):
        warnings.append(
            f"uneven slice distance ({steps.min():.2f} to {steps.max():.2f} mm): "
            "slices may be missing"
        )
    kept: list[tuple[_File, Geometry | None]] = [
        p for p, new in zip(placed, new_place, strict=True) if new
    ]
    return kept, float(np.median(steps)) if len(steps) else None


def _geometry(header: Dataset) -> Geometry | None:
    turned = _floats(header, "ImageOrientationPatient", 6)
    position = _floats(header, "ImagePositionPatient", 3)
    spacing = _floats(header, "PixelSpacing", 2)
    if turned is None or position is None or spacing is None or (spacing <= 0).any():
        return None
    lengths = np.linalg.norm(turned.reshape(2, 3), axis=1)
    if (np.abs(lengths - 1) > 0.01).any():
        return None
    thickness = _floats(header, "SliceThickness", 1)
    return Geometry(
        origin=_vector(position),
        along_row=_vector(turned[:3] / lengths[0]),
        along_column=_vector(turned[3:] / lengths[1]),
        spacing=(float(spacing[0]), float(spacing[1])),
        thickness=float(thickness[0]) if thickness is not None and thickness[0] > 0 else 1.0,
    )


def _spacing(
    header: Dataset, geometry: Geometry | None
) -> tuple[tuple[float, float] | None, str | None]:
    """Pixel spacing and the attribute that it comes from (PS3.3 10.7.1.3)."""
    if geometry is not None:
        return geometry.spacing, "PixelSpacing"
    for name in ("PixelSpacing", "ImagerPixelSpacing"):
        values = _floats(header, name, 2)
        if values is not None and (values > 0).all():
            return (float(values[0]), float(values[1])), name
    return None, None


def _pixels(path: Path, warnings: list[str]) -> NDArray[np.float32]:
    """Modality-LUT or rescaled values, float32 [H, W]."""
    try:
        dataset = pydicom.dcmread(path)
        stored = dataset.pixel_array
        if stored.ndim != 2:
            raise UnreadableInput("colour or multi-frame pixels; gray single frames are needed")
        values = np.asarray(apply_modality_lut(stored, dataset), dtype=np.float32)
    except UnreadableInput:
        raise
    except Exception as error:  # decoders raise many kinds for damaged pixel data
        raise UnreadableInput(f"its pixels cannot be decoded ({short(error, path)})") from error
    check_size(path.name, values.shape[0], values.shape[1])
    return finite(path.name, values, warnings)


def _floats(header: Dataset, name: str, count: int) -> NDArray[np.float64] | None:
    """An attribute's values, None where missing, of another number, or not finite."""
    try:
        raw = header.get(name)
        if raw is None:
            return None
        values = np.atleast_1d(np.asarray(raw, dtype=np.float64))
    except (TypeError, ValueError):
        return None
    return values if values.size == count and np.isfinite(values).all() else None


def _integer(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _vector(values: NDArray[np.float64]) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])
