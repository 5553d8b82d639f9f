"""Measure what is annotated and what was found in an image as a result is measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from spinetk.anatomy import cut_by_border
from spinetk.boxes import mask_box, mask_centre
from spinetk.datasets.annotated import AnnotatedImage, Annotation
from spinetk.evaluation.rows import SIZES, AngleResult, Sizes
from spinetk.measures.alignment import Angle
from spinetk.measures.table import Measured, Row, measured
from spinetk.orientation import VIEWS
from spinetk.structures import BODY_KIND
from spinetk.study import Instance, Segmentation, Series, Slice

FACING = {**VIEWS, "sagittal": VIEWS["lateral"]}
"""Where columns and rows of annotated pictures run, by their view."""
OF_ANGLES = ("upper_slope", "lower_slope", "segment_angle")
PLAIN = ("wedge_ratio", "biconcave_ratio", "crush_ratio", "slip_percent", "disc_height_index",
         "genant_grade", "core_mean", "core_skewness", "core_kurtosis")  # fmt: skip


def as_instances(image: AnnotatedImage) -> list[Instance]:
    """The annotations, ordered from below within their kind."""
    out: list[Instance | None] = [None] * len(image.instances)
    counts: dict[str, int] = {}
    heights = {k: mask_centre(note.mask)[1] for k, note in enumerate(image.instances)}
    for place in sorted(heights, key=lambda k: -heights[k]):
        note = image.instances[place]
        kind = image.classes[note.category - 1]
        counts[kind] = counts.get(kind, 0) + 1
        out[place] = Instance(
            kind=kind,
            mask=note.mask,
            box=mask_box(note.mask),
            score=0.0,
            order=counts[kind],
            level=note.level,
            truncated=cut_by_border(note.mask),
        )
    return [instance for instance in out if instance is not None]


def measured_on(image: AnnotatedImage, stored: Slice, instances: Sequence[Instance]) -> Measured:
    """Rows and angles of instances of an annotated image, in their order."""
    facing = FACING.get(image.view or "")
    series = Series(
        key=image.key,
        modality=image.modality,
        source="raster",
        slices=(replace(stored, index=0, facing=facing),),
        spacing_source=None,
    )
    return measured(Segmentation(series, 0, tuple(instances), (), ""))


def by_reference(found: Sequence[Instance], matched: Mapping[int, Annotation]) -> list[Instance]:
    """The instances found, named as the annotations that they match: how they are measured is not
    to depend on what they were called. Others keep their name, unless an annotated one has it.

    Args:
        matched: the annotation of an instance, by its `id`.
    """
    taken = {note.level for note in matched.values()}
    named = []
    for item in found:
        level = None if item.level in taken else item.level
        named.append(replace(item, level=matched[id(item)].level if id(item) in matched else level))
    return named


def sizes_of(row: Row, in_mm: bool) -> Sizes:
    """The values of `SIZES`; not a number where something is not measured."""
    unit = "mm" if in_mm else "px"
    values: list[object] = []
    for name in SIZES:
        if name == "area":
            column = "area_mm2" if in_mm else "area_px"
            values.append(None if row["truncated"] else row[column])
        elif name in OF_ANGLES:
            values.append(row[f"{name}_deg"])
        else:
            values.append(row[name if name in PLAIN else f"{name}_{unit}"])
    return tuple(float(v) if isinstance(v, int | float) else math.nan for v in values)


def angle_results(
    image: AnnotatedImage, reference: Sequence[Angle], found: Sequence[Angle]
) -> tuple[AngleResult, ...]:
    """Angles of the reference, and what was found of the same bodies, or as the Cobb angle wherever
    each has it; not a number where it was not."""

    def name(angle: Angle) -> str:
        if angle.name == "cobb":
            return angle.name
        return f"{angle.name} {angle.upper}-{angle.lower}"

    given = {name(angle): angle.degrees for angle in found}
    return tuple(
        AngleResult(
            image.key, image.dataset, image.patient, name(angle), angle.degrees,
            given.get(name(angle), math.nan),
        )
        for angle in reference
    )  # fmt: skip


def matched_bodies(found: Sequence[Instance], matched: Mapping[int, Annotation]) -> list[Instance]:
    """The bodies that are annotated, numbered anew: an angle between end plates that nobody
    annotated has no reference."""
    bodies = [i for i in found if i.kind == BODY_KIND and id(i) in matched]
    bodies.sort(key=lambda i: i.order)
    return [replace(body, order=k) for k, body in enumerate(bodies, start=1)]
