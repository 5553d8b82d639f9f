import pytest

pytest.importorskip("torch", reason="needs the train extra")

import dataclasses
import time
from pathlib import Path

from spinetk.datasets.annotated import AnnotatedImage
from spinetk.errors import UsageError
from spinetk.training.config import TrainingConfig
from spinetk.training.device import CPU
from spinetk.training.duration import steps_in
from spinetk.training.loop import train

SMALL = TrainingConfig(batch_size=1, input_size=96, sampled_regions=16)


def test_as_many_steps_as_the_time_holds(
    images: tuple[AnnotatedImage, ...], tmp_path: Path
) -> None:
    steps = steps_in(0.3, images, tmp_path / "run", SMALL, CPU)
    config = dataclasses.replace(SMALL, iterations=steps)
    start = time.perf_counter()
    train(images, tmp_path / "run", config, quiet=True)
    took = time.perf_counter() - start
    assert 0.3 * 18 < took < 3 * 18  # other processes may take a core meanwhile
    # what goes on is the same run
    assert steps_in(9.0, images, tmp_path / "run", SMALL, CPU) == steps


def test_a_time_that_is_too_short_names_one_that_is_not(
    images: tuple[AnnotatedImage, ...], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"--minutes 0\.001: a step takes .* give "):
        steps_in(0.001, images, tmp_path / "run", SMALL, CPU)
