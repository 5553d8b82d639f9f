import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

import numpy as np

from spinetk.training.mask_head import crop_masks, mask_loss
from spinetk.training.regions import grow


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
