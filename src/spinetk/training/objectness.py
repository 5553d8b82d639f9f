"""Region recognition, first stage: boxes that may hold an instance."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models.detection._utils import _topk_min
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead

from spinetk.training.regions import share_inside


class Objectness(RegionProposalNetwork):
    """Region proposals; anchors that may hold an unlabelled instance are left out of the loss."""

    def __init__(self, anchors: AnchorGenerator, head: nn.Module, share: float) -> None:
        super().__init__(
            anchors,
            head,
            fg_iou_thresh=0.6,
            bg_iou_thresh=0.3,
            batch_size_per_image=192,
            positive_fraction=0.5,
            pre_nms_top_n={"training": 600, "testing": 300},
            post_nms_top_n={"training": 300, "testing": 120},
            nms_thresh=0.7,
        )
        self.share = share

    def forward(
        self,
        images: ImageList,
        features: dict[str, Tensor],
        targets: list[dict[str, Tensor]] | None = None,
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Proposals of each image, float [N, 4], and in training the losses."""
        if self.training:
            out: tuple[list[Tensor], dict[str, Tensor]] = super().forward(images, features, targets)
            return out
        return self._propose(images, features), {}

    def _propose(self, images: ImageList, features: dict[str, Tensor]) -> list[Tensor]:
        """Proposals in one image. What torchvision finds, but only the best anchors of each level
        are decoded, not all 130,000: a tenth of the time of a search."""
        levels = list(features.values())
        [anchors] = self.anchor_generator(images, levels)
        boxes, scores, counts, start = [], [], [], 0
        for logits, deltas in zip(*self.head(levels), strict=True):
            each = logits.permute(0, 2, 3, 1).flatten()  # in the order of the anchors
            count = _topk_min(each, self.pre_nms_top_n(), 0)
            best, index = each.topk(count)
            offsets = deltas.view(-1, 4, *deltas.shape[-2:]).permute(2, 3, 0, 1).reshape(-1, 4)
            decoded = self.box_coder.decode(offsets[index], [anchors[start + index]])
            boxes.append(decoded.view(-1, 4))
            scores.append(best)
            counts.append(count)
            start = start + each.shape[0]
        chosen: list[Tensor] = self.filter_proposals(
            torch.cat(boxes)[None], torch.cat(scores)[None], images.image_sizes, counts
        )[0]
        return chosen

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Label of each anchor (1 object, 0 background, -1 neither) and its instance."""
        labels, matched = super().assign_targets_to_anchors(anchors, targets)
        for label, boxes, target in zip(labels, anchors, targets, strict=True):
            doubtful = share_inside(boxes, target["unlabelled"] > 0) > self.share
            label[(label == 0) & doubtful] = -1
        return labels, matched


class Float32Head(RPNHead):
    """Objectness and anchor deltas; under autocast, boxes decoded in bfloat16 would be rounded to
    one or two pixels."""

    def forward(self, features: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Logits and deltas of each level, in float32."""
        objectness, deltas = super().forward(features)
        return [o.float() for o in objectness], [d.float() for d in deltas]
