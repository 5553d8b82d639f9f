"""Put the stations of a whole spine together: several stacks of sagittal images, one below another,
as one.

    stacks -> those of one spine, in order -> one grid -> every slice pasted from its stations

The planes of the stack with the most slices are kept; of the others the nearest slices are taken.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.readers.dicom_groups import IN_STATIONS, STATION_SHARE
from spinetk.readers.dicom_headers import CONTRASTS, Header
from spinetk.readers.dicom_stacks import Stack
from spinetk.readers.pixel_store import BLANK, PixelStore, StoredSlices
from spinetk.study import Geometry, Series, Slice, vector
from spinetk.warning import Warning

OUT_OF_PLANE = 0.5
"""Of the distance of slices: how far an image of one station may lie, anywhere, from the plane of
another's; turned within the plane it may be."""
LIKE = 1.6
"""Pixels of one station are at most so many times as large as another's."""
GAP_MM = 0.5
"""Stations that leave more than this between them are not put together: a body could be lost."""
SAME_TIME = 0.05
"""Echo and inversion times of one contrast differ by no more than this share."""
TIMES = tuple(map(CONTRASTS.index, ("EchoTime", "EffectiveEchoTime", "InversionTime")))
OF_STATIONS = tuple(map(CONTRASTS.index, ("StackID", "TemporalPositionIndex")))
"""What may differ between the stations of one contrast."""
NEAR = 0.75
"""Of the distance of slices: no slice of a station that is further away is taken for a place."""


def whole_spines(stacks: Sequence[Stack]) -> list[tuple[Stack, ...]]:
    """Stacks that show one spine in stations: of one study, patient, frame of reference, name and
    contrast, in parallel planes, each below the one before; from above."""
    named: dict[tuple[object, ...], list[Stack]] = defaultdict(list)
    for stack in stacks:
        first = stack.first
        name = first.description or first.series
        if first.frame_of_reference and not first.is_film and _is_sagittal(stack):
            key = (first.study, first.patient, first.person, first.frame_of_reference, name)
            named[*key, _words_of(first)].append(stack)
    found = []
    for group in (part for whole in named.values() for part in _by_times(whole)):
        ordered = sorted(group, key=lambda stack: -stack.geometries[0].origin[2])
        if len(ordered) > 1 and all(_follows(a, b) for a, b in itertools.pairwise(ordered)):
            found.append(tuple(ordered))
    return found


def put_together(key: str, stations: Sequence[Series]) -> Series:
    """The stations as one series on one grid. Where two overlap, one fades into the other.

    Args:
        stations: sagittal series with a place in one patient, at least one.
    """
    reference = max(stations, key=lambda series: len(series.slices))
    frame = _geometry(reference.slices[0])
    corner, shape = _canvas(frame, stations)
    store = PixelStore(len(reference.slices), *shape)
    blank: list[Slice] = []
    for index, item in enumerate(reference.slices):
        geometry = replace(frame, origin=vector(_onto_plane(corner, frame, _geometry(item))))
        parts = [near for one in stations if (near := _nearest(one, geometry)) is not None]
        store.write_part(index, 0, 0, _pasted(parts, geometry, shape))
        blank.append(
            Slice(
                BLANK,
                index,
                geometry,
                geometry.spacing,
                item.path,
                number=item.number,
                dark_bone=item.dark_bone,
            )
        )
    text = (
        f"{len(stations)} stations put together: values between pixels are interpolated; "
        "DICOM files are written of the single stations"
    )
    warnings = (w for series in stations for w in series.warnings if IN_STATIONS not in w.text)
    return replace(
        reference,
        key=key,
        source="volume",
        slices=StoredSlices(store, blank),
        warnings=tuple(dict.fromkeys((Warning("put-together", text), *warnings))),
    )


def _is_sagittal(stack: Stack) -> bool:
    return bool(stack.geometries) and stack.geometries[0].plane == "sagittal"


def _words_of(header: Header) -> tuple[object, ...]:
    """What must be the same in all stations: all but times, and what tells the stations apart."""
    other = (*TIMES, *OF_STATIONS)
    return tuple(value for k, value in enumerate(header.kind) if k not in other)


def _by_times(stacks: Sequence[Stack]) -> list[list[Stack]]:
    """Stacks by their echo and inversion times, which may differ a little between stations."""
    groups: list[list[Stack]] = []
    for stack in stacks:
        for group in groups:
            if _same_times(group[0].first, stack.first):
                group.append(stack)
                break
        else:
            groups.append([stack])
    return groups


def _same_times(one: Header, other: Header) -> bool:
    for place in TIMES:
        a, b = one.kind[place], other.kind[place]
        both = isinstance(a, float) and isinstance(b, float)
        if (abs(a - b) > SAME_TIME * max(abs(a), abs(b))) if both else a != b:
            return False
    return True


def _follows(upper: Stack, lower: Stack) -> bool:
    """Whether a stack shows what lies below another, side by side with it, in the same planes."""
    a, b = upper.geometries[0], lower.geometries[0]
    away = _corners(b, lower.first.shape) @ a.normal
    distance = max(stack.distance or stack.geometries[0].thickness for stack in (upper, lower))
    if float(a.normal @ b.normal) < 0 or float(np.ptp(away)) / 2 > OUT_OF_PLANE * distance:
        return False
    spacings = np.array([a.spacing, b.spacing])
    if (spacings.max(axis=0) > LIKE * spacings.min(axis=0)).any():
        return False
    down = np.asarray(a.along_column)
    if down[2] > 0:
        down = -down
    apart = float((_middles(lower) - _middles(upper)[:1])[0] @ down)
    heights = [s.geometries[0].spacing[0] * s.first.shape[0] for s in (upper, lower)]
    across = [_middles(stack) @ a.normal for stack in (upper, lower)]
    beside = min(part.max() for part in across) >= max(part.min() for part in across)
    gap = apart - sum(heights) / 2
    return bool(beside and apart > STATION_SHARE * min(heights) and gap <= GAP_MM)


def _middles(stack: Stack) -> NDArray[np.float64]:
    """LPS mm of the middle of every image, float [N, 3]."""
    images = zip(stack.geometries, stack.headers, strict=True)
    return np.array([_corners(g, h.shape).mean(axis=0) for g, h in images])


def _corners(geometry: Geometry, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """LPS mm of the centres of the pixels in the corners, float [4, 3]."""
    columns, rows = shape[1] - 1, shape[0] - 1
    pixels = np.array([[0, 0, 0, 1], [columns, 0, 0, 1], [0, rows, 0, 1], [columns, rows, 0, 1]])
    places: NDArray[np.float64] = (pixels @ geometry.affine.T)[:, :3]
    return places


def _geometry(item: Slice) -> Geometry:
    assert item.geometry is not None  # a station has a place
    return item.geometry


def _in_plane(frame: Geometry) -> NDArray[np.float64]:
    """float [2, 3], from LPS mm to columns and rows of a frame, but for its origin."""
    steps = np.array([frame.along_row, frame.along_column])
    inverse: NDArray[np.float64] = steps / np.array([[frame.spacing[1]], [frame.spacing[0]]])
    return inverse


def _canvas(
    frame: Geometry, stations: Sequence[Series]
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """LPS mm of the first pixel of the grid that holds all stations, and its (rows, columns); whole
    pixels away from the frame's own, so that its values are kept."""
    corners = np.concatenate(
        [_corners(_geometry(item), item.pixels.shape) for one in stations for item in one.slices]
    )
    pixels = (corners - np.asarray(frame.origin)) @ _in_plane(frame).T
    low, high = np.floor(pixels.min(axis=0) + 1e-3), np.ceil(pixels.max(axis=0) - 1e-3)
    corner = np.asarray(frame.origin)
    corner = corner + low[0] * frame.spacing[1] * np.asarray(frame.along_row)
    corner = corner + low[1] * frame.spacing[0] * np.asarray(frame.along_column)
    columns, rows = (high - low).astype(int) + 1
    return corner, (int(rows), int(columns))


def _onto_plane(
    corner: NDArray[np.float64], frame: Geometry, item: Geometry
) -> NDArray[np.float64]:
    """The grid's corner in the plane of a slice."""
    away = np.subtract(item.origin, corner) @ frame.normal
    moved: NDArray[np.float64] = corner + away * frame.normal
    return moved


def _nearest(series: Series, geometry: Geometry) -> Slice | None:
    """The slice of a station that lies nearest to a plane, if it lies near."""
    blank = series.slices.blank if isinstance(series.slices, StoredSlices) else series.slices
    shape = series.slices[0].pixels.shape
    middles = [_corners(_geometry(item), shape).mean(axis=0) for item in blank]
    away = [abs((middle - geometry.origin) @ geometry.normal) for middle in middles]
    nearest = int(np.argmin(away))
    far = NEAR * max(geometry.thickness, _geometry(blank[nearest]).thickness)
    return series.slices[nearest] if away[nearest] <= far else None


def _pasted(
    parts: Sequence[Slice], geometry: Geometry, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """float32 [rows, columns] of a grid: each station weighs by how far its edge is; where there is
    none, what looks dark."""
    total, weights = (np.zeros(shape, dtype=np.float32) for _ in range(2))
    for part in parts:
        own = _geometry(part)
        to_grid = _in_plane(geometry)
        matrix = np.empty((2, 3))
        matrix[:, 0] = to_grid @ np.asarray(own.along_row) * own.spacing[1]
        matrix[:, 1] = to_grid @ np.asarray(own.along_column) * own.spacing[0]
        matrix[:, 2] = to_grid @ np.subtract(own.origin, geometry.origin)
        rows = len(part.pixels)
        edge = np.minimum(np.arange(rows), np.arange(rows)[::-1]).astype(np.float32) + 1
        weight = np.repeat(edge[:, None], part.pixels.shape[1], axis=1)
        moved = [
            cv2.warpAffine(a, matrix, shape[::-1], flags=cv2.INTER_LINEAR)
            for a in (part.pixels * weight, weight)
        ]
        total += moved[0]
        weights += moved[1]
    seen = weights > 0.5
    dark = max if any(part.dark_bone for part in parts) else min
    ends = [float(dark(part.pixels.min(), part.pixels.max())) for part in parts]
    values = np.full(shape, dark(ends, default=0.0), dtype=np.float32)
    values[seen] = total[seen] / weights[seen]
    return values
