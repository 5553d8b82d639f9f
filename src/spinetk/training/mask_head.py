"""The outline of each box: coarse context and a sharp rim, and the loss that both learn by."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torchvision.ops import roi_align

COARSE, FINE, MASK_SIDE = 14, 28, 56
"""Cells across a box: pyramid features, stride-2 features, and the mask that comes out."""


class MaskHead(nn.Module):
    """Mask logits float [R, classes, 56, 56] from pyramid [R, C, 14, 14] and fine [R, 16, 28, 28]
    features of each box."""

    def __init__(self, channels: int, classes: int, fine_channels: int = 16) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(3):
            layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(inplace=True)]
        self.context = nn.Sequential(*layers)
        self.up = nn.ConvTranspose2d(channels, 64, 2, stride=2)
        self.rim = nn.Sequential(
            nn.Conv2d(64 + fine_channels, 48, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(48, 48, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.out = nn.ConvTranspose2d(48, classes, 2, stride=2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Mask logits of each box and class."""
        up = functional.relu(self.up(self.context(coarse)))
        out: Tensor = self.out(self.rim(torch.cat([up, fine.to(up.dtype)], dim=1)))
        return out


def crop_masks(masks: Tensor, matched: Tensor, boxes: Tensor) -> Tensor:
    """Cut the matched mask of each box and scale it to 56 x 56: float [R, 56, 56], 0..1."""
    index = matched.to(boxes.dtype)[:, None]
    regions = torch.cat([index, boxes], dim=1)
    cut: Tensor = roi_align(masks[:, None].float(), regions, MASK_SIDE, 1.0, 1, aligned=True)
    return cut[:, 0]


def mask_loss(logits: Tensor, wanted: Tensor, classes: Tensor) -> Tensor:
    """Cross-entropy plus half a soft Dice loss of each mask, averaged over the masks.

    Args:
        logits: float [R, classes, 56, 56].
        wanted: float [R, 56, 56], 0..1.
        classes: int64 [R].
    """
    if len(classes) == 0:
        return logits.sum() * 0
    own = logits[torch.arange(len(classes)), classes]
    cross_entropy = functional.binary_cross_entropy_with_logits(own, wanted)
    soft = own.sigmoid()
    overlap = 2 * (soft * wanted).sum((1, 2)) + 1
    dice = 1 - overlap / (soft.sum((1, 2)) + wanted.sum((1, 2)) + 1)
    return cross_entropy + 0.5 * dice.mean()
