"""Measurements beyond the selected slice: each structure on the slice that shows it best, or the
mean and spread of what the slices around the middle give.

Where the spine is bent sideways no single slice shows all bodies in their middle (the limit that
Suri et al. name, section 4); and a single slice says nothing of how much its figures depend on the
choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean, stdev

import numpy as np

from spinetk.anatomy import cut_by_border, order_and_name
from spinetk.boxes import mask_box, mask_centre
from spinetk.measures.table import Row, measurements
from spinetk.orientation import upright
from spinetk.rle import decode_rle
from spinetk.solids import OutlinedSlice, Solid, solids
from spinetk.structures import BODY_KIND, label_numbers
from spinetk.study import UNSURE_SCORE, Instance, Segmentation

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

    Bodies that the selected slice does not show follow, with order 0 and without a label: they are
    not in the mask. They are named by their place among those that it does show, as far as no body
    is missing between.

    Args:
        result: of the selected slice.
        outlined: slices of its series in order, that slice among them.

    Returns:
        Rows as `table.measurements` gives them: the structures of the selected slice, then others.
    """
    parts = _through(result, outlined)
    best = [_whole_on(part.solid)[0] for part in parts]
    rows = _rows(result, parts, sorted(set(best)))
    return [_as_listed(parts[place], rows[index][place]) for place, index in enumerate(best)]


def over_slices(result: Segmentation, outlined: Sequence[OutlinedSlice]) -> list[Row]:
    """Mean and standard deviation of every measure of every structure of the selected slice over
    the slices that show it whole; nothing of what fewer than two slices give.

    Args:
        result: of the selected slice.
        outlined: that slice and those around it, in order.
    """
    parts = [part for part in _through(result, outlined) if part.listed]
    rows = _rows(result, parts, [one.index for one in outlined])
    out: list[Row] = []
    for place, part in enumerate(parts):
        whole = set(_whole_on(part.solid))
        own = [rows[index][place] for index in whole & rows.keys() if place in rows[index]]
        own = [row for row in own if not row["truncated"]]
        for measure in own[0] if own else ():
            if measure in (*IDENTITY, *NO_MEASURES) or measure.startswith("spread_"):
                continue
            values = [row[measure] for row in own]
            numbers = [
                float(v) for v in values if isinstance(v, float | int) and not isinstance(v, bool)
            ]
            if len(numbers) < 2:
                continue
            out.append(
                {
                    "kind": part.solid.instance.kind,
                    "level": part.solid.instance.level,
                    "order": part.listed,
                    "measure": measure,
                    "slices": len(numbers),
                    "mean": mean(numbers),
                    "sd": stdev(numbers),
                }
            )
    return out


@dataclass(frozen=True)
class _Part:
    """A structure through the slices.

    Attributes:
        solid: its instance has the level, and the order among all structures of its kind.
        listed: its order in the result, 0 where the selected slice does not show it.
        label: in mask.nii.gz, None likewise.
    """

    solid: Solid
    listed: int
    label: int | None


def _through(result: Segmentation, outlined: Sequence[OutlinedSlice]) -> list[_Part]:
    """The structures, those of the selected slice first and as the result has them; bodies ordered
    and named among all."""
    found = solids(outlined, result.slice_index)[1]
    known, extra = found[: len(result.instances)], found[len(result.instances) :]
    view = upright(result.slice)
    turn = view.turn
    boxes = [mask_box(turn.apply(i.mask)) for i in result.instances if i.kind == BODY_KIND]
    new = []
    for solid in extra:
        middle = mask_centre(turn.apply(solid.instance.mask))[1]
        # at the height of a known body lies another piece of it
        if solid.instance.kind == BODY_KIND and not any(b[1] <= middle < b[3] for b in boxes):
            new.append(solid)
    instances = [*result.instances, *(solid.instance for solid in new)]
    placed = [replace(i, mask=turn.apply(i.mask)) for i in instances]
    ordered = _ordered(placed, len(result.instances), view.spacing)
    labels = label_numbers(result.instances)
    return [
        _Part(
            replace(solid, instance=replace(instances[k], order=order, level=level)),
            instances[k].order if k < len(known) else 0,
            labels[k] if k < len(known) else None,
        )
        for k, (solid, (order, level)) in enumerate(zip((*known, *new), ordered, strict=True))
    ]


def _ordered(
    placed: Sequence[Instance], known: int, spacing: tuple[float, float] | None
) -> list[tuple[int, str | None]]:
    """Order and level of upright instances among all of them; the first `known` keep their levels,
    the others get theirs from these, as far as no body is missing between."""
    bodies = [k for k, item in enumerate(placed) if item.kind == BODY_KIND]
    bodies.sort(key=lambda k: -mask_centre(placed[k].mask)[1])
    orders = {k: order for order, k in enumerate(bodies, start=1)}
    anchor = next(
        ((str(placed[k].level), orders[k]) for k in bodies if k < known and placed[k].level), None
    )
    names: dict[int, str | None] = {}
    if anchor is not None and len(bodies) > _bodies(placed, known):
        again, _ = order_and_name([placed[k] for k in bodies], anchor, spacing=spacing)
        names = {orders_to: item.level for orders_to, item in enumerate(again, start=1)}
        told = [k for k in bodies if k < known]
        if any(placed[k].level not in (None, names.get(orders[k])) for k in told):
            names = {}  # the result knows better
    return [
        (
            orders.get(k, item.order),
            item.level if k < known else names.get(orders.get(k, 0)),
        )
        for k, item in enumerate(placed)
    ]


def _bodies(placed: Sequence[Instance], known: int) -> int:
    """How many of the first `known` are bodies."""
    return sum(item.kind == BODY_KIND for item in placed[:known])


def _rows(
    result: Segmentation, parts: Sequence[_Part], indices: Sequence[int]
) -> dict[int, dict[int, Row]]:
    """By slice, then by place of the structure: its row as if that slice had been selected."""
    out: dict[int, dict[int, Row]] = {}
    for index in indices:
        instances: dict[int, Instance] = {}
        for place, part in enumerate(parts):
            for (at, code), own in zip(part.solid.pieces, part.solid.outlines, strict=True):
                if at == index:
                    mask = decode_rle(code)
                    instances[place] = replace(
                        own, mask=mask, box=mask_box(mask), truncated=cut_by_border(mask),
                        order=part.solid.instance.order, level=part.solid.instance.level,
                    )  # fmt: skip
        shown = sorted(
            instances, key=lambda p: (instances[p].kind != BODY_KIND, instances[p].order)
        )
        alone = replace(
            result, slice_index=index, instances=tuple(instances[place] for place in shown)
        )
        out[index] = dict(zip(shown, measurements(alone), strict=True))
    return out


def _as_listed(part: _Part, row: Row) -> Row:
    return row | {"order": part.listed, "label": part.label}


def _whole_on(solid: Solid) -> list[int]:
    """The slices that show a structure whole, the best first: the middle one. Outlines that the
    network doubts show nothing, unless it doubts all."""
    sound = [
        piece
        for piece, own in zip(solid.pieces, solid.outlines, strict=True)
        if not own.poor and not 0 < own.score < UNSURE_SCORE
    ]
    areas = [(k, int(np.count_nonzero(decode_rle(code)))) for k, code in sound or solid.pieces]
    most = max(area for _, area in areas)
    whole = [index for index, area in areas if area >= FULL * most]
    middle = whole[(len(whole) - 1) // 2]
    return [middle, *(index for index in whole if index != middle)]
