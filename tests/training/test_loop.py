"""Short real trainings on a made data set: learning, resuming, stopping, exporting."""

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

import dataclasses
from pathlib import Path

import numpy as np

from spinetk.datasets.annotated import AnnotatedImage
from spinetk.errors import SpineError, UsageError
from spinetk.training.config import TrainingConfig
from spinetk.training.loop import running_average, train
from tests.training.small_network import weights

SMALL = TrainingConfig(
    iterations=4, batch_size=1, input_size=128, sampled_regions=16, checkpoint_every=2
)


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(
    images: tuple[AnnotatedImage, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(images, tmp_path / "whole", SMALL, quiet=True)
    batch = "spinetk.training.samples.SampleSource.batch"
    from spinetk.training.samples import SampleSource

    real = SampleSource.batch

    def power_cut(self: SampleSource, iteration: int) -> object:
        if iteration == 3:
            raise KeyboardInterrupt
        return real(self, iteration)

    monkeypatch.setattr(batch, power_cut)
    with pytest.raises(KeyboardInterrupt):
        train(images, tmp_path / "cut", SMALL, quiet=True)
    monkeypatch.setattr(batch, real)
    resumed = train(images, tmp_path / "cut", SMALL, quiet=True)
    np.testing.assert_allclose(weights(resumed), weights(whole), atol=1e-6)
    assert len((tmp_path / "cut" / "losses.csv").read_text().splitlines()) == 5


def test_a_folder_with_another_run_is_not_mixed_up(
    images: tuple[AnnotatedImage, ...], tmp_path: Path
) -> None:
    train(images, tmp_path / "run", dataclasses.replace(SMALL, iterations=2), quiet=True)
    with pytest.raises(UsageError, match="another configuration"):
        train(images, tmp_path / "run", dataclasses.replace(SMALL, iterations=3), quiet=True)


def test_a_loss_that_is_not_finite_stops_with_a_clear_error(
    images: tuple[AnnotatedImage, ...], tmp_path: Path
) -> None:
    wild = dataclasses.replace(SMALL, iterations=40, learning_rate=1e12, gradient_norm=1e12)
    with pytest.raises(
        SpineError, match=r"iteration \d+: the loss is not finite, or its gradient \(.*loss_mask"
    ):
        train(images, tmp_path / "wild", wild, quiet=True)


def test_losses_fall(images: tuple[AnnotatedImage, ...], tmp_path: Path) -> None:
    config = dataclasses.replace(SMALL, iterations=90, learning_rate=1e-3)
    train(images, tmp_path / "run", config, quiet=True)
    rows = np.loadtxt(tmp_path / "run" / "losses.csv", delimiter=",", skiprows=1)
    total = rows[:, 1:].sum(axis=1)
    assert total[-10:].mean() < 0.6 * total[:10].mean()


def test_the_average_forgets_the_start() -> None:
    """After a run, what the network was before it has hardly any weight in the average."""
    for iterations in (50, 450, 5000):
        take_in = running_average(TrainingConfig(iterations=iterations, average_decay=0.998))
        average = torch.ones(1)
        for step in range(iterations):
            average = take_in(average, torch.zeros(1), step)
        assert float(average) < 0.01, iterations


def test_a_start_among_the_averages_is_taken_in_slowly_only_later() -> None:
    take_in = running_average(TrainingConfig(iterations=10_000, average_decay=0.99))
    assert float(take_in(torch.zeros(1), torch.ones(1), 0)) == pytest.approx(0.9)
    assert float(take_in(torch.zeros(1), torch.ones(1), 5000)) == pytest.approx(0.01)
