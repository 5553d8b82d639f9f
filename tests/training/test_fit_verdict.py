import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

import numpy as np

from spinetk.structures import BODY_LEVELS
from spinetk.training.augmentation import NO_LEVEL
from spinetk.training.fit_verdict import fit_verdict, level_weights, quality_loss
from spinetk.training.verdict_samples import VerdictSamples

CHANNELS = 8


def test_heads_learn_what_there_is_to_learn() -> None:
    """Quality follows one feature, the level another; on fresh samples, too."""
    rng = np.random.default_rng(0)

    def samples(count: int) -> VerdictSamples:
        dice = rng.uniform(0.5, 1.0, count).astype(np.float32)
        around = rng.normal(size=(count, 3 * CHANNELS + 6)).astype(np.float16)
        around[:, 4] = dice
        level = rng.choice([18, 22, NO_LEVEL], count)
        placed = level != NO_LEVEL
        near = rng.normal(size=(placed.sum(), CHANNELS, 9, 9)).astype(np.float16)
        near[:, 2] += 2.0 * (level[placed] == 22)[:, None, None]
        far = rng.normal(size=(placed.sum(), CHANNELS, 7, 7)).astype(np.float16)
        labels = np.ones(count, dtype=np.int64)
        return VerdictSamples(around, near, far, labels, dice, level, np.arange(count))

    verdict = fit_verdict(samples(3000), 2)
    fresh = samples(500)
    labels = torch.from_numpy(fresh.labels)
    placed = fresh.level != NO_LEVEL
    with torch.no_grad():
        quality = verdict.judge_quality(torch.from_numpy(fresh.around).float(), labels).numpy()
        near, far = (torch.from_numpy(v).float() for v in (fresh.near, fresh.far))
        levels = verdict.judge_level(near, far, labels[placed]).numpy()
    assert np.corrcoef(quality[:, 0], fresh.dice)[0, 1] > 0.8
    assert 0.8 < (fresh.dice >= quality[:, 1]).mean() < 0.98
    assert (levels.argmax(1) == fresh.level[placed]).mean() > 0.95
    assert levels.shape == (placed.sum(), len(BODY_LEVELS))


def test_the_lower_bound_settles_at_its_quantile() -> None:
    dice = torch.linspace(0, 1, 1001)
    losses = [
        float(quality_loss(torch.tensor([[0.5, low]]).expand(1001, 2), dice))
        for low in np.linspace(0, 1, 101)
    ]
    assert int(np.argmin(losses)) == 10


def test_rare_levels_weigh_more_and_unseen_ones_nothing() -> None:
    weights = level_weights(torch.tensor([20] * 900 + [10] * 100))
    assert weights[10] > weights[20] > 0 and weights[0] == 0
