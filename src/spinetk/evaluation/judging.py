"""What a network finds in annotated images beside what is there: material for its calibration."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinetk.anatomy import gaps_between, order_and_name
from spinetk.boxes import box_iou, dice, mask_box
from spinetk.datasets.annotated import BODY, DISC, AnnotatedImage, Annotation
from spinetk.datasets.unlabelled import unlabelled_region
from spinetk.evaluation.compare import as_slice
from spinetk.evaluation.matching import match
from spinetk.network.loaded import LoadedModel
from spinetk.orientation import upright
from spinetk.pipeline import candidates, resolve
from spinetk.structures import BODY_KIND, DISC_KIND
from spinetk.study import Instance, Slice


@dataclass(frozen=True)
class Outline:
    """An outline that the network gave, and how good it is.

    Attributes:
        quality, low: what the third step says, before calibration.
        dice: with the annotated instance; 0 where there is none.
    """

    patient: str
    dataset: str
    quality: float
    low: float
    dice: float


@dataclass(frozen=True)
class Column:
    """The bodies of one image, from below upwards.

    Attributes:
        evidence: float [N, 27], as `spinetk.naming.name_column` takes it.
        gaps: as there.
        truth: the annotated level of each body, None where it is not known.
    """

    patient: str
    dataset: str
    evidence: NDArray[np.float64]
    gaps: frozenset[int]
    truth: tuple[str | None, ...]


def judge(
    images: Sequence[AnnotatedImage], loaded: LoadedModel
) -> tuple[list[Outline], list[Column]]:
    """Everything that the network finds in annotated images, and what it is in truth.

    Columns are those of the images and of a part of each, some of its rows, for a user's picture
    may show neither sacrum nor head.
    """
    outlines: list[Outline] = []
    columns: list[Column] = []
    for image in images:
        stored, notes = as_slice(image), _notes(image)
        found, truth = _found(image, stored, notes, loaded)
        outlines += _outlines(image, found, truth, notes)
        columns += _column(image, found, truth, notes)
        part = _part(image.key, len(stored.pixels))
        cut = replace(stored, pixels=stored.pixels[part])
        seen = [(note, mask[part]) for note, mask in notes]
        columns += _column(image, *_found(image, cut, seen, loaded), seen)
    return outlines, columns


Notes = list[tuple[Annotation, NDArray[np.bool_]]]
"""Annotations with their masks, in a part of the image or in all of it."""


def _notes(image: AnnotatedImage) -> Notes:
    spine = (BODY, DISC)
    return [(note, note.mask) for note in image.instances if note.category in spine]


def _part(key: str, height: int) -> slice:
    """Half to nine tenths of the image's rows, by the SHA-256 of its name."""
    share, place = (byte / 255 for byte in hashlib.sha256(key.encode()).digest()[:2])
    rows = round(height * (0.5 + 0.4 * share))
    start = round((height - rows) * place)
    return slice(start, start + rows)


def _found(
    image: AnnotatedImage, stored: Slice, notes: Notes, loaded: LoadedModel
) -> tuple[list[Instance], dict[int, int]]:
    """What the network finds, and which annotation each of it is."""
    threshold = loaded.model.score_threshold
    proposed = candidates(upright(stored), loaded, threshold, image.modality)
    found, _ = order_and_name(resolve(proposed, image.spacing), None, spacing=image.spacing)
    truth: dict[int, int] = {}
    for category, kind in ((BODY, BODY_KIND), (DISC, DISC_KIND)):
        same = [k for k, item in enumerate(found) if item.kind == kind]
        rows = [
            n for n, (note, mask) in enumerate(notes) if note.category == category and mask.any()
        ]
        overlap = box_iou(
            np.array([mask_box(notes[n][1]) for n in rows], dtype=float).reshape(-1, 4),
            np.array([found[k].box for k in same], dtype=float).reshape(-1, 4),
        )
        truth |= {same[column]: rows[row] for row, column in match(overlap)}
    return found, truth


def _outlines(
    image: AnnotatedImage, found: Sequence[Instance], truth: dict[int, int], notes: Notes
) -> list[Outline]:
    regions = {
        kind: unlabelled_region(image, category)
        for category, kind in ((BODY, BODY_KIND), (DISC, DISC_KIND))
    }
    out = []
    for k, item in enumerate(found):
        if item.quality is None or item.quality_low is None or item.kind not in regions:
            continue
        if k not in truth and regions[item.kind][item.mask].any():
            continue  # it may be right
        true = dice(notes[truth[k]][1], item.mask) if k in truth else 0.0
        out.append(Outline(image.patient, image.dataset, item.quality, item.quality_low, true))
    return out


def _column(
    image: AnnotatedImage, found: Sequence[Instance], truth: dict[int, int], notes: Notes
) -> list[Column]:
    """The image's column; none where nothing is found or no level is known."""
    bodies = [k for k, item in enumerate(found) if item.kind == BODY_KIND]
    levels = tuple(notes[truth[k]][0].level if k in truth else None for k in bodies)
    if not any(levels) or any(found[k].evidence is None for k in bodies):
        return []
    return [
        Column(
            image.patient,
            image.dataset,
            np.array([found[k].evidence for k in bodies], dtype=np.float64),
            frozenset(gaps_between([found[k] for k in bodies], image.spacing)),
            levels,
        )
    ]
