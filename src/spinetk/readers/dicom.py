"""Read DICOM: headers -> stacks -> films, sagittal slices, or sagittal cuts of other planes.

Identity stays in the files: a `Series` holds the hash of the study UID, never a name or number.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spinetk.errors import UnreadableInput
from spinetk.readers.dicom_headers import MODALITIES, Header, is_dicom, scan
from spinetk.readers.dicom_pixels import decode
from spinetk.readers.dicom_series import series_of
from spinetk.readers.dicom_stacks import Stack, even_parts, stacks
from spinetk.readers.films import read_films
from spinetk.readers.header_checks import coarse_warning, finite, short
from spinetk.readers.pixel_store import BLANK, PixelStore, StoredSlices
from spinetk.readers.reader import Content
from spinetk.readers.reformat import TILT_DEGREES, cut, head_first, plan_cuts
from spinetk.study import NO_SPACING, Refusal, Series, Slice
from spinetk.warning import Warning


@dataclass(frozen=True)
class DicomContent:
    """The images of one series, in order.

    Attributes:
        key: hash of the study and number of the series.
    """

    key: str
    stack: Stack

    @property
    def place(self) -> Path:
        """The folder of the first image."""
        return self.stack.first.frame.path.parent

    @property
    def sha256(self) -> str:
        """SHA-256 of the UIDs and frame numbers of the images."""
        frames = [header.frame for header in self.stack.headers]
        images = sorted(f"{frame.uid} {frame.number}" for frame in frames)
        return hashlib.sha256("\n".join(images).encode()).hexdigest()

    @property
    def files(self) -> tuple[Path, ...]:
        """Those of the images."""
        return tuple(dict.fromkeys(header.frame.path for header in self.stack.headers))

    def read(self) -> tuple[Series, list[Refusal]]:
        """The series, and the images that could not be decoded."""
        return read_stack(self.key, self.stack)


@dataclass(frozen=True)
class DicomReader:
    """DICOM files under any name, wherever those of one series lie."""

    one_file_each: bool = False

    def claims(self, path: Path) -> bool:
        """Whether the file begins as a DICOM file does."""
        return is_dicom(path)

    def find(self, paths: Sequence[Path]) -> tuple[list[Content], list[Refusal]]:
        """The stacks of images in files."""
        found, refused = find_stacks(paths)
        return [DicomContent(key, stack) for key, stack in found], refused


def find_stacks(paths: Sequence[Path]) -> tuple[list[tuple[str, Stack]], list[Refusal]]:
    """Put DICOM files together to what can be segmented, by their headers alone.

    Returns:
        Stacks with their keys (not unique) in the order of study and series number, and what was
        not taken.
    """
    refused: list[Refusal] = []
    headers: list[Header] = []
    for path, found in scan(paths):
        if isinstance(found, Exception):
            why = f"damaged DICOM header ({short(found, path)})"
            if isinstance(found, UnreadableInput) and found.place:  # it says all itself
                why = found.about(path.name)
            refused.append(Refusal(path.name, why))
        else:
            headers += found
    usable: list[tuple[str, Stack]] = []
    for group in series_of(headers):
        key = group.key
        refused += _passed_over(key, group.headers)
        slices = [h for h in group.headers if h.is_image and h.projection is None]
        if not slices:
            continue
        try:
            parts = [part for stack in stacks(slices) for part in _parts(stack)]
        except UnreadableInput as error:
            refused.append(Refusal.of(key, error))
            continue
        for part in parts:
            part = replace(part, warnings=(*group.warnings, *part.warnings))
            try:
                if not _is_upright(part):
                    plan_cuts(head_first(part))
                usable.append((key, part))
            except UnreadableInput as error:
                refused.append(Refusal.of(key, error))
    return usable, refused


def _passed_over(key: str, headers: Sequence[Header]) -> list[Refusal]:
    """What lies in a series and is no slice: notes, presentations and raw data; projections."""
    why = Counter(
        header.projection
        if header.is_image
        else f"modality {header.modality} is not MR, CT or X-ray"
        if header.modality not in MODALITIES
        else "holds no pixels"
        for header in headers
    )
    return [
        Refusal(key, reason if count == 1 else f"{count} images: {reason}", False)
        for reason, count in why.items()
        if reason is not None
    ]


def read_stack(key: str, stack: Stack) -> tuple[Series, list[Refusal]]:
    """Read the pixels of one stack; images of it that cannot be decoded are left out.

    Raises:
        UnreadableInput: none can be decoded.
    """
    warnings = list(stack.warnings)
    left_out: list[Refusal] = []
    if stack.first.is_film:
        slices: Sequence[Slice] = read_films(stack, warnings)
    elif _is_upright(stack):
        slices, left_out = _sagittal(stack, warnings)
    else:
        slices = _reformatted(stack, warnings)
    return _series(key, stack, slices, warnings), left_out


def _is_upright(stack: Stack) -> bool:
    """Whether its images are used as they are, without a cut through them."""
    return stack.first.is_film or stack.geometries[0].plane == "sagittal"


def _parts(stack: Stack) -> list[Stack]:
    """A stack of another plane in parts, where it can only be cut in parts."""
    return [stack] if _is_upright(stack) else even_parts(stack)


def _series(key: str, stack: Stack, slices: Sequence[Slice], warnings: list[Warning]) -> Series:
    if stack.first.spacing_source is None:
        warnings.append(NO_SPACING)
    if stack.first.burned_in:
        warnings.append(
            Warning(
                "burned-in-text",
                "text is burned into the pixels (BurnedInAnnotation): overlays show it",
            )
        )
    return Series(
        key=key,
        modality=MODALITIES[stack.first.modality],
        source="dicom",
        slices=slices,
        spacing_source=stack.first.spacing_source,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _sagittal(stack: Stack, warnings: list[Warning]) -> tuple[StoredSlices, list[Refusal]]:
    """The images as they are; those that cannot be decoded are left out and named.

    Raises:
        UnreadableInput: no image can be decoded.
    """
    store: PixelStore | None = None
    blank: list[Slice] = []
    left_out: list[Refusal] = []
    for header, image in decode(stack.headers):
        if isinstance(image, UnreadableInput):
            left_out.append(Refusal(header.frame.path.name, str(image), failed=False))
            continue
        pixels = finite(header.frame.path.name, image, warnings)
        if store is None:
            store = PixelStore(len(stack.headers), *pixels.shape)
        store.write_part(len(blank), 0, 0, pixels)
        geometry = header.geometry
        if geometry is not None and stack.distance is not None:
            geometry = replace(geometry, thickness=stack.distance)
        blank.append(
            Slice(
                pixels=BLANK,
                index=len(blank),
                geometry=geometry,
                spacing=header.spacing,
                path=header.frame.path,
                origin=header.frame,
                number=header.instance_number,
                dark_bone=header.dark_bone,
            )
        )
    if store is None:
        raise UnreadableInput(left_out[0].reason)
    if left_out:
        told = f"{len(left_out)} of {len(stack.headers)} slices could not be decoded: left out"
        told += " (their neighbours are further apart)"
        warnings.append(Warning("left-out", told))
    return StoredSlices(store, blank), left_out


def _reformatted(stack: Stack, warnings: list[Warning]) -> StoredSlices:
    """Sagittal slices cut from axial or coronal images.

    Raises:
        UnreadableInput: they would be too coarse, or no image can be decoded.
    """
    ordered = head_first(stack)
    plan = plan_cuts(ordered)
    if plan.tilt > TILT_DEGREES:
        warnings.append(
            Warning(
                "tilted",
                f"images are tilted by {plan.tilt:.0f} degrees (gantry tilt): lines of the "
                "sagittal slices are moved by whole pixels",
            )
        )
    warnings.append(
        Warning(
            "reformatted",
            f"cut in the sagittal plane from {len(stack.headers)} {stack.geometries[0].plane} "
            f"images ({stack.distance:.3g} mm apart)",
        )
    )
    warnings += coarse_warning(plan.geometries[0].spacing)
    return cut(ordered, plan, (image for _, image in decode(ordered.headers)), warnings)
