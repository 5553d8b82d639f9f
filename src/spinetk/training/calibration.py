"""What the numbers of a network's third step are worth, measured on patients that it never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinetk.anatomy import gaps_between, order_and_name
from spinetk.boxes import box_iou, dice
from spinetk.datasets.annotated import BODY, DISC, AnnotatedImage
from spinetk.datasets.unlabelled import unlabelled_region
from spinetk.evaluation.compare import as_slice
from spinetk.evaluation.matching import match
from spinetk.naming import name_column
from spinetk.network.loaded import LoadedModel
from spinetk.orientation import upright
from spinetk.pipeline import candidates, resolve
from spinetk.structures import BODY_KIND, DISC_KIND

POOR_DICE = 0.85
"""An outline of less is one that a user wants to be told of."""
FALSE_ALARMS = 0.05
"""Share of the good outlines that may be flagged."""
COVERED = 0.9
"""Share of the outlines that are to be at least as good as their lower bound says."""
WRONG_NAMINGS = 0.01
"""Share of the named columns that may be named wrong."""
WEIGHTS = (0.15, 0.25, 0.35, 0.5, 0.7, 1.0)


@dataclass(frozen=True)
class Outline:
    """An outline that the network gave, and how good it is.

    Attributes:
        quality, low: what the third step says, before calibration.
        dice: with the annotated instance; 0 where there is none.
    """

    patient: str
    kind: str
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
    """Everything that the network finds in annotated images, and what it is in truth."""
    outlines: list[Outline] = []
    columns: list[Column] = []
    for image in images:
        proposed = candidates(
            upright(as_slice(image)), loaded, loaded.model.score_threshold, image.modality
        )
        found, _ = order_and_name(resolve(proposed, image.spacing), None)
        truth: dict[int, str | None] = {}
        for category, kind in ((BODY, BODY_KIND), (DISC, DISC_KIND)):
            same = [k for k, item in enumerate(found) if item.kind == kind]
            notes = [a for a in image.instances if a.category == category]
            region = unlabelled_region(image, category)
            overlap = box_iou(
                np.array([a.box for a in notes], dtype=float).reshape(-1, 4),
                np.array([found[k].box for k in same], dtype=float).reshape(-1, 4),
            )
            pairs = {column: row for row, column in match(overlap)}
            for column, k in enumerate(same):
                item = found[k]
                note = notes[pairs[column]] if column in pairs else None
                truth[k] = note.level if note else None
                if note is None and float(region[item.mask].mean()) > 0:
                    continue
                assert item.quality is not None and item.quality_low is not None
                outlines.append(
                    Outline(
                        image.patient, kind, item.quality, item.quality_low,
                        dice(note.mask, item.mask) if note else 0.0,
                    )
                )  # fmt: skip
        bodies = [k for k, item in enumerate(found) if item.kind == BODY_KIND]
        if bodies:
            columns.append(
                Column(
                    image.patient,
                    image.dataset,
                    np.array([found[k].evidence for k in bodies], dtype=np.float64),
                    frozenset(gaps_between([found[k] for k in bodies])),
                    tuple(truth[k] for k in bodies),
                    tuple(found[k].level for k in bodies),
                )
            )
    return outlines, columns


def calibrate(outlines: Sequence[Outline], columns: Sequence[Column]) -> dict[str, float]:
    """The table `calibration` of a network's card.

    The lower bound of the quality is conformal (Romano et al. 2019): what is taken from the
    predicted quantile is such that it holds for `COVERED` of these outlines.
    """
    quality, low, true = (
        np.array([getattr(o, name) for o in outlines]) for name in ("quality", "low", "dice")
    )
    rank = min(1.0, COVERED * (1 + 1 / len(outlines)))
    good = true >= POOR_DICE
    weight = min(WEIGHTS, key=lambda w: _surprise(columns, w))
    return {
        "quality_margin": float(np.quantile(low - true, rank, method="higher")),
        "quality_bound": float(np.quantile(quality[good], FALSE_ALARMS)),
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
    """Least confidence from which at most `WRONG_NAMINGS` of the named columns are wrong."""
    values = sorted(named(column, weight) for column in columns if any(column.truth))
    for place, (confidence, _) in enumerate(values):
        wrong = sum(not right for _, right in values[place:])
        if wrong <= WRONG_NAMINGS * (len(values) - place):
            return confidence
    return 1.01
