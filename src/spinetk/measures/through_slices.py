"""Measurements beyond the selected slice: each structure on the slice that shows it best, or the
mean and spread of what the slices around the middle give.

Where the spine is bent sideways no single slice shows all bodies in their middle (the limit that
Suri et al. name, section 4); and a single slice says nothing of how much its figures depend on the
choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import mean, stdev

import numpy as np

from spinetk.anatomy import cut_by_border
from spinetk.boxes import mask_box, mask_centre
from spinetk.measures.table import Row, measurements
from spinetk.orientation import upright
from spinetk.rle import decode_rle
from spinetk.solids import OutlinedSlice, Solid, solids
from spinetk.structures import BODY_KIND, LEVELS
from spinetk.study import Segmentation

FULL = 0.9
"""Slices on which a structure has so much of its largest area show it whole; the middle one of them
shows it best."""
IDENTITY = ("kind", "level", "order")
NO_MEASURES = ("label", "score", "quality", "quality_low", "level_confidence", "slice_index",
               "shape_fit", "centroid_x_px", "centroid_y_px", "spacing_row_mm", "spacing_column_mm",
               "genant_grade")  # fmt: skip
"""Numbers in the table of which a mean says nothing."""


def on_best_slices(result: Segmentation, outlined: Sequence[OutlinedSlice]) -> list[Row]:
    """A row for each structure, measured on the slice that shows it best.

    Bodies that the selected slice does not show are named by their place among those that it does.

    Args:
        result: of the selected slice.
        outlined: slices of its series in order, that slice among them.

    Returns:
        Rows as `table.measurements` gives them: the structures of the selected slice, then others.
    """
    parts = _named(result, solids(outlined, result.slice_index)[1])
    best = [_best_slice(solid) for solid in parts]
    rows = _rows(result, parts, sorted(set(best)))
    return [rows[index][place] for place, index in enumerate(best)]


def over_slices(result: Segmentation, outlined: Sequence[OutlinedSlice]) -> list[Row]:
    """Mean and standard deviation of every measure of every structure of the selected slice over
    the slices that show it whole; nothing of what fewer than two slices give.

    Args:
        result: of the selected slice.
        outlined: that slice and those around it, in order.
    """
    parts = _named(result, solids(outlined, result.slice_index)[1])[: len(result.instances)]
    rows = _rows(result, parts, [one.index for one in outlined])
    out: list[Row] = []
    for place, solid in enumerate(parts):
        own = [of_slice[place] for of_slice in rows.values() if place in of_slice]
        whole = [row for row in own if not row["truncated"]]
        for measure in (whole or own)[0]:
            values = [row[measure] for row in whole]
            numbers = [float(v) for v in values if isinstance(v, float | int) and v is not True]
            if measure in (*IDENTITY, *NO_MEASURES) or measure.startswith("spread_"):
                continue
            if len(numbers) < 2:
                continue
            if any(isinstance(v, bool) for v in values):
                continue
            out.append(
                {
                    "kind": solid.instance.kind,
                    "level": solid.instance.level,
                    "order": solid.instance.order,
                    "measure": measure,
                    "slices": len(numbers),
                    "mean": mean(numbers),
                    "sd": stdev(numbers),
                }
            )
    return out


def _rows(
    result: Segmentation, parts: Sequence[Solid], indices: Sequence[int]
) -> dict[int, dict[int, Row]]:
    """By slice, then by place of the structure: its row as if that slice had been selected."""
    out: dict[int, dict[int, Row]] = {}
    for index in indices:
        shown = {p: dict(solid.pieces)[index] for p, solid in enumerate(parts)
                 if index in dict(solid.pieces)}  # fmt: skip
        instances = []
        for place, code in shown.items():
            mask = decode_rle(code)
            instance = replace(parts[place].instance, mask=mask, box=mask_box(mask))
            instances.append(replace(instance, truncated=cut_by_border(mask)))
        alone = replace(result, slice_index=index, instances=tuple(instances))
        out[index] = dict(zip(shown, measurements(alone), strict=True))
    return out


def _best_slice(solid: Solid) -> int:
    areas = [(index, int(np.count_nonzero(decode_rle(code)))) for index, code in solid.pieces]
    most = max(area for _, area in areas)
    whole = [index for index, area in areas if area >= FULL * most]
    return whole[(len(whole) - 1) // 2]


def _named(result: Segmentation, parts: Sequence[Solid]) -> list[Solid]:
    """The solids, those of the selected slice as the result has them, and other bodies (order 0)
    named by their place among them."""
    known = len(result.instances)
    out = [replace(solid, instance=instance)
           for solid, instance in zip(parts, result.instances, strict=False)]  # fmt: skip
    turn = upright(result.slice).turn
    heights = [-mask_centre(turn.apply(solid.instance.mask))[1] for solid in parts]
    bodies = [p for p, solid in enumerate(parts) if solid.instance.kind == BODY_KIND]
    bodies.sort(key=lambda place: heights[place])
    orders = {place: order for order, place in enumerate(bodies, start=1)}
    levels = {orders[p]: out[p].instance.level for p in bodies if p < known}
    offsets = {LEVELS.index(level) + order for order, level in levels.items() if level in LEVELS}
    for place, solid in enumerate(parts[known:], start=known):
        level = None
        if place in orders and len(offsets) == 1:
            rank = min(offsets) - orders[place]
            level = LEVELS[rank] if 0 <= rank < len(LEVELS) else None
        out.append(replace(solid, instance=replace(solid.instance, order=0, level=level)))
    return out
