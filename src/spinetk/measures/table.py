"""One row of measurements for each instance, and the angles of the whole column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spinetk.anatomy import column_directions, gaps_between
from spinetk.boxes import mask_centre
from spinetk.measures.alignment import Angle, angles
from spinetk.measures.core import core
from spinetk.measures.first_order import first_order
from spinetk.measures.judgement import instance_verdicts, worse
from spinetk.measures.outline_error import FEATURES, feature_spread, rim_error, unstable
from spinetk.measures.relations import Member, Relations, relations
from spinetk.measures.shape import (
    ONLY_PLATE,
    Outline,
    lengths,
    one_plate,
    outline_points,
    slope_of,
)
from spinetk.orientation import Upright, upright
from spinetk.structures import BODY_KIND, label_numbers
from spinetk.study import Instance, Judgement, Segmentation, Slice

Value = str | int | float | bool | None
Row = dict[str, Value]
HEIGHTS = ("height_anterior", "height_middle", "height_posterior", "width")

IN_HOUNSFIELD = ("mean", "mpp", "core_mean", "core_mpp", "spread_mean", "spread_mpp",
                 "spread_core_mean", "spread_core_mpp")  # fmt: skip
"""Of a CT, what a reader takes for Hounsfield units: empty where the values are none."""
SQUARE = (1.0, 1.0)


class Measured(NamedTuple):
    """All that is measured of a result.

    Attributes:
        rows: one an instance, in the order of `result.instances`.
        angles: of the whole column; see `alignment.angles`.
    """

    rows: list[Row]
    angles: list[Angle]


def measured(result: Segmentation) -> Measured:
    """Measure the instances and the column that they make."""
    view = upright(result.slice)
    members = members_of(result, view)
    rows = _rows(result, view, members)
    verdicts: dict[str, Any] = {
        str(row["level"] or f"#{row['order']}"): row["verdict"]
        for row in rows
        if row["kind"] == BODY_KIND
    }
    found = _angles(result, view, members)
    # of pixels that may not be square: a picture's are, as far as anybody knows
    unknown = {w.code for w in result.series.warnings} & {"spacing-missing", "geometry-contradicts"}
    least: Judgement = "check" if unknown else "ok"
    return Measured(
        rows,
        [
            replace(a, verdict=worse(least, worse(verdicts[a.upper], verdicts[a.lower])))
            for a in found
        ],
    )


def measurements(result: Segmentation) -> list[Row]:
    """The rows of `measured`.

    Columns ending in `_px` are in pixels of the upright slice, `_mm` and `_mm2` in mm and empty
    where the spacing is not known; `_deg` are degrees. The centroid is on the source's own grid.
    What could not be measured is empty, and `unmeasured` says why. Means of a CT whose values are
    no Hounsfield units are empty.
    """
    view = upright(result.slice)
    return _rows(result, view, members_of(result, view))


def _rows(result: Segmentation, view: Upright, members: Sequence[Member]) -> list[Row]:
    stored = view.stored
    spacing = stored.spacing
    bodies = [i for i in result.instances if i.kind == BODY_KIND]
    related = relations(members, gaps_between(bodies, spacing), view.spacing or SQUARE)
    sagittal, frontal = is_sagittal(result), is_frontal(result)
    rows: list[Row] = []
    for label, instance, member, relation in zip(
        label_numbers(result.instances), result.instances, members, related, strict=True
    ):
        centroid = mask_centre(instance.mask)
        pixels = float(instance.mask.sum())
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
            "area_px": pixels,
            "area_mm2": pixels * spacing[0] * spacing[1] if spacing else None,
        }
        row |= _sizes(member.points, view, frontal=frontal)
        row |= _relations(relation, view, sagittal, frontal)
        row |= {
            "shape_fit": member.points.fit,
            "unmeasured": member.points.reason,
            "ungraded": relation.ungraded if sagittal else "",
            "centroid_x_px": centroid[0],
            "centroid_y_px": centroid[1],
            "spacing_row_mm": spacing[0] if spacing else None,
            "spacing_column_mm": spacing[1] if spacing else None,
            "spacing_source": result.series.spacing_source,
        }
        row |= asdict(first_order(stored.pixels, instance.mask))
        row |= _of_core(stored, instance.mask)
        row |= _spread(stored, instance)
        if result.series.in_grey_values:
            row |= dict.fromkeys(IN_HOUNSFIELD)
        rows.append(row)
    for row, names in zip(rows, unstable(rows), strict=True):
        row["unstable"] = names
    for row, verdict in zip(rows, instance_verdicts(rows), strict=True):
        row["verdict"], row["reasons"] = verdict.judgement, "; ".join(verdict.reasons)
    return rows


def _angles(result: Segmentation, view: Upright, members: Sequence[Member]) -> list[Angle]:
    frontal = is_frontal(result)
    if not frontal and not is_sagittal(result):
        return []
    return angles(members, view.spacing or SQUARE, frontal=frontal)


def is_frontal(result: Segmentation) -> bool:
    """Whether the slice shows left and right beside up and down, by its file."""
    directions = result.slice.directions
    if directions is None:
        return False
    main = {int(np.argmax(np.abs(direction))) for direction in directions}
    return main == {0, 2}


def is_sagittal(result: Segmentation) -> bool:
    """Whether the slice shows front and back. Pictures of MR and CT are taken to; of a film whose
    file does not say how it lies, nobody knows."""
    if result.slice.directions is None:
        return result.series.modality != "XR"
    return not is_frontal(result)


def members_of(result: Segmentation, view: Upright) -> list[Member]:
    """The instances with their points, on the upright slice."""
    masks = [view.turn.apply(instance.mask) for instance in result.instances]
    kinds = [instance.kind for instance in result.instances]
    spacing = view.spacing or SQUARE
    directions = column_directions(masks, kinds, view.spacing)
    named = [measured_as(instance) for instance in result.instances]
    points = [
        outline_points(mask, spacing, along, truncated=instance.truncated)
        if level not in ONLY_PLATE
        else Outline()
        for instance, level, mask, along in zip(
            result.instances, named, masks, directions, strict=True
        )
    ]
    by_level = {i.level: p for i, p in zip(result.instances, points, strict=True) if i.level}
    orders = {
        i.order: p for i, p in zip(result.instances, points, strict=True) if i.kind == BODY_KIND
    }
    for place, (instance, level) in enumerate(zip(result.instances, named, strict=True)):
        if level in ONLY_PLATE:
            known = by_level
            if instance.level is None:  # the next body above is beside it, whatever it is called
                known = {"L5": orders[instance.order + 1]} if instance.order + 1 in orders else {}
            points[place] = one_plate(
                masks[place], spacing, directions[place], known, str(level),
                truncated=instance.truncated,
            )  # fmt: skip
    return [
        Member(instance.kind, instance.level, instance.order, mask_centre(mask), outline)
        for instance, mask, outline in zip(result.instances, masks, points, strict=True)
    ]


def measured_as(instance: Instance) -> str | None:
    """The level that decides how an instance is measured: what was found as S1 and has no name is
    no block either."""
    return instance.level or ("S1" if instance.sacral else None)


def _sizes(points: Outline, view: Upright, *, frontal: bool) -> Row:
    """Heights and width in pixels and in mm; a frontal image has left and right edges, no front
    and back ones."""
    row: Row = {}
    pixels, size = lengths(points), lengths(points, view.spacing) if view.spacing else None
    for name in HEIGHTS:
        shown = not frontal or name in ("height_middle", "width")
        row[f"{name}_px"] = getattr(pixels, name) if shown else None
        row[f"{name}_mm"] = getattr(size, name) if size and shown else None
    for name, plate in (("upper", points.upper), ("lower", points.lower)):
        row[f"{name}_slope_deg"] = slope_of(plate, view.spacing or SQUARE)
    return row


def _of_core(stored: Slice, mask: NDArray[np.bool_]) -> Row:
    """Features of the mask's core; empty where it is too small for one."""
    inside = core(mask, stored.spacing)
    count = int(np.count_nonzero(inside))
    features = asdict(first_order(stored.pixels, inside)) if count else {}
    return {"core_px": count, **{f"core_{name}": features.get(name) for name in FEATURES}}


def _spread(stored: Slice, instance: Instance) -> Row:
    """How far the outline's expected error moves each feature; empty of a person's outline."""
    if instance.quality is None:
        return dict.fromkeys(f"spread_{part}{name}" for part in ("", "core_") for name in FEATURES)
    error = rim_error(instance.mask, instance.quality)
    return {**feature_spread(stored.pixels, instance.mask, stored.spacing, error)}


def _relations(relation: Relations, view: Upright, sagittal: bool, frontal: bool) -> Row:
    """Empty where the image does not show front and back; of an image of which nobody knows whether
    it does, a disc has its height index."""
    row: Row = {
        "wedge_ratio": relation.wedge_ratio,
        "biconcave_ratio": relation.biconcave_ratio,
        "crush_ratio": relation.crush_ratio,
        "genant_grade": relation.genant_grade,
        "slip_mm": relation.slip if view.spacing else None,
        "slip_percent": relation.slip_percent,
        "segment_angle_deg": relation.segment_angle,
        "disc_height_index": relation.disc_height_index,
    }
    if sagittal:
        return row
    kept = {} if frontal else {"disc_height_index": relation.disc_height_index}
    return dict.fromkeys(row) | kept
