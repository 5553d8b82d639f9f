"""Features of boxes, each from the pyramid level of its size."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align
from torchvision.ops._utils import convert_boxes_to_roi_format
from torchvision.ops.poolers import LevelMapper

LEVELS = ("p2", "p3", "p4", "p5")
"""Names of the pyramid's levels, strides 4 to 32."""


class PyramidPool(nn.Module):
    """RoIAlign of each box on the pyramid level of its size (Lin et al. 2017, equation 1). As
    torchvision's MultiScaleRoIAlign, whose ONNX form writes every value to its place by index;
    putting whole boxes in order takes no time."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.level_of = LevelMapper(2, 5)

    def forward(self, features: dict[str, Tensor], boxes: list[Tensor]) -> Tensor:
        """Features float [R, C, side, side] of the boxes float [N, 4] of each image, in order."""
        levels = self.level_of(boxes)
        regions = convert_boxes_to_roi_format(boxes)
        places, pooled = [], []
        for level, name in enumerate(LEVELS):
            place = torch.where(levels == level)[0]
            places.append(place)
            pooled.append(roi_align(features[name], regions[place], self.side, 1 / 4 / 2**level, 2))
        return torch.cat(pooled)[torch.cat(places).argsort()]
