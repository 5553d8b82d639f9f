"""Run a network on annotated images and write down what happened to each reference instance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spinetk.anatomy import order_and_name
from spinetk.boxes import box_iou
from spinetk.dataset import BODY, SPINE_CLASSES, AnnotatedImage
from spinetk.evaluation.matching import DETECTED_IOU, dice, match
from spinetk.pipeline import LoadedModel, detect, outline
from spinetk.selection import select_slice
from spinetk.study import Instance, Slice
from spinetk.unlabelled import unlabelled_region

KNOWN_SHARE = 0.5
"""A found instance counts as false only if less than this share of it may be unlabelled."""

FALSE_BELOW_IOU = 0.3
"""A found instance whose box overlaps its reference less than this found something else."""


@dataclass(frozen=True)
class InstanceResult:
    """What became of one reference instance.

    Attributes:
        image: key of the image.
        dataset, patient, level: of the reference.
        middle: whether the image is the middle slice of its series.
        kind: class name.
        iou: box overlap with the found instance that it is matched to, 0 where there is none.
        detected: iou >= 0.7.
        dice: of the masks; 0 where nothing is matched.
        score: of the matched instance, None where there is none.
        named: the level that the network's result gave, None where it gave none.
    """

    image: str
    dataset: str
    patient: str
    level: str | None
    middle: bool
    kind: str
    iou: float
    detected: bool
    dice: float
    score: float | None
    named: str | None


@dataclass(frozen=True)
class FalsePositive:
    """A found instance that is none of the reference's, where every instance is labelled."""

    image: str
    dataset: str
    kind: str
    score: float


@dataclass(frozen=True)
class SliceResult:
    """Slice selection on one series.

    Attributes:
        reference, selected: slice index.
        same_bodies: the selected slice shows as many labelled bodies as the reference slice.
        area_share: labelled body area on the selected slice / on the reference slice.
        as_good: slices that show as many labelled bodies with at least 99 % of the reference's
            area: what the choice of the one reference slice is worth.
    """

    series: str
    dataset: str
    patient: str
    n_slices: int
    reference: int
    selected: int
    same_bodies: bool
    area_share: float
    as_good: int


def compare_image(
    image: AnnotatedImage, loaded: LoadedModel, threshold: float
) -> tuple[list[InstanceResult], list[FalsePositive]]:
    """Outline one image and hold the result against its annotation."""
    one = as_slice(image)
    found, _ = order_and_name(outline(one, loaded, threshold), None)
    results: list[InstanceResult] = []
    false: list[FalsePositive] = []
    region = unlabelled_region(image, SPINE_CLASSES)
    for category in image.labelled_categories:
        kind = SPINE_CLASSES[category - 1]
        reference = [a for a in image.instances if a.category == category]
        candidates = [i for i in found if i.kind == kind]
        overlap = box_iou(
            np.array([a.box for a in reference], dtype=float).reshape(-1, 4),
            np.array([i.box for i in candidates], dtype=float).reshape(-1, 4),
        )
        pairs = dict(match(overlap))
        for row, annotation in enumerate(reference):
            hit: Instance | None = candidates[pairs[row]] if row in pairs else None
            iou = float(overlap[row, pairs[row]]) if row in pairs else 0.0
            results.append(
                InstanceResult(
                    image=image.key,
                    dataset=image.dataset,
                    patient=image.patient,
                    level=annotation.level,
                    middle=image.slice_index == image.n_slices // 2 or image.n_slices == 1,
                    kind=kind,
                    iou=iou,
                    detected=iou >= DETECTED_IOU,
                    dice=dice(annotation.mask, hit.mask) if hit else 0.0,
                    score=hit.score if hit else None,
                    named=hit.level if hit else None,
                )
            )
        right = {c for r, c in pairs.items() if overlap[r, c] >= FALSE_BELOW_IOU}
        for column, extra in enumerate(candidates):
            doubtful = float(region[extra.mask].mean())
            if column not in right and doubtful < KNOWN_SHARE:
                false.append(FalsePositive(image.key, image.dataset, kind, extra.score))
    return results, false


def compare_selection(
    images: Sequence[AnnotatedImage], loaded: LoadedModel, threshold: float
) -> list[SliceResult]:
    """Select a slice in each series of which every slice is in the data (and there are several).

    The reference is the slice with the most labelled bodies, ties by their area.
    """
    by_series: dict[str, list[AnnotatedImage]] = {}
    for image in images:
        by_series.setdefault(image.series, []).append(image)
    results = []
    for series, members in sorted(by_series.items()):
        if len(members) < max(2, members[0].n_slices):
            continue
        members.sort(key=lambda i: i.slice_index)
        slices = [as_slice(image) for image in members]
        trace = detect(slices, loaded, threshold)
        labelled = {image.slice_index: _labelled(image) for image in members}
        best = max(members, key=lambda i: labelled[i.slice_index])
        selected = select_slice(trace)
        bodies, area = labelled[selected]
        results.append(
            SliceResult(
                series=series,
                dataset=best.dataset,
                patient=best.patient,
                n_slices=len(members),
                reference=best.slice_index,
                selected=selected,
                same_bodies=bodies == labelled[best.slice_index][0],
                area_share=area / max(1, labelled[best.slice_index][1]),
                as_good=sum(
                    n == labelled[best.slice_index][0] and a >= 0.99 * labelled[best.slice_index][1]
                    for n, a in labelled.values()
                ),
            )
        )
    return results


def as_slice(image: AnnotatedImage) -> Slice:
    """The image as the readers would give it."""
    return Slice(
        pixels=image.pixels.astype(np.float32),
        index=image.slice_index,
        geometry=None,
        spacing=image.spacing,
        path=image.path,
    )


def _labelled(image: AnnotatedImage) -> tuple[int, int]:
    bodies = [a for a in image.instances if a.category == BODY]
    return len(bodies), sum(int(a.mask.sum()) for a in bodies)
