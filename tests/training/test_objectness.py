import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

import numpy as np
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork

from spinetk.training.config import NetworkConfig, TrainingConfig
from spinetk.training.network import SpineRCNN
from tests.training.partly_labelled import SIDE, target


def test_anchors_on_an_unlabelled_instance_are_neither_object_nor_background(
    untrained: SpineRCNN,
) -> None:
    region = np.zeros((SIDE, SIDE), dtype=bool)
    region[60:110, 40:100] = True
    anchors = torch.tensor(
        [[50.0, 10, 90, 40], [50, 70, 90, 100], [2, 70, 30, 100]]  # labelled, unlabelled, elsewhere
    )
    [labels], _ = untrained.objectness.assign_targets_to_anchors([anchors], [target(region)])
    assert labels.tolist() == [1, -1, 0]
    nothing = np.zeros((SIDE, SIDE), dtype=bool)
    [labels], _ = untrained.objectness.assign_targets_to_anchors([anchors], [target(nothing)])
    assert labels.tolist() == [1, 0, 0]


def test_switched_off_for_the_ablation_every_box_counts() -> None:
    config = TrainingConfig(ignore_unlabelled=False)
    plain = SpineRCNN(config.network, config)
    everywhere = np.ones((SIDE, SIDE), dtype=bool)
    anchors = torch.tensor([[50.0, 10, 90, 40], [50, 70, 90, 100]])
    [labels], _ = plain.objectness.assign_targets_to_anchors([anchors], [target(everywhere)])
    assert labels.tolist() == [1, 0]


def test_proposals_are_those_of_torchvision(untrained: SpineRCNN) -> None:
    torch.manual_seed(1)
    images = torch.randn(1, 1, 160, 128)
    untrained.eval()
    try:
        with torch.no_grad():
            pyramid = untrained.features(images)
            del pyramid["fine"]
            shapes = ImageList(images, [(160, 128)])
            [ours], _ = untrained.objectness(shapes, pyramid)
            [theirs], _ = RegionProposalNetwork.forward(untrained.objectness, shapes, pyramid)
    finally:
        untrained.train()
    assert len(ours) == len(theirs) > 20
    torch.testing.assert_close(ours, theirs)


def test_objectness_gets_no_gradient_from_an_unlabelled_region() -> None:
    """End to end through the loss: the logits of anchors well inside the region have gradient 0
    where it is marked, and a push towards background where it is not."""
    torch.manual_seed(0)
    network = SpineRCNN(NetworkConfig()).train()
    network.objectness.fg_bg_sampler.batch_size_per_image = 10**6  # every anchor counts
    seen: list[torch.Tensor] = []

    def keep(_module: object, _inputs: object, out: torch.Tensor) -> None:
        out.retain_grad()
        seen.append(out)

    network.objectness.head.cls_logits.register_forward_hook(keep)
    marked = np.ones((SIDE, SIDE), dtype=bool)
    marked[5:45, 45:95] = False
    gradients = []
    for region in (marked, np.zeros_like(marked)):
        seen.clear()
        losses = network.losses(torch.zeros(1, 1, SIDE, SIDE), [target(region)])
        losses["loss_objectness"].backward()
        grid = seen[1].grad  # stride 8: 16 x 16 cells; cell (11, 8) lies at pixel (92, 68)
        assert grid is not None
        gradients.append(grid[0, :3, 11, 8])
    assert (gradients[0] == 0).all()
    assert (gradients[1] > 0).all()
