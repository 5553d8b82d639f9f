import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

import numpy as np

from spinetk.training.network import SpineRCNN
from spinetk.training.regions import class_loss, share_inside
from tests.training.partly_labelled import SIDE, target


def test_share_inside_counts_pixels() -> None:
    region = torch.zeros(10, 10, dtype=torch.uint8)
    region[:, 5:] = 1
    boxes = torch.tensor([[0.0, 0, 5, 10], [5, 0, 10, 10], [3, 0, 7, 10], [5, 0, 15, 10]])
    np.testing.assert_allclose(share_inside(boxes, region), [0, 1, 0.5, 0.5])


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


def test_proposals_on_an_unlabelled_instance_are_never_sampled(untrained: SpineRCNN) -> None:
    region = np.zeros((SIDE, SIDE), dtype=bool)
    region[60:110, 40:100] = True
    on_it, elsewhere = torch.tensor([[50.0, 70, 90, 100]]), torch.tensor([[2.0, 70, 30, 100]])
    for doubtful, expected in ((region, 1), (np.zeros_like(region), 2)):
        proposals = [torch.cat([on_it, elsewhere])]
        _, _, [labels], _ = untrained.regions._sample(proposals, [target(doubtful)])
        assert int((labels == 0).sum()) == expected
        assert int((labels == 1).sum()) == 1  # the labelled body itself


def test_a_near_miss_of_a_labelled_body_is_wrong_wherever_it_lies(untrained: SpineRCNN) -> None:
    everywhere = np.ones((SIDE, SIDE), dtype=bool)
    shifted = torch.tensor([[50.0, 25, 90, 55]])  # IoU 1/3 with the labelled one
    far = torch.tensor([[50.0, 70, 90, 100]])
    _, _, [labels], _ = untrained.regions._sample([torch.cat([shifted, far])], [target(everywhere)])
    assert int((labels == 0).sum()) == 1 and int((labels == 1).sum()) == 1
