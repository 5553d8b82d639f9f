"""Run a network on annotated images and write down what happened to each reference instance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spinetk.anatomy import cut_by_border, order_and_name, without_doubles
from spinetk.boxes import box_iou, dice
from spinetk.datasets.annotated import AnnotatedImage, Annotation
from spinetk.datasets.unlabelled import unlabelled_region
from spinetk.evaluation.matching import (
    DETECTED_IOU,
    SAME_IOU,
    match,
    surface_distance_95,
)
from spinetk.evaluation.measuring import (
    angle_results,
    as_instances,
    by_reference,
    matched_bodies,
    measured_on,
    sizes_of,
)
from spinetk.evaluation.rows import Comparison, FalsePositive, Features, InstanceResult, Proposal
from spinetk.measures.first_order import first_order
from spinetk.measures.table import Row
from spinetk.network.loaded import LoadedModel
from spinetk.orientation import upright
from spinetk.pipeline import candidates, resolve
from spinetk.structures import BODY_KIND, SACRAL_CLASS
from spinetk.study import Instance, Slice

KNOWN_SHARE = 0.5
"""A found instance counts as false only if less than this share of it may be unlabelled."""

LOWEST_SCORE = 0.05
"""The precision-recall analysis takes everything that the network proposes from here on."""

REGIONS = {"C": "cervical", "T": "thoracic", "L": "lumbar", "S": "sacral"}


def compare_image(image: AnnotatedImage, loaded: LoadedModel, threshold: float) -> Comparison:
    """Outline one image and hold the result against its annotation."""
    stored = as_slice(image)
    proposed = candidates(upright(stored), loaded, LOWEST_SCORE, image.modality)
    above = [i for i in proposed if i.score >= threshold]
    found, _ = order_and_name(
        resolve(above, image.spacing), None, loaded.model.naming, spacing=image.spacing
    )
    out = Comparison()
    matches = {category: _match(image, category, found) for category in image.labelled_categories}
    matched = {
        id(one.found[column]): one.reference[row]
        for one in matches.values()
        for row, column in one.pairs.items()
    }
    annotated = measured_on(image, stored, as_instances(image))
    same_names = by_reference(found, matched)
    given = measured_on(image, stored, same_names)
    rows_of = {id(a): row for a, row in zip(image.instances, annotated.rows, strict=True)}
    rows_of |= {id(i): row for i, row in zip(found, given.rows, strict=True)}
    for category, one in matches.items():
        region = unlabelled_region(image, category)
        kind = image.classes[category - 1]
        reference, same, overlap, pairs = one
        rows = tuple(
            _instance_result(
                image, stored, kind, note, same[pairs[row]] if row in pairs else None,
                float(overlap[row, pairs[row]]) if row in pairs else 0.0, rows_of,
            )
            for row, note in enumerate(reference)
        )  # fmt: skip
        right = set(pairs.values())
        false = tuple(
            FalsePositive(
                image.key,
                image.dataset,
                image.modality,
                kind,
                extra.score,
                *_judged(extra),
                str(rows_of[id(extra)]["verdict"]),
            )
            for column, extra in enumerate(same)
            if column not in right and not _doubtful(extra, region)
        )
        out += Comparison(rows, false, _proposals(image, kind, reference, proposed, region))
    angles = given.angles
    if image.view == "ap":
        angles = measured_on(image, stored, matched_bodies(found, matched)).angles
    return out + Comparison(angles=angle_results(image, annotated.angles, angles))


class _Matched(NamedTuple):
    """Annotations of a class and what was found of it: their box overlap [N, M], and the columns
    of the rows that are matched."""

    reference: list[Annotation]
    found: list[Instance]
    overlap: NDArray[np.float64]
    pairs: dict[int, int]


def _match(image: AnnotatedImage, category: int, found: Sequence[Instance]) -> _Matched:
    reference = [a for a in image.instances if a.category == category]
    same = [i for i in found if i.kind == image.classes[category - 1]]
    overlap = _overlap(reference, same)
    return _Matched(reference, same, overlap, dict(match(overlap)))


def _overlap(reference: Sequence[Annotation], found: Sequence[Instance]) -> NDArray[np.float64]:
    return box_iou(
        np.array([a.box for a in reference], dtype=float).reshape(-1, 4),
        np.array([i.box for i in found], dtype=float).reshape(-1, 4),
    )


def _instance_result(
    image: AnnotatedImage,
    stored: Slice,
    kind: str,
    note: Annotation,
    hit: Instance | None,
    iou: float,
    rows_of: dict[int, Row],
) -> InstanceResult:
    mask = note.mask
    pixels = surface_distance_95(mask, hit.mask) if hit else None
    in_mm = image.spacing is not None
    quality, quality_low, flagged = _judged(hit) if hit else (None, None, None)
    return InstanceResult(
        image=image.key,
        dataset=image.dataset,
        patient=image.patient,
        modality=image.modality,
        level=note.level,
        middle=image.slice_index == image.n_slices // 2 or image.n_slices == 1,
        kind=kind,
        region=REGIONS.get(note.level[0]) if note.level else None,
        box=note.box,
        iou=iou,
        detected=iou >= DETECTED_IOU,
        cause=None if iou >= DETECTED_IOU else _cause(note, mask, iou),
        dice=dice(mask, hit.mask) if hit else 0.0,
        surface_px=pixels,
        surface_mm=surface_distance_95(mask, hit.mask, image.spacing)
        if hit and image.spacing
        else None,
        score=hit.score if hit else None,
        named=hit.level if hit else None,
        quality=quality,
        quality_low=quality_low,
        flagged=flagged,
        reference_features=_features(stored, mask) if hit else None,
        found_features=_features(stored, hit.mask) if hit else None,
        reference_sizes=sizes_of(rows_of[id(note)], in_mm),
        found_sizes=sizes_of(rows_of[id(hit)], in_mm) if hit else None,
        in_mm=in_mm,
        verdict=str(rows_of[id(hit)]["verdict"]) if hit else None,
    )


def _judged(instance: Instance) -> tuple[float | None, float | None, bool | None]:
    judged = instance.quality is not None
    return instance.quality, instance.quality_low, instance.poor if judged else None


def _cause(note: Annotation, mask: NDArray[np.bool_], iou: float) -> str:
    """Why an instance was missed, as in the paper's Table 2."""
    if note.tags:
        return note.tags[0]
    if cut_by_border(mask):
        return "border"
    return "below IoU" if iou > 0 else "not found"


def _features(stored: Slice, mask: NDArray[np.bool_]) -> Features:
    values = first_order(stored.pixels, mask)
    return (
        values.skewness,
        values.kurtosis,
        math.nan if values.mpp is None else values.mpp,
        values.entropy_bits,
    )


def _doubtful(instance: Instance, region: NDArray[np.bool_]) -> bool:
    """Whether so much of it may be unlabelled that nothing can be said of it."""
    return float(region[instance.mask].mean()) >= KNOWN_SHARE


def _proposals(
    image: AnnotatedImage,
    kind: str,
    reference: Sequence[Annotation],
    proposed: Sequence[Instance],
    region: NDArray[np.bool_],
) -> tuple[Proposal, ...]:
    kinds = (kind, SACRAL_CLASS) if kind == BODY_KIND else (kind,)
    same = [i for i in without_doubles(proposed) if i.kind in kinds]
    best = _overlap(reference, same).max(axis=0, initial=0)
    return tuple(
        Proposal(
            image.key, image.dataset, image.modality, kind, stored.score, stored.box,
            bool(overlap >= SAME_IOU) or not _doubtful(stored, region),
        )
        for stored, overlap in zip(same, best, strict=True)
    )  # fmt: skip


def as_slice(image: AnnotatedImage) -> Slice:
    """The image as the readers would give it."""
    return Slice(
        pixels=image.pixels.astype(np.float32),
        index=image.slice_index,
        geometry=None,
        spacing=image.spacing,
        path=image.path,
    )
