"""A third step, trained on the frozen features of the first two: how good an outline is, and which
level a body has.

    around    = features in, on and outside the outline's rim        -> quality
    near, far = features of regions 5 and 16 bodies wide around it   -> level

Quality is the outline's Dice, as Mask Scoring R-CNN (Huang et al. 2019) predicts its IoU. A level
needs a wider view than the outline: the sacrum, ribs or the dens are several bodies away.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torchvision.ops import roi_align

from spinetk.structures import BODY_LEVELS

NEAR, FAR = (5.0, 9), (16.0, 7)
"""Side of the region in bodies' widths, and cells across it: of the pyramid at strides 16 and 32,
where both are sampled about once a cell at the usual width of 50 input pixels."""
RIM_CELLS = 14
LOW_QUANTILE = 0.1
"""The second quality that comes out is this quantile of the Dice, before calibration."""


class Evidence(NamedTuple):
    """What the heads see of N instances.

    Attributes:
        around: float [N, 3 C + 6]: mean features in, on and outside the rim; the mask's blur, its
            share of the box, score, width, height and their ratio.
        near: float [N, C, 9, 9].
        far: float [N, C, 7, 7].
        labels: int64 [N], 1-based class.
    """

    around: Tensor
    near: Tensor
    far: Tensor
    labels: Tensor


class Verdict(nn.Module):
    """Quality and level of each instance.

    Args:
        classes: of the network, without the background.
        channels: of its pyramid.
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.classes = classes
        width = 3 * channels + 6
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.quality = nn.Sequential(
            nn.Linear(width + classes, 96), nn.ReLU(), nn.Dropout(0.2), nn.Linear(96, 2)
        )
        self.near = nn.Sequential(
            nn.Conv2d(channels, 64, 3), nn.ReLU(), nn.Conv2d(64, 48, 3), nn.ReLU(), nn.Flatten(),
            nn.Dropout(0.3), nn.Linear(48 * 25, 128), nn.ReLU(),
        )  # fmt: skip
        self.far = nn.Sequential(
            nn.Conv2d(channels, 64, 3), nn.ReLU(), nn.Conv2d(64, 32, 3), nn.ReLU(), nn.Flatten(),
            nn.Dropout(0.3), nn.Linear(32 * 9, 64), nn.ReLU(),
        )  # fmt: skip
        self.level = nn.Sequential(nn.Dropout(0.3), nn.Linear(128 + 64 + classes, len(BODY_LEVELS)))

    def forward(self, evidence: Evidence) -> tuple[Tensor, Tensor]:
        """Quality float [N, 2] (expected Dice and its lower quantile, 0..1) and the log probability
        of each of `BODY_LEVELS`, float [N, 27]."""
        around, near, far, labels = evidence
        return self.judge_quality(around, labels), self.judge_level(near, far, labels)

    def judge_quality(self, around: Tensor, labels: Tensor) -> Tensor:
        """The first of `forward`."""
        seen = torch.cat([(around - self.centre) / self.spread, self._kind(labels)], dim=1)
        out: Tensor = self.quality(seen).sigmoid()
        return out

    def judge_level(self, near: Tensor, far: Tensor, labels: Tensor) -> Tensor:
        """The second of `forward`."""
        wide = torch.cat([self.near(near), self.far(far), self._kind(labels)], dim=1)
        out: Tensor = self.level(wide).log_softmax(1)
        return out

    def _kind(self, labels: Tensor) -> Tensor:
        return functional.one_hot(labels - 1, self.classes).float()


class VerdictStep(nn.Module):
    """What is exported: the evidence is gathered from the other steps' outputs, then judged."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self.verdict = verdict

    def forward(
        self, boxes: Tensor, labels: Tensor, scores: Tensor, masks: Tensor, mask_boxes: Tensor,
        *pyramid: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """As `Verdict`, from what `BoxStep` and `MaskStep` gave."""
        quality, levels = self.verdict(gather(boxes, labels, scores, masks, mask_boxes, pyramid))
        return quality, levels


def gather(
    boxes: Tensor,
    labels: Tensor,
    scores: Tensor,
    masks: Tensor,
    mask_boxes: Tensor,
    pyramid: tuple[Tensor, ...],
) -> Evidence:
    """What the heads see of the instances of one image.

    Args:
        boxes: float [N, 4], xyxy in input pixels.
        labels: int64 [N], 1-based class.
        scores: float [N], 0..1.
        masks: float [N, 56, 56], 0..1 over `mask_boxes`.
        mask_boxes: float [N, 4].
        pyramid: features at strides 4, 16 and 32, each float [1, C, H, W].
    """
    soft = functional.avg_pool2d(masks[:, None], masks.shape[-1] // RIM_CELLS)
    blurred = 4 * soft * (1 - soft)
    rim = _pool(pyramid[0], mask_boxes, RIM_CELLS, 4)
    means = [
        (rim * weight).sum((2, 3)) / (weight.sum((2, 3)) + 1e-3)
        for weight in (soft, blurred, 1 - soft)
    ]
    size = boxes[:, 2:] - boxes[:, :2]
    numbers = torch.stack(
        [
            (4 * masks * (1 - masks)).mean((1, 2)) / (masks.mean((1, 2)) + 1e-3),
            masks.mean((1, 2)),
            scores,
            size[:, 0].log(),
            size[:, 1].log(),
            (size[:, 1] / size[:, 0]).log(),
        ],
        dim=1,
    )
    near, far = (
        _pool(features, _square(boxes, bodies), cells, stride)
        for (bodies, cells), features, stride in (
            (NEAR, pyramid[1], 16),
            (FAR, pyramid[2], 32),
        )
    )
    return Evidence(torch.cat([*means, numbers], dim=1), near, far, labels)


def _pool(features: Tensor, boxes: Tensor, cells: int, stride: int) -> Tensor:
    regions = torch.cat([torch.zeros_like(boxes[:, :1]), boxes], dim=1)
    out: Tensor = roi_align(features, regions, cells, 1 / stride, 2, aligned=True)
    return out


def _square(boxes: Tensor, bodies: float) -> Tensor:
    """Squares `bodies` widths wide around the boxes; a body's box is about square."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = ((boxes[:, 2:] - boxes[:, :2]).prod(1, keepdim=True)).sqrt() * (bodies / 2)
    return torch.cat([centre - half, centre + half], dim=1)
