"""What the numbers of a network's third step are worth, measured on patients that it never saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spinetk.datasets.annotated import AnnotatedImage
from spinetk.datasets.splits import patient_hash
from spinetk.evaluation.judging import Column, Outline, judge
from spinetk.naming import name_column
from spinetk.network.loaded import LoadedModel
from spinetk.network.registry import Calibration

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


def named(column: Column, weight: float) -> tuple[float, bool]:
    """Confidence of a column's naming, and whether it is right where the levels are known."""
    naming = name_column(column.evidence, weight, column.gaps)
    pairs = zip(column.truth, naming.levels, strict=True)
    return naming.confidence, all(true in (None, told) for true, told in pairs)


def _surprise(columns: Sequence[Column], weight: float) -> float:
    """Mean negative log likelihood of the namings' confidences."""
    values = [named(column, weight) for column in columns]
    chances = [confidence if right else 1 - confidence for confidence, right in values]
    return float(-np.log(np.clip(chances, 1e-4, 1)).mean()) if chances else 0.0


def _bound(columns: Sequence[Column], weight: float) -> float:
    """Least confidence from which at most `WRONG_NAMINGS` of the named columns are wrong, one more
    counted than there are. What was seen on these columns, which are no independent ones: an image
    gives two, a patient several."""
    values = [named(column, weight) for column in columns]
    for bound in sorted({confidence for confidence, _ in values}):
        given = [right for confidence, right in values if confidence >= bound]
        if given.count(False) + 1 <= WRONG_NAMINGS * (len(given) + 1):
            return bound
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
    loose = loaded.model.card["calibration"].get("loose_outlines", ())
    models = []
    for part in parts:
        outlines, columns = judge(part, plain)
        exact = [o for o in outlines if o.dataset not in loose]
        models.append(with_calibration(loaded, calibrate(exact, columns)))
    other = dict(zip(mine, (models[1 - n % 2] for n in range(len(mine))), strict=True))
    return lambda image: other.get(patient_hash(image.patient), loaded)


UNCALIBRATED: dict[str, Any] = {
    "quality_margin": 0.0, "quality_bound": 0.0, "level_weight": 1.0, "level_bound": 0.0
}  # fmt: skip


def with_calibration(loaded: LoadedModel, table: dict[str, Any]) -> LoadedModel:
    """The network with another calibration than its card's."""
    return replace(loaded, model=replace(loaded.model, calibration=Calibration.from_card(table)))
