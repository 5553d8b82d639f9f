"""How many steps fit into a time."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from spinetk.datasets.annotated import AnnotatedImage
from spinetk.errors import UsageError
from spinetk.training.config import TrainingConfig
from spinetk.training.device import batches
from spinetk.training.loop import CHECKPOINT, Run

WARM_UP, MADE_AHEAD, TIMED = 2, 20, 4
"""Steps that are taken and forgotten: the first ones read pictures and set up memory."""
FEWEST = 2


def steps_in(
    minutes: float,
    images: Sequence[AnnotatedImage],
    out: Path,
    config: TrainingConfig,
    device: torch.device,
) -> int:
    """Steps of training that take so many minutes on this machine; of a run that is to go on, those
    that it was begun with.

    Raises:
        UsageError: the time is too short to train in.
    """
    if (out / CHECKPOINT).is_file():
        return int(json.loads((out / "config.json").read_text())["iterations"])
    # what loader processes have ready at the start says nothing of their speed
    warm_up = WARM_UP if device.type == "cpu" else MADE_AHEAD
    run = Run(images, replace(config, iterations=warm_up + TIMED), device)
    for iteration, batch in batches(run.source, range(warm_up + TIMED), device):
        run.step(iteration, batch)
        if iteration == warm_up - 1:
            start = time.perf_counter()
    each = (time.perf_counter() - start) / TIMED
    steps = int(minutes * 60 / each)
    if steps < FEWEST:
        needed = FEWEST * each / 60
        raise UsageError(f"--minutes {minutes:g}: a step takes {each:.1f} s, give {needed:.1f}")
    return steps
