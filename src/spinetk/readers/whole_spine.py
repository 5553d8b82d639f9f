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

from spinetk.readers.dicom_groups import STATION_SHARE
from spinetk.readers.dicom_headers import Header
from spinetk.readers.dicom_stacks import Stack
from spinetk.readers.pixel_store import BLANK, PixelStore, StoredSlices
from spinetk.study import Geometry, Series, Slice, vector
from spinetk.warning import Warning

PARALLEL = 0.998
"""Least cosine between the normals of two stations (3.6 degrees)."""
GAP_MM = 10.0
"""Stations that leave more than this between them are not put together."""
SAME_TIME = 0.05
"""Echo and inversion times of one contrast differ by no more than this share."""
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
    for group in named.values():
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
        blank.append(Slice(BLANK, index, geometry, geometry.spacing, item.path, number=item.number))
    text = (
        f"{len(stations)} stations put together: values between pixels are interpolated; "
        "DICOM files are written of the single stations"
    )
    warnings = (w for series in stations for w in series.warnings if w.code != "split")
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
    """What of the contrast is said in words: times may differ a little."""
    return tuple(value for value in header.kind if not isinstance(value, float))


def _same_times(one: Header, other: Header) -> bool:
    times = [
        (a, b)
        for a, b in zip(one.kind, other.kind, strict=True)
        if isinstance(a, float) and isinstance(b, float)
    ]
    return all(abs(a - b) <= SAME_TIME * max(abs(a), abs(b)) for a, b in times)


def _follows(upper: Stack, lower: Stack) -> bool:
    """Whether a stack shows what lies below another, side by side with it."""
    a, b = upper.geometries[0], lower.geometries[0]
    if not _same_times(upper.first, lower.first) or float(a.normal @ b.normal) < PARALLEL:
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
    away = [abs(np.subtract(_geometry(s).origin, geometry.origin) @ geometry.normal) for s in blank]
    nearest = int(np.argmin(away))
    far = NEAR * max(geometry.thickness, _geometry(blank[nearest]).thickness)
    return series.slices[nearest] if away[nearest] <= far else None


def _pasted(
    parts: Sequence[Slice], geometry: Geometry, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """float32 [rows, columns] of a grid: each station weighs by how far its edge is; where there is
    none, the least of all values."""
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
    least = min((float(part.pixels.min()) for part in parts), default=0.0)
    values = np.full(shape, least, dtype=np.float32)
    values[seen] = total[seen] / weights[seen]
    return values
