import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from torchvision.ops import MultiScaleRoIAlign

from spinetk.training.pyramid_pool import LEVELS, PyramidPool


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
        PyramidPool(7)(features, boxes), theirs(features, boxes, [(1024, 768)] * 2)
    )
