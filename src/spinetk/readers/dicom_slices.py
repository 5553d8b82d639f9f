"""Read the pixels of one stack: films, sagittal slices, or sagittal cuts of another plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from spinetk.errors import UnreadableInput
from spinetk.readers.dicom_headers import MODALITIES
from spinetk.readers.dicom_pixels import decode
from spinetk.readers.dicom_stacks import Stack
from spinetk.readers.films import read_films
from spinetk.readers.header_checks import coarse_warning, finite
from spinetk.readers.pixel_store import BLANK, PixelStore, StoredSlices
from spinetk.readers.reformat import TILT_DEGREES, cut, head_first, plan_cuts
from spinetk.study import NOT_HOUNSFIELD, SPACING_MISSING, Refusal, Series, Slice
from spinetk.warning import Warning


def read_stack(key: str, stack: Stack) -> tuple[Series, list[Refusal]]:
    """Read the pixels of one stack; images of it that cannot be decoded are left out.

    Raises:
        UnreadableInput: none can be decoded.
    """
    warnings = list(stack.warnings)
    left_out: list[Refusal] = []
    if stack.first.is_film:
        slices: Sequence[Slice] = read_films(stack, warnings)
    elif is_upright(stack):
        slices, left_out = _sagittal(stack, warnings)
    else:
        slices = _reformatted(stack, warnings)
    return _series(key, stack, slices, warnings), left_out


def is_upright(stack: Stack) -> bool:
    """Whether its images are used as they are, without a cut through them."""
    return stack.first.is_film or stack.geometries[0].plane == "sagittal"


def _series(key: str, stack: Stack, slices: Sequence[Slice], warnings: list[Warning]) -> Series:
    if stack.first.spacing_source is None:
        warnings.append(SPACING_MISSING)
    if stack.first.burned_in:
        warnings.append(
            Warning(
                "burned-in-text",
                "text is burned into the pixels (BurnedInAnnotation): overlays show it",
            )
        )
    if stack.first.modality == "CT" and len({header.rescale for header in stack.headers}) > 1:
        text = "its images have different rescale intercepts or slopes: some have no Hounsfield"
        warnings.append(Warning(NOT_HOUNSFIELD, f"{text} units, and no means are given"))
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
