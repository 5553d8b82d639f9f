"""One row of measurements for each instance."""

from __future__ import annotations

from dataclasses import asdict

from spinetk.anatomy import column_directions
from spinetk.boxes import mask_centre
from spinetk.measures.first_order import first_order
from spinetk.measures.shape import measure
from spinetk.orientation import upright
from spinetk.structures import label_numbers
from spinetk.study import Segmentation

Value = str | int | float | bool | None
Row = dict[str, Value]
HEIGHTS = ("height_anterior", "height_middle", "height_posterior", "width")

IN_HOUNSFIELD = ("mean", "mpp")
"""Of a CT, what a reader takes for Hounsfield units: empty where the values are none."""


def measurements(result: Segmentation) -> list[Row]:
    """Everything that is measured, one row an instance, in the order of `result.instances`.

    Columns ending in `_px` are in pixels of the upright slice, `_mm` and `_mm2` in mm and empty
    where the spacing is not known. The centroid is on the source's own grid. Rows of cut-off
    instances are filled, too: `truncated` says that their sizes are those of the visible part.
    Means of a CT whose values are no Hounsfield units are empty.
    """
    view = upright(result.slice)
    stored = view.stored
    spacing = stored.spacing
    masks = [view.turn.apply(instance.mask) for instance in result.instances]
    kinds = [instance.kind for instance in result.instances]
    directions = column_directions(masks, kinds, view.spacing)
    rows: list[Row] = []
    for label, instance, mask, along in zip(
        label_numbers(result.instances), result.instances, masks, directions, strict=True
    ):
        pixels = measure(mask, along=along)
        centroid = mask_centre(instance.mask)
        size = measure(mask, view.spacing, along) if view.spacing is not None else None
        row: Row = {
            "label": label,
            "kind": instance.kind,
            "level": instance.level,
            "order": instance.order,
            "score": round(instance.score, 4),
            "quality": instance.quality,
            "quality_low": instance.quality_low,
            "poor": instance.poor,
            "level_confidence": instance.level_confidence,
            "truncated": instance.truncated,
            "slice_index": stored.index,
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
        row |= asdict(first_order(stored.pixels, instance.mask))
        if result.series.in_grey_values:
            row |= dict.fromkeys(IN_HOUNSFIELD)
        rows.append(row)
    return rows
