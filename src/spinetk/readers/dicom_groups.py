"""Divide what one DICOM series holds: by size and orientation, station along the body, contrast."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from spinetk.readers.dicom_headers import CONTRASTS, Header
from spinetk.warning import Warning

ORIENTATION_TOLERANCE = 0.02
"""Images belong to one stack while no direction cosine differs by more (about one degree)."""


def alike(headers: Iterable[Header]) -> list[list[Header]]:
    """Groups of one size (in pixels and mm) and orientation; films and runs by file."""
    groups: list[list[Header]] = []
    for header in headers:
        for members in groups:
            first = members[0]
            same_file = not header.is_film or first.kind == header.kind
            same_size = first.shape == header.shape and _same_spacing(first, header)
            if same_size and same_file and _same_orientation(first, header):
                members.append(header)
                break
        else:
            groups.append([header])
    return groups


IN_STATIONS = "stations along the body"
STATION_SHARE = 0.5
"""Images moved in their plane by more than this share of their size, with none in between, show
another part of the body."""


def stations(group: Sequence[Header]) -> list[tuple[list[Header], list[Warning]]]:
    """The parts of the body that a group shows, as whole-spine studies are taken, with what is said
    of it. Images of a tilted gantry move little by little and stay together."""
    parts = [list(group)]
    for axis in (0, 1):  # along the columns, along the rows
        parts = [part for whole in parts for part in _parted(whole, axis)]
    if len(parts) == 1:
        return [(parts[0], [])]
    text = f"{len(parts)} {IN_STATIONS} in one series: taken as {len(parts)} series"
    return [(part, [Warning("split", text)]) for part in parts]


def _parted(group: Sequence[Header], axis: int) -> list[list[Header]]:
    """Parts between which images jump along one of their axes."""
    first = group[0].geometry
    if first is None or len(group) < 2:
        return [list(group)]
    along = np.array((first.along_column, first.along_row)[axis])
    extent = group[0].shape[axis] * first.spacing[axis]
    place = np.array([np.dot(h.geometry.origin, along) for h in group if h.geometry is not None])
    order = np.argsort(place, kind="stable")
    jumps = np.flatnonzero(np.diff(place[order]) > STATION_SHARE * extent)
    return [[group[i] for i in sorted(part)] for part in np.split(order, jumps + 1)]


SPACING_TOLERANCE = 0.01
"""Images belong to one stack while their spacings differ by no more than this share."""


def _same_spacing(a: Header, b: Header) -> bool:
    if a.geometry is None or b.geometry is None:
        return True
    first, second = (np.array(header.geometry.spacing) for header in (a, b) if header.geometry)
    return bool((np.abs(first / second - 1) <= SPACING_TOLERANCE).all())


def _same_orientation(a: Header, b: Header) -> bool:
    if a.geometry is None or b.geometry is None:
        return a.geometry is b.geometry
    turned = [np.array([g.along_row, g.along_column]) for g in (a.geometry, b.geometry)]
    return bool(np.abs(turned[0] - turned[1]).max() <= ORIENTATION_TOLERANCE)


def by_kind(group: Sequence[Header], attributes: Iterable[int]) -> list[list[Header]]:
    """Groups that agree in some of `CONTRASTS`."""
    chosen = tuple(attributes)
    parts: dict[tuple[object, ...], list[Header]] = {}
    for header in group:
        parts.setdefault(tuple(header.kind[i] for i in chosen), []).append(header)
    return list(parts.values())


def by_contrast(places: Sequence[Sequence[Header]]) -> list[list[Header]]:
    """Groups by those attributes that tell the images at one place apart and have no more values
    than there are such images: an echo time that is measured anew for every slice, or that differs
    between neighbours, tells no echo from another."""
    full = [place for place in places if len(place) > 1]

    def tells(i: int) -> bool:
        parted = sum(len({header.kind[i] for header in place}) > 1 for place in full)
        values = {header.kind[i] for place in places for header in place}
        return 2 * parted > len(full) and len(values) <= max(map(len, places))

    group = [header for place in places for header in place]
    return by_kind(group, filter(tells, range(len(CONTRASTS))))


WORDS = {"EchoTime": "echo time", "EffectiveEchoTime": "echo time", "EchoNumbers": "echo",
         "InversionTime": "inversion time", "DiffusionBValue": "b value",
         "TemporalPositionIdentifier": "time point", "TemporalPositionIndex": "time point",
         "ComplexImageComponent": "", "ConvolutionKernel": "kernel",
         "StackID": "stack"}  # fmt: skip
"""What of `CONTRASTS` is called."""


def what_differs(contrasts: Sequence[Sequence[Header]]) -> list[str]:
    """Of each contrast, what tells it from the others, by its first image: "echo time 80"."""
    kinds = [contrast[0].kind for contrast in contrasts]
    types = [set(map(str, kind[0])) for kind in kinds]
    common = set.intersection(*types)
    said: list[str] = []
    for kind in kinds:
        parts = [" ".join(word for word in map(str, kind[0]) if word not in common)]
        for name, value, *others in zip(
            CONTRASTS[1:], kind[1:], *(k[1:] for k in kinds), strict=True
        ):
            if value is not None and any(other != value for other in others):
                shown = f"{value:g}" if isinstance(value, float) else str(value)
                parts.append(f"{WORDS[name]} {shown}".strip())
        said.append(", ".join(dict.fromkeys(filter(None, parts))) or "not told by its header")
    return said


def by_rank(places: Sequence[Sequence[Header]]) -> list[list[Header]]:
    """The images of each place in the order of what tells them apart everywhere (echo times that
    are measured anew for every slice); as they are where nothing does."""
    for i in range(len(CONTRASTS)):
        values = [[header.kind[i] for header in place] for place in places]
        numbers = all(isinstance(value, float) for place in values for value in place)
        if numbers and all(len(set(place)) == len(place) for place in values):
            return [sorted(place, key=lambda header: header.kind[i]) for place in places]
    return [list(place) for place in places]
