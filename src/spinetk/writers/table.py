"""One row of measurements for each instance, as CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from spinetk.anatomy import column_directions
from spinetk.boxes import mask_centre
from spinetk.morphometry import measure
from spinetk.orientation import upright_turn
from spinetk.radiomics import first_order
from spinetk.study import Segmentation
from spinetk.writers.labels import label_numbers

Row = dict[str, str | int | float | bool | None]
HEIGHTS = ("height_anterior", "height_middle", "height_posterior", "width")


def measurements(result: Segmentation) -> list[Row]:
    """Everything that is measured, one row an instance, in the order of `result.instances`.

    Columns ending in `_px` are in pixels of the upright slice, `_mm` and `_mm2` in mm and empty
    where the spacing is not known. The centroid is on the source's own grid. Rows of cut-off
    instances are filled, too: `truncated` says that their sizes are those of the visible part.
    """
    one = result.slice
    turn = upright_turn(one.directions)
    spacing = one.spacing
    upright = turn.spacing(spacing)
    masks = [turn.apply(instance.mask) for instance in result.instances]
    kinds = [instance.kind for instance in result.instances]
    directions = column_directions(masks, kinds, upright)
    rows: list[Row] = []
    for label, instance, mask, along in zip(
        label_numbers(result.instances), result.instances, masks, directions, strict=True
    ):
        pixels = measure(mask, along=along)
        centroid = mask_centre(instance.mask)
        size = measure(mask, upright, along) if upright is not None else None
        row: Row = {
            "label": label,
            "kind": instance.kind,
            "level": instance.level,
            "order": instance.order,
            "score": round(instance.score, 4),
            "truncated": instance.truncated,
            "slice_index": one.index,
            "area_px": pixels.area,
            "area_mm2": size.area if size else None,
        }
        for name in HEIGHTS:
            row[f"{name}_px"] = getattr(pixels, name)
            row[f"{name}_mm"] = getattr(size, name) if size else None
        row |= {"centroid_x_px": centroid[0], "centroid_y_px": centroid[1]}
        row |= {
            "spacing_row_mm": spacing[0] if spacing else None,
            "spacing_column_mm": spacing[1] if spacing else None,
            "spacing_source": result.series.spacing_source,
        }
        row |= asdict(first_order(one.pixels, instance.mask))
        rows.append(row)
    return rows


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as CSV (RFC 4180, UTF-8, point as decimal mark, empty where not known)."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _text(value) for name, value in row.items()} for row in rows)


def _text(value: str | int | float | bool | None) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return float(f"{value:.10g}") if isinstance(value, float) else value
