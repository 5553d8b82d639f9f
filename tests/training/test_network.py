import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from spinetk.training.network import SpineRCNN
from tests.training.partly_labelled import SIDE


def test_an_image_without_instances_gives_finite_losses(untrained: SpineRCNN) -> None:
    empty = {
        "boxes": torch.zeros(0, 4),
        "labels": torch.zeros(0, dtype=torch.int64),
        "masks": torch.zeros(0, SIDE, SIDE, dtype=torch.uint8),
        "unlabelled": torch.zeros(SIDE, SIDE, dtype=torch.uint8),
    }
    losses = untrained.losses(torch.zeros(1, 1, SIDE, SIDE), [empty])
    assert all(torch.isfinite(v) for v in losses.values())
