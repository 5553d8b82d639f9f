import pytest

pytest.importorskip("torch", reason="needs the train extra")

import dataclasses
from pathlib import Path
from types import SimpleNamespace

from spinetk.datasets.annotated import AnnotatedImage
from spinetk.errors import UsageError
from spinetk.training import duration
from spinetk.training.config import TrainingConfig
from spinetk.training.device import CPU
from spinetk.training.duration import WARM_UP, steps_in
from spinetk.training.loop import Run, train

SMALL = TrainingConfig(batch_size=1, input_size=96, sampled_regions=16)


def test_as_many_steps_as_the_time_holds(
    images: tuple[AnnotatedImage, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    def step(run: Run, iteration: int, batch: object) -> None:
        nonlocal now
        now += 9.0 if iteration < WARM_UP else 0.5  # the first steps read pictures

    with monkeypatch.context() as patched:
        patched.setattr(Run, "step", step)
        patched.setattr(duration, "time", SimpleNamespace(perf_counter=lambda: now))
        assert steps_in(0.3, images, tmp_path / "run", SMALL, CPU) == 0.3 * 60 / 0.5


def test_a_run_that_goes_on_has_the_steps_that_it_was_begun_with(
    images: tuple[AnnotatedImage, ...], tmp_path: Path
) -> None:
    config = dataclasses.replace(SMALL, iterations=3)
    train(images, tmp_path / "run", config, quiet=True)
    assert steps_in(9.0, images, tmp_path / "run", SMALL, CPU) == 3


def test_a_time_that_is_too_short_names_one_that_is_not(
    images: tuple[AnnotatedImage, ...], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"--minutes 0\.001: a step takes .* give "):
        steps_in(0.001, images, tmp_path / "run", SMALL, CPU)
