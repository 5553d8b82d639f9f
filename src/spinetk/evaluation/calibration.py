"""What the numbers of a network's third step are worth, measured on patients that it never saw."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinetk.anatomy import gaps_between, order_and_name
from spinetk.boxes import box_iou, dice, mask_box
from spinetk.datasets.annotated import BODY, DISC, AnnotatedImage, Annotation
from spinetk.datasets.splits import patient_hash
from spinetk.datasets.unlabelled import unlabelled_region
from spinetk.evaluation.compare import as_slice
from spinetk.evaluation.matching import match
from spinetk.naming import name_column
from spinetk.network.loaded import LoadedModel
from spinetk.network.registry import Calibration
from spinetk.orientation import upright
from spinetk.pipeline import candidates, resolve
from spinetk.structures import BODY_KIND, DISC_KIND
from spinetk.study import Instance, Slice

POOR_DICE = 0.85
"""An outline of less is one that a user wants to be told of."""
FALSE_ALARMS = 0.05
"""Share of the good outlines that may be flagged."""
COVERED = 0.9
"""Share of the outlines that are to be at least as good as their lower bound says."""
WRONG_NAMINGS = 0.01
"""Share of the named columns that may be named wrong."""
NEVER = 1.01
"""More than any confidence: too few columns to say from which one on names are right."""
WEIGHTS = (0.15, 0.25, 0.35, 0.5, 0.7, 1.0)


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
        by_sacrum: the names that S1 alone tells.
    """

    patient: str
    dataset: str
    evidence: NDArray[np.float64]
    gaps: frozenset[int]
    truth: tuple[str | None, ...]
    by_sacrum: tuple[str | None, ...]


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
        part = _part(image)
        cut = replace(stored, pixels=stored.pixels[part])
        seen = [(note, mask[part]) for note, mask in notes]
        columns += _column(image, *_found(image, cut, seen, loaded), seen)
    return outlines, columns


Notes = list[tuple[Annotation, NDArray[np.bool_]]]
"""Annotations with their masks, in a part of the image or in all of it."""


def _notes(image: AnnotatedImage) -> Notes:
    spine = (BODY, DISC)
    return [(note, note.mask) for note in image.instances if note.category in spine]


def _part(image: AnnotatedImage) -> slice:
    """Half to all of the image's rows, by the SHA-256 of its name."""
    share, place = (
        byte / 255 for byte in hashlib.sha256(image.key.encode()).digest()[:2]
    )  # fmt: skip
    height = len(image.pixels)
    rows = round(height * (0.5 + 0.4 * share))
    start = round((height - rows) * place)
    return slice(start, start + rows)


def _found(
    image: AnnotatedImage, stored: Slice, notes: Notes, loaded: LoadedModel
) -> tuple[list[Instance], dict[int, int]]:
    """What the network finds, and which annotation each of it is."""
    threshold = loaded.model.score_threshold
    proposed = candidates(upright(stored), loaded, threshold, image.modality)
    found, _ = order_and_name(resolve(proposed, image.spacing), None)
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
            frozenset(gaps_between([found[k] for k in bodies])),
            levels,
            tuple(found[k].level for k in bodies),
        )
    ]


def calibrate(outlines: Sequence[Outline], columns: Sequence[Column]) -> dict[str, float]:
    """The table `calibration` of a network's card.

    The lower bound of the quality is conformal (Romano et al. 2019): what is taken from the
    predicted quantile is such that it holds for `COVERED` of these outlines.
    """
    quality, low, true = (
        np.array([getattr(o, name) for o in outlines]) for name in ("quality", "low", "dice")
    )
    good = true >= POOR_DICE
    rank = min(1.0, COVERED * (1 + 1 / max(1, len(outlines))))
    weight = min(WEIGHTS, key=lambda w: _surprise(columns, w))
    margin, bound = 1.0, 0.0  # without an outline nothing is promised, and nothing flagged
    if outlines:
        margin = float(np.quantile(low - true, rank, method="higher"))
    if good.any():
        bound = float(np.quantile(quality[good], FALSE_ALARMS))
    return {
        "quality_margin": margin,
        "quality_bound": bound,
        "level_weight": weight,
        "level_bound": _bound(columns, weight),
        "outlines": len(outlines),
        "columns": len(columns),
    }


def named(column: Column, weight: float) -> tuple[float, bool | None]:
    """Confidence of a column's naming, and whether it is right; None where nothing tells."""
    naming = name_column(column.evidence, weight, column.gaps)
    known = [(name, told) for name, told in zip(column.truth, naming.levels, strict=True) if name]
    return naming.confidence, all(a == b for a, b in known) if known else None


def _surprise(columns: Sequence[Column], weight: float) -> float:
    """Mean negative log likelihood of the namings' confidences."""
    values = [named(column, weight) for column in columns]
    chances = [conf if right else 1 - conf for conf, right in values if right is not None]
    return float(-np.log(np.clip(chances, 1e-4, 1)).mean()) if chances else 0.0


def _bound(columns: Sequence[Column], weight: float) -> float:
    """Least confidence from which at most `WRONG_NAMINGS` of the named columns are wrong, one more
    counted than there are (conformal risk control, Angelopoulos et al. 2024)."""
    values = sorted(named(column, weight) for column in columns)
    for place, (confidence, _) in enumerate(values):
        wrong = sum(not right for _, right in values[place:])
        if wrong + 1 <= WRONG_NAMINGS * (len(values) - place + 1):
            return confidence
    return NEVER


def calibrated_apart(
    images: Sequence[AnnotatedImage], loaded: LoadedModel
) -> Callable[[AnnotatedImage], LoadedModel]:
    """Which network an image is to be evaluated with: of the patients that the network's third step
    was calibrated on, each half with the calibration of the other half."""
    held = set(loaded.model.card.get("held_out_patients_sha256", ()))
    mine = sorted({h for image in images if (h := patient_hash(image.patient)) in held})
    if loaded.model.calibration is None or len(mine) < 2:
        return lambda image: loaded
    plain = with_calibration(loaded, UNCALIBRATED)
    halves = (set(mine[::2]), set(mine[1::2]))
    parts = [[i for i in images if patient_hash(i.patient) in half] for half in halves]
    models = [with_calibration(loaded, calibrate(*judge(part, plain))) for part in parts]
    other = dict(zip(mine, (models[1 - n % 2] for n in range(len(mine))), strict=True))
    return lambda image: other.get(patient_hash(image.patient), loaded)


UNCALIBRATED = {
    "quality_margin": 0.0, "quality_bound": 0.0, "level_weight": 1.0, "level_bound": 0.0
}  # fmt: skip


def with_calibration(loaded: LoadedModel, table: dict[str, float]) -> LoadedModel:
    """The network with another calibration than its card's."""
    return replace(loaded, model=replace(loaded.model, calibration=Calibration.from_card(table)))
