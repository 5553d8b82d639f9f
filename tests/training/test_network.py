"""Losses: unlabelled instances are left out of all three stages."""

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

import numpy as np
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import MultiScaleRoIAlign

from spinetk.training.config import NetworkConfig, TrainingConfig
from spinetk.training.network import (
    LEVELS,
    SpineRCNN,
    _PyramidPool,
    class_loss,
    crop_masks,
    grow,
    mask_loss,
    share_inside,
)

SIDE = 128


def target(region: np.ndarray) -> dict[str, torch.Tensor]:
    """One labelled body at the top; a second one below is visible but not labelled."""
    mask = np.zeros((1, SIDE, SIDE), dtype=np.uint8)
    mask[0, 10:40, 50:90] = 1
    return {
        "boxes": torch.tensor([[50.0, 10.0, 90.0, 40.0]]),
        "labels": torch.tensor([1]),
        "masks": torch.from_numpy(mask),
        "unlabelled": torch.from_numpy(region.astype(np.uint8)) * 2,
    }


@pytest.fixture(scope="module")
def network() -> SpineRCNN:
    torch.manual_seed(0)
    return SpineRCNN(NetworkConfig()).train()


def test_share_inside_counts_pixels() -> None:
    region = torch.zeros(10, 10, dtype=torch.uint8)
    region[:, 5:] = 1
    boxes = torch.tensor([[0.0, 0, 5, 10], [5, 0, 10, 10], [3, 0, 7, 10], [5, 0, 15, 10]])
    np.testing.assert_allclose(share_inside(boxes, region), [0, 1, 0.5, 0.5])


def test_anchors_on_an_unlabelled_instance_are_neither_object_nor_background(
    network: SpineRCNN,
) -> None:
    region = np.zeros((SIDE, SIDE), dtype=bool)
    region[60:110, 40:100] = True
    anchors = torch.tensor(
        [[50.0, 10, 90, 40], [50, 70, 90, 100], [2, 70, 30, 100]]  # labelled, unlabelled, elsewhere
    )
    [labels], _ = network.objectness.assign_targets_to_anchors([anchors], [target(region)])
    assert labels.tolist() == [1, -1, 0]
    nothing = np.zeros((SIDE, SIDE), dtype=bool)
    [labels], _ = network.objectness.assign_targets_to_anchors([anchors], [target(nothing)])
    assert labels.tolist() == [1, 0, 0]


def test_proposals_on_an_unlabelled_instance_are_never_sampled(network: SpineRCNN) -> None:
    region = np.zeros((SIDE, SIDE), dtype=bool)
    region[60:110, 40:100] = True
    on_it, elsewhere = torch.tensor([[50.0, 70, 90, 100]]), torch.tensor([[2.0, 70, 30, 100]])
    for doubtful, expected in ((region, 1), (np.zeros_like(region), 2)):
        proposals = [torch.cat([on_it, elsewhere])]
        _, _, [labels], _ = network.regions._sample(proposals, [target(doubtful)])
        assert int((labels == 0).sum()) == expected
        assert int((labels == 1).sum()) == 1  # the labelled body itself


def test_switched_off_for_the_ablation_every_box_counts() -> None:
    config = TrainingConfig(ignore_unlabelled=False)
    plain = SpineRCNN(config.network, config)
    everywhere = np.ones((SIDE, SIDE), dtype=bool)
    anchors = torch.tensor([[50.0, 10, 90, 40], [50, 70, 90, 100]])
    [labels], _ = plain.objectness.assign_targets_to_anchors([anchors], [target(everywhere)])
    assert labels.tolist() == [1, 0]


def test_an_image_without_instances_gives_finite_losses(network: SpineRCNN) -> None:
    empty = {
        "boxes": torch.zeros(0, 4),
        "labels": torch.zeros(0, dtype=torch.int64),
        "masks": torch.zeros(0, SIDE, SIDE, dtype=torch.uint8),
        "unlabelled": torch.zeros(SIDE, SIDE, dtype=torch.uint8),
    }
    losses = network.losses(torch.zeros(1, 1, SIDE, SIDE), [empty])
    assert all(torch.isfinite(v) for v in losses.values())


def test_proposals_are_those_of_torchvision(network: SpineRCNN) -> None:
    torch.manual_seed(1)
    images = torch.randn(1, 1, 160, 128)
    network.eval()
    try:
        with torch.no_grad():
            pyramid = network.features(images)
            del pyramid["fine"]
            shapes = ImageList(images, [(160, 128)])
            [ours], _ = network.objectness(shapes, pyramid)
            [theirs], _ = RegionProposalNetwork.forward(network.objectness, shapes, pyramid)
    finally:
        network.train()
    assert len(ours) == len(theirs) > 20
    torch.testing.assert_close(ours, theirs)


def test_boxes_are_pooled_as_torchvision_pools_them() -> None:
    torch.manual_seed(2)
    features = {
        name: torch.randn(2, 8, 256 // 2**level, 192 // 2**level)
        for level, name in enumerate(LEVELS)
    }
    corners = torch.rand(2, 40, 2) * torch.tensor([700.0, 1000.0])
    sides = 10 ** (torch.rand(2, 40, 2) * 2.2 + 0.5)  # small ones and large ones: every level
    boxes = list(torch.cat([corners, corners + sides], dim=2))
    theirs = MultiScaleRoIAlign(list(LEVELS), 7, 2)
    torch.testing.assert_close(
        _PyramidPool(7)(features, boxes), theirs(features, boxes, [(1024, 768)] * 2)
    )


def test_masks_are_cut_to_the_grown_box() -> None:
    mask = torch.zeros(1, 100, 100, dtype=torch.uint8)
    mask[0, 20:60, 30:70] = 1
    box = grow(torch.tensor([[30.0, 20, 70, 60]]), 0.25)
    np.testing.assert_allclose(box, [[20, 10, 80, 70]])
    cut = crop_masks(mask, torch.tensor([0]), box)
    # 40 of 60 pixels a side: 4/9 of the grown box
    assert float(cut.mean()) == pytest.approx(4 / 9, abs=0.02)


def test_mask_loss_is_least_for_the_right_mask() -> None:
    wanted = torch.zeros(1, 56, 56)
    wanted[0, 10:40, 10:40] = 1
    right = (wanted * 2 - 1)[:, None].repeat(1, 3, 1, 1) * 8
    assert mask_loss(right, wanted, torch.tensor([1])) < 0.01
    assert mask_loss(-right, wanted, torch.tensor([1])) > 5
    assert mask_loss(torch.zeros(0, 3, 56, 56), torch.zeros(0, 56, 56), torch.zeros(0).long()) == 0


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


def test_a_near_miss_of_a_labelled_body_is_wrong_wherever_it_lies(network: SpineRCNN) -> None:
    everywhere = np.ones((SIDE, SIDE), dtype=bool)
    shifted = torch.tensor([[50.0, 25, 90, 55]])  # IoU 1/3 with the labelled one
    far = torch.tensor([[50.0, 70, 90, 100]])
    _, _, [labels], _ = network.regions._sample([torch.cat([shifted, far])], [target(everywhere)])
    assert int((labels == 0).sum()) == 1 and int((labels == 1).sum()) == 1


def test_where_a_disc_may_be_missing_disc_and_background_are_both_right() -> None:
    logits = torch.tensor([[2.0, -1.0, 3.0], [2.0, -1.0, 3.0]])
    labels = torch.tensor([0, 1])
    plain = class_loss(logits, labels, torch.tensor([False, False]))
    torch.testing.assert_close(plain, torch.nn.functional.cross_entropy(logits, labels))
    either = class_loss(logits[:1], labels[:1], torch.tensor([True]))
    chances = logits[0].softmax(0)
    torch.testing.assert_close(either, -(chances[0] + chances[2]).log())
    # a labelled body stays a body, and a network of one class has no disc
    torch.testing.assert_close(class_loss(logits, labels, torch.tensor([False, True])), plain)
    assert torch.isfinite(class_loss(logits[:, :2], labels, torch.tensor([False, False])))
