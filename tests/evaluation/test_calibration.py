from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.splits import patient_hash
from spinetk.evaluation import calibration
from spinetk.evaluation.calibration import (
    NEVER,
    calibrate,
    calibrated_apart,
    named,
)
from spinetk.evaluation.judging import Column, Outline
from spinetk.network.loaded import LoadedModel
from spinetk.structures import BODY_LEVELS
from tests.make_phantom_set import make_phantom_set


def outlines(count: int, seed: int = 0) -> list[Outline]:
    """Quality that is right on average, and lower bounds that are too bold."""
    rng = np.random.default_rng(seed)
    quality = rng.uniform(0.7, 0.95, count)
    dice = np.clip(quality + rng.normal(0, 0.04, count), 0, 1)
    return [
        Outline(f"p{k}", "set", q, q - 0.01, d)
        for k, (q, d) in enumerate(zip(quality, dice, strict=True))
    ]


def column(*levels: str, truth: tuple[str | None, ...] | None = None, share: float = 0.9) -> Column:
    evidence = np.full((len(levels), len(BODY_LEVELS)), (1 - share) / (len(BODY_LEVELS) - 1))
    for row, level in zip(evidence, levels, strict=True):
        row[BODY_LEVELS.index(level)] = share
    return Column("p", "set", np.log(evidence), frozenset(), truth or levels)


def test_nine_in_ten_unseen_outlines_keep_their_bound() -> None:
    table = calibrate(outlines(500), [])
    fresh = outlines(4000, seed=1)
    kept = np.mean([o.dice >= o.low - table["quality_margin"] for o in fresh])
    assert 0.88 < kept < 0.93
    assert np.mean([o.dice >= o.low for o in fresh]) < 0.7


def test_one_good_outline_in_twenty_is_flagged() -> None:
    table = calibrate(outlines(500), [])
    fresh = outlines(4000, seed=1)
    good = [o.quality < table["quality_bound"] for o in fresh if o.dice >= 0.85]
    poor = [o.quality < table["quality_bound"] for o in fresh if o.dice < 0.85]
    assert 0.02 < np.mean(good) < 0.08 and np.mean(poor) > 0.5


def test_wrong_namings_raise_the_bound_above_them() -> None:
    right = [column("L5", "L4", "L3", "L2")] * 300
    unsure = column("L5", "T12", truth=("L5", "L4"), share=0.4)
    table = calibrate(outlines(20), [*right, *[unsure] * 20])
    weight = table["level_weight"]
    assert named(unsure, weight)[1] is False
    assert named(unsure, weight)[0] < table["level_bound"] <= named(right[0], weight)[0]


def test_too_few_columns_promise_nothing() -> None:
    assert calibrate(outlines(20), [column("L5", "L4")] * 50)["level_bound"] == NEVER
    assert calibrate([], [])["quality_margin"] == 1.0 and calibrate([], [])["quality_bound"] == 0.0


def test_each_half_of_the_held_out_is_judged_by_the_other(
    tmp_path: Path, mr_model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = read_dataset(make_phantom_set(tmp_path / "phantoms", 3)).images
    seen: list[set[str]] = []

    def noted(given: list[object], _: LoadedModel) -> tuple[list[Outline], list[Column]]:
        seen.append({image.patient for image in given})  # type: ignore[attr-defined]
        return [replace(o, low=o.low + len(seen)) for o in outlines(30)], []

    monkeypatch.setattr(calibration, "judge", noted)
    assert calibrated_apart(images, mr_model)(images[0]) is mr_model  # nobody was held out
    held = [patient_hash(image.patient) for image in images[:2]]
    model = replace(mr_model.model, card=mr_model.model.card | {"held_out_patients_sha256": held})
    model_of = calibrated_apart(images, replace(mr_model, model=model))
    assert sorted(map(len, seen)) == [1, 1]
    for image in images[:2]:
        calibrated = model_of(image).model.calibration
        assert calibrated is not None
        [place] = [k for k, patients in enumerate(seen) if image.patient in patients]
        assert calibrated.quality_margin == pytest.approx(
            calibrate([replace(o, low=o.low + 2 - place) for o in outlines(30)], [])[
                "quality_margin"
            ]
        )
    assert model_of(images[2]).model is model  # as a user has it
