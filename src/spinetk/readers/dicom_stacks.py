"""Put stored images together to stacks: of one contrast and orientation, in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers.dicom_groups import (
    alike,
    by_contrast,
    by_kind,
    by_rank,
    stations,
    what_differs,
)
from spinetk.readers.dicom_headers import CONTRASTS, Header
from spinetk.study import Geometry
from spinetk.warning import Warning

POSITION_TOLERANCE = 0.01
"""Images nearer than this along the normal, in mm, are at the same place."""
UNEVEN = 0.1
"""Distances that differ by more than this share are uneven."""


SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
"""How the UIDs of the Secondary Capture SOP classes begin (PS3.4 B.5)."""


@dataclass(frozen=True)
class Stack:
    """Images that belong together.

    Attributes:
        headers: in order along the normal; a film is a stack of its own.
        distance: of neighbours along the normal in mm, their median; None for one image or a film.
        even: whether all distances are the same.
        warnings: what was left out, missing or split.
    """

    headers: tuple[Header, ...]
    distance: float | None = None
    even: bool = True
    warnings: tuple[Warning, ...] = ()

    @property
    def first(self) -> Header:
        """The image that speaks for all."""
        return self.headers[0]

    @property
    def geometries(self) -> list[Geometry]:
        """Of every image; empty for a film."""
        return [h.geometry for h in self.headers if h.geometry is not None]


def stacks(headers: Iterable[Header]) -> list[Stack]:
    """Divide a series where size or orientation changes (localizers), where it was taken in
    stations along the body, and where places repeat (several echoes, water and fat, magnitude and
    phase); and put each part in order.

    Raises:
        UnreadableInput: no image of a part says where it lies.
    """
    images = _without_copies(headers)
    named = {(h.frame.uid, h.frame.number) for h in images if h.frame.uid}
    films = [h for h in images if h.is_film]
    placed = [h for h in images if h.geometry is not None]
    lost = len(images) - len(films) - len(placed)
    if lost and not placed and all(h.sop_class.startswith(SECONDARY_CAPTURE) for h in images):
        raise Unsuitable("secondary captures (screen shots, reports) have no place in the patient")
    if lost and not placed:
        raise UnreadableInput(next(h.unplaced for h in images if h.geometry is None))
    out = [Stack(tuple(group)) for group in alike(films)]
    for group in alike(placed):
        for station, said in stations(group):
            out += [replace(s, warnings=(*said, *s.warnings)) for s in _in_order(station)]
    repaired = dict.fromkeys(warning for header in images for warning in header.warnings)
    out = [replace(stack, warnings=(*repaired, *stack.warnings)) for stack in out]
    if lost:
        told = Warning(
            "left-out",
            f"{lost} of {len(images)} slices have no orientation, position or spacing: left out "
            f"({next(h.unplaced for h in images if h.geometry is None and not h.is_film)})",
        )
        out = [replace(stack, warnings=(told, *stack.warnings)) for stack in out]
    if len(named) < sum(bool(h.frame.uid) for h in images):
        told = Warning(
            "same-uid",
            "different images have the same SOPInstanceUID: references to them are not unique",
        )
        out = [replace(stack, warnings=(told, *stack.warnings)) for stack in out]
    return out


def even_parts(stack: Stack) -> list[Stack]:
    """The parts of a stack with the same distance everywhere: what can be cut in another plane."""
    if stack.even:
        return [stack]
    depth = _depths(stack.headers)
    parts: list[list[Header]] = [[stack.headers[0]]]
    step: float | None = None
    for header, distance in zip(stack.headers[1:], np.diff(depth), strict=True):
        if step is not None and abs(distance - step) > UNEVEN * step:
            parts.append([header])
            step = None
        else:
            parts[-1].append(header)
            step = float(distance) if step is None else step
    told = Warning("split", f"uneven slice distance: taken as {len(parts)} parts of even distance")
    return [
        Stack(
            tuple(part),
            float(np.median(np.diff(_depths(part)))) if len(part) > 1 else None,
            warnings=(*stack.warnings, told),
        )
        for part in parts
    ]


def _without_copies(headers: Iterable[Header]) -> list[Header]:
    """Each image once, whatever number of files hold it: the largest, for a copy may be cut. Images
    of one UID at other places or with other numbers are no copies: some de-identification gives
    all the same."""
    seen: dict[tuple[object, ...], Header] = {}
    for header in headers:
        frame = header.frame
        unnamed = "" if frame.uid else str(frame.path)
        place = header.geometry.origin if header.geometry else None
        key = (frame.uid, frame.number, unnamed, place, header.instance_number)
        known = seen.setdefault(key, header)
        paths = (known.frame.path, frame.path)
        if paths[0] != paths[1] and paths[0].stat().st_size < paths[1].stat().st_size:
            seen[key] = header
    return list(seen.values())


def _in_order(group: Sequence[Header]) -> list[Stack]:
    """Sort along the normal (PS3.3 C.7.6.2.1.1). Where several images lie at one place they are
    parted by what differs; what differs from slice to slice parts nothing."""
    places = _places(group)
    most = max(map(len, places))
    if most == 1:
        whole = _stack([place[0] for place in places], [])
        kinds = by_kind(group, range(len(CONTRASTS)))
        parts = [_stack([p[0] for p in _places(kind)], []) for kind in kinds]
        # of stacks that lie beside each other's places, each by itself is evenly spaced
        several = len(parts) > 1 and all(len(p.headers) > 2 and p.even for p in parts)
        return parts if several and (not whole.even or _two_contrasts(parts)) else [whole]
    if len(contrasts := by_contrast(places)) > 1:
        return [
            replace(stack, warnings=(told, *stack.warnings))
            for contrast, own in zip(contrasts, what_differs(contrasts), strict=True)
            for told in [
                Warning(
                    "split",
                    f"{len(contrasts)} contrasts in one series: taken as as many series; "
                    f"this one is {own}",
                )
            ]
            for stack in _in_order(contrast)
        ]
    if len(set(map(len, places))) == 1 and len(places) > 1:
        told = Warning("split", f"{most} images at every place: taken as {most} series")
        ranked = by_rank(places)
        return [_stack([place[i] for place in ranked], [told]) for i in range(most)]
    if acquisitions := _by_acquisition(group, most):
        told = Warning(
            "split",
            f"{len(acquisitions)} acquisitions at the same places: taken as as many series",
        )
        return [
            replace(s, warnings=(told, *s.warnings)) for a in acquisitions for s in _in_order(a)
        ]
    more = len(group) - len(places)
    told = Warning("left-out", f"{more} slices at a place already taken: left out")
    return [_stack([place[0] for place in places], [told])]


OTHER_ECHO = 1.5
"""Echo or inversion times that differ by more than this factor make another contrast."""


def _two_contrasts(parts: Sequence[Stack]) -> bool:
    """Whether two stacks, one between the other's places, are of different contrasts."""
    if len(parts) != 2:
        return False
    for name in ("EchoTime", "EffectiveEchoTime", "InversionTime"):
        a, b = (stack.first.kind[CONTRASTS.index(name)] for stack in parts)
        told = isinstance(a, float) and isinstance(b, float) and min(a, b) > 0
        if told and max(a, b) / min(a, b) > OTHER_ECHO:
            return True
    return False


def _places(group: Sequence[Header]) -> list[list[Header]]:
    """The images at each place along the normal, in order."""
    placed = sorted(group, key=lambda h: (h.instance_number or 0, str(h.frame.path)))
    depth = _depths(placed)
    order = np.argsort(depth, kind="stable")
    steps = np.diff(depth[order])
    ends = np.flatnonzero(steps > POSITION_TOLERANCE) + 1
    return [[placed[i] for i in part] for part in np.split(order, ends)]


def _by_acquisition(headers: Sequence[Header], most: int) -> list[list[Header]]:
    """The acquisitions of a group with up to `most` images at a place, none twice at one place in
    any of them; empty where AcquisitionNumber does not part them so."""
    parts: dict[int | None, list[Header]] = {}
    for header in headers:
        parts.setdefault(header.acquisition, []).append(header)
    if not 1 < len(parts) <= most:
        return []
    for part in parts.values():
        steps = np.diff(np.sort(_depths(part)))
        if (steps <= POSITION_TOLERANCE).any():
            return []
    return list(parts.values())


def _stack(headers: list[Header], warnings: list[Warning]) -> Stack:
    steps = np.diff(_depths(headers))
    even = not len(steps) or float(np.ptp(steps)) <= UNEVEN * float(np.median(steps))
    if not even:
        warnings = [
            *warnings,
            Warning(
                "uneven",
                f"uneven slice distance ({steps.min():.2f} to {steps.max():.2f} mm): "
                "slices may be missing",
            ),
        ]
    distance = float(np.median(steps)) if len(steps) else None
    return Stack(tuple(headers), distance, even, tuple(warnings))


def _depths(headers: Sequence[Header]) -> NDArray[np.float64]:
    """Place of each image along the normal of the first, in mm."""
    geometries = [header.geometry for header in headers if header.geometry is not None]
    return np.array([np.dot(g.origin, geometries[0].normal) for g in geometries])
