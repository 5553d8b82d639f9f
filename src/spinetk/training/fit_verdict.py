"""Train the heads of a network's third step on what it found in annotated images."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from spinetk.structures import BODY_LEVELS
from spinetk.training.augmentation import NO_LEVEL
from spinetk.training.verdict import LOW_QUANTILE, Verdict
from spinetk.training.verdict_samples import VerdictSamples

BATCH = 256
PASSES = 16
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 0.05
NOISE = 0.1
"""Added in training to the features around the rim, in their own deviation, so that the quality
relies on no single one."""


def fit_verdict(samples: VerdictSamples, classes: int, *, seed: int = 1) -> Verdict:
    """Heads for quality and level.

    Args:
        samples: of the patients that the network was trained on.
        classes: of the network, without the background.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    verdict = Verdict(classes, channels=samples.near.shape[1])
    around = torch.from_numpy(samples.around).float()
    verdict.centre.copy_(around.mean(0))
    verdict.spread.copy_(around.std(0) + 1e-3)
    labels, dice = torch.from_numpy(samples.labels), torch.from_numpy(samples.dice)
    placed = np.flatnonzero(samples.level != NO_LEVEL)
    level = torch.from_numpy(samples.level[placed])
    weights = level_weights(level)
    optimiser = torch.optim.AdamW(verdict.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = PASSES * max(1, len(placed) // BATCH, len(dice) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    rated = np.flatnonzero(np.isfinite(samples.dice))
    verdict.train()
    for _ in range(steps):
        some = torch.from_numpy(rng.choice(rated, BATCH))
        which = rng.integers(len(placed), size=BATCH) if len(placed) else np.zeros(0, np.int64)
        noise = torch.randn_like(around[some]) * verdict.spread * NOISE
        quality = verdict.judge_quality(around[some] + noise, labels[some])
        loss = quality_loss(quality, dice[some])
        if len(which):
            near, far = (
                torch.from_numpy(values[which]).float() for values in (samples.near, samples.far)
            )
            chances = verdict.judge_level(near, far, labels[placed[which]])
            loss = loss + functional.nll_loss(chances, level[which], weights)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return verdict.eval()


def quality_loss(quality: Tensor, dice: Tensor) -> Tensor:
    """Squared error of the expected Dice and the pinball loss of its lower quantile.

    Args:
        quality: float [N, 2].
        dice: float [N].
    """
    short = dice - quality[:, 1]
    pinball = torch.maximum(LOW_QUANTILE * short, (LOW_QUANTILE - 1) * short)
    return 10 * functional.mse_loss(quality[:, 0], dice) + pinball.mean()


def level_weights(level: Tensor) -> Tensor:
    """Weight of each level in the loss, by the root of how rare it is."""
    counts = torch.bincount(level, minlength=len(BODY_LEVELS)).float()
    return (counts.mean() / counts.clamp(min=1)).sqrt().clamp(max=4) * (counts > 0)
