"""Cut sagittal slices from a stack of axial or coronal images.

Nothing is interpolated: a slice takes one row or column of each image, so that a mask drawn on it
lies on pixels of the images again. Where the images are tilted against their stacking direction
(a CT gantry), lines are moved by whole pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers.dicom_pixels import Decoded
from spinetk.readers.dicom_stacks import Stack
from spinetk.readers.header_checks import COARSEST_MM, FEWEST_LINES, finite
from spinetk.readers.pixel_store import BLANK, PixelStore, StoredSlices
from spinetk.study import Cut, Geometry, Line, Slice, vector
from spinetk.warning import Warning

SIDEWAYS_COSINE = 0.85
"""A cut's normal lies nearer to left-right than this (about 32 degrees)."""
PLANE_DISTANCE_MM = 2.0
"""Cuts are about this far apart: bodies are 40 mm wide."""
TILT_DEGREES = 1.0
"""Images tilted by more are warned of."""


@dataclass(frozen=True)
class Plan:
    """How a stack is cut.

    Attributes:
        lines: which lines of a slice the images become.
        frame_lines: which lines of an image a slice takes.
        places: numbers of those lines, one for each slice.
        length: pixels of a line, with room for the shifts.
        shifts: pixels that each image's line is moved by.
        geometries: of the slices.
        tilt: of the images against their stacking direction, in degrees.
    """

    lines: Line
    frame_lines: Line
    places: tuple[int, ...]
    length: int
    shifts: tuple[int, ...]
    geometries: tuple[Geometry, ...]
    tilt: float


def plan_cuts(stack: Stack) -> Plan:
    """Lay sagittal slices through an evenly spaced stack of another plane.

    Raises:
        Unsuitable: the slices would be too coarse or too small, or the images are turned too far.
    """
    geometries = stack.geometries
    first = geometries[0]
    what = f"{first.plane} series of {len(geometries)} slice{'s' * (len(geometries) > 1)}"
    if stack.distance is None or len(geometries) < FEWEST_LINES:
        least = f"at least {FEWEST_LINES}"
        raise Unsuitable(f"{what}: too few to be cut in the sagittal plane ({least})")
    # a slice takes columns of the images where their rows run from side to side
    sideways = (abs(first.along_row[0]), abs(first.along_column[0]))
    frame_lines: Line = "columns" if sideways[0] >= sideways[1] else "rows"
    if max(sideways) < SIDEWAYS_COSINE:
        raise Unsuitable(f"{what}: turned too far for a cut in the sagittal plane")
    shape = stack.first.shape
    if frame_lines == "columns":
        count, length = shape[1], shape[0]
        across, across_mm = np.array(first.along_row), first.spacing[1]
        along, along_mm = np.array(first.along_column), first.spacing[0]
    else:
        count, length = shape
        across, across_mm = np.array(first.along_column), first.spacing[0]
        along, along_mm = np.array(first.along_row), first.spacing[1]
    if max(stack.distance, along_mm) > COARSEST_MM:
        coarse = f"{stack.distance:.2g} x {along_mm:.2g} mm"
        raise Unsuitable(f"{what}: its sagittal plane is too coarse ({coarse})")
    origins = np.array([g.origin for g in geometries])
    moved = origins - origins[0]
    if np.abs(moved @ across).max() > across_mm:
        raise Unsuitable(f"{what}: they lie shifted sideways against each other")
    exact = moved @ along / along_mm
    shifts = np.round(exact - exact.min()).astype(int)
    normal = np.cross(first.along_row, first.along_column)
    tilt = float(np.degrees(np.arctan2(abs(exact[-1]) * along_mm, abs(moved[-1] @ normal))))
    lines: Line = "rows" if abs(normal[2]) >= abs(along[2]) else "columns"
    step = max(1, round(PLANE_DISTANCE_MM / across_mm))
    places = tuple(range(step // 2, count, step))
    start = origins[0] + along * along_mm * exact.min()
    towards = normal * np.sign(moved[-1] @ normal)
    return Plan(
        lines=lines,
        frame_lines=frame_lines,
        places=places,
        length=length + int(shifts.max()),
        shifts=tuple(shifts.tolist()),
        geometries=tuple(
            Geometry(
                origin=vector(start + across * across_mm * place),
                along_row=vector(along if lines == "rows" else towards),
                along_column=vector(towards if lines == "rows" else along),
                spacing=(stack.distance, along_mm) if lines == "rows"
                else (along_mm, stack.distance),
                thickness=across_mm,
            )
            for place in places
        ),
        tilt=tilt,
    )  # fmt: skip


def head_first(stack: Stack) -> Stack:
    """The stack with its images from head to foot, or from front to back, as a slice shows them."""
    geometries = stack.geometries
    moved = np.subtract(geometries[-1].origin, geometries[0].origin)
    against = moved[2] > 0 if geometries[0].plane == "axial" else moved[1] < 0
    return replace(stack, headers=stack.headers[::-1]) if against else stack


def cut(
    stack: Stack, plan: Plan, images: Iterable[Decoded], warnings: list[Warning]
) -> StoredSlices:
    """Cut every slice in one pass over the images.

    Args:
        images: decoded, in the order of the stack; one that could not be decoded becomes a line
            of the lowest value.

    Raises:
        UnreadableInput: no image can be decoded.
    """
    store: PixelStore | None = None
    lost = 0
    reason: UnreadableInput | None = None
    for number, image in enumerate(images):
        if isinstance(image, UnreadableInput):
            lost, reason = lost + 1, image
            continue
        pixels = finite(stack.first.frame.path.name, image, warnings)
        if store is None:
            count = len(stack.headers)
            store = PixelStore(len(plan.places), count, plan.length, float(pixels.min()))
        first = plan.shifts[number]
        taken = pixels.T if plan.frame_lines == "columns" else pixels
        for plane, place in enumerate(plan.places):
            store.write_part(plane, number, first, taken[place])
    if store is None:
        raise reason or UnreadableInput("holds no image")
    if lost:
        warnings.append(
            Warning(
                "left-out",
                f"{lost} of {len(stack.headers)} images could not be decoded: dark lines",
            )
        )
    frames = tuple(header.frame for header in stack.headers)
    blank = [
        Slice(
            pixels=BLANK,
            index=index,
            geometry=geometry,
            spacing=geometry.spacing,
            path=frames[0].path,
            origin=Cut(frames, plan.lines, plan.frame_lines, place, plan.shifts, stack.first.shape),
            dark_bone=stack.first.dark_bone,
        )
        for index, (place, geometry) in enumerate(zip(plan.places, plan.geometries, strict=True))
    ]
    return StoredSlices(store, blank, transpose=plan.lines == "columns")
