"""Region recognition, second stage: class and exact box of each proposal; and their masks."""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as functional
from torch import Tensor
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss
from torchvision.ops import box_iou, roi_align

from spinetk.datasets.annotated import DISC
from spinetk.training.config import NetworkConfig, TrainingConfig
from spinetk.training.mask_head import COARSE, FINE, MASK_SIDE, MaskHead, crop_masks, mask_loss
from spinetk.training.pyramid_pool import PyramidPool

NEAR_MISS = 0.3
"""A region that overlaps an annotated instance by this IoU is judged by that instance alone."""


class Regions(RoIHeads):
    """Second stage and mask head; proposals on unlabelled instances are left out of the loss."""

    def __init__(self, config: NetworkConfig, training: TrainingConfig) -> None:
        channels, classes = config.pyramid_channels, len(config.classes) + 1
        super().__init__(
            PyramidPool(7),
            TwoMLPHead(channels * 49, config.box_head_width),
            FastRCNNPredictor(config.box_head_width, classes),
            fg_iou_thresh=0.5,
            bg_iou_thresh=0.5,
            batch_size_per_image=training.sampled_regions,
            positive_fraction=training.positive_fraction,
            bbox_reg_weights=None,
            score_thresh=0.05,
            nms_thresh=0.4,
            detections_per_img=60,
        )
        self.mask_pool = PyramidPool(COARSE)
        self.mask_network = MaskHead(channels, classes)
        self.margin = config.mask_margin
        self.share = training.unlabelled_share if training.ignore_unlabelled else 1.1

    def losses(
        self,
        features: OrderedDict[str, Tensor],
        proposals: list[Tensor],
        targets: list[dict[str, Tensor]],
    ) -> dict[str, Tensor]:
        """Losses of class, box and mask; `targets` as `SpineRCNN.losses` has them."""
        sampled, matched, labels, offsets = self._sample(proposals, targets)
        logits, deltas = self._classify(features, sampled)
        _, loss_box = fastrcnn_loss(logits, deltas, labels, offsets)
        maybe_disc = [
            share_inside(boxes, target["unlabelled"] == 1) > self.share
            for boxes, target in zip(sampled, targets, strict=True)
        ]
        loss_class = class_loss(logits, torch.cat(labels), torch.cat(maybe_disc))
        positive = [torch.where(label > 0)[0] for label in labels]
        boxes = [
            grow(box[index], self.margin) for box, index in zip(sampled, positive, strict=True)
        ]
        mask_logits = self._masks(features, boxes)
        wanted, classes = [], []
        for box, index, match, label, target in zip(
            boxes, positive, matched, labels, targets, strict=True
        ):
            wanted.append(crop_masks(target["masks"], match[index], box))
            classes.append(label[index])
        loss_mask = mask_loss(mask_logits, torch.cat(wanted), torch.cat(classes))
        return {"loss_class": loss_class, "loss_box": loss_box, "loss_mask": loss_mask}

    def find(
        self,
        features: OrderedDict[str, Tensor],
        proposals: list[Tensor],
        shapes: list[tuple[int, int]],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Boxes, scores and labels in one image."""
        logits, deltas = self._classify(features, proposals)
        [boxes], [scores], [labels] = self.postprocess_detections(logits, deltas, proposals, shapes)
        return boxes, scores, labels

    def outline(
        self, features: OrderedDict[str, Tensor], boxes: Tensor, labels: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Masks of boxes in one image, and the boxes that they span."""
        grown = grow(boxes, self.margin)
        mask_logits = self._masks(features, [grown])
        index = labels.view(-1, 1, 1, 1).expand(-1, 1, MASK_SIDE, MASK_SIDE)
        return mask_logits.sigmoid().gather(1, index)[:, 0], grown

    def _classify(
        self, features: OrderedDict[str, Tensor], boxes: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        pooled = self.box_roi_pool(features, boxes)
        logits, deltas = self.box_predictor(self.box_head(pooled))
        return logits.float(), deltas.float()

    def _masks(self, features: OrderedDict[str, Tensor], boxes: list[Tensor]) -> Tensor:
        coarse = self.mask_pool(features, boxes)
        fine = roi_align(
            features["fine"], boxes, FINE, spatial_scale=0.5, sampling_ratio=2, aligned=True
        )
        out: Tensor = self.mask_network(coarse, fine)
        return out.float()

    def _sample(
        self, proposals: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
        """Choose the proposals to learn from: (boxes, matched instance, class, box deltas)."""
        truth = [target["boxes"] for target in targets]
        proposals = self.add_gt_proposals(proposals, truth)
        matched, labels = self.assign_targets_to_proposals(
            proposals, truth, [target["labels"] for target in targets]
        )
        for label, boxes, target in zip(labels, proposals, targets, strict=True):
            doubtful = share_inside(boxes, target["unlabelled"] == 2) > self.share
            if len(target["boxes"]):  # a near miss of what is labelled is wrong wherever it lies
                doubtful &= box_iou(target["boxes"], boxes).amax(0) < NEAR_MISS
            label[(label == 0) & doubtful] = -1
        chosen = self.subsample(labels)
        matched_boxes = []
        for i, index in enumerate(chosen):
            proposals[i], labels[i] = proposals[i][index], labels[i][index]
            matched[i] = matched[i][index]
            boxes = truth[i] if len(truth[i]) else truth[i].new_zeros((1, 4))
            matched_boxes.append(boxes[matched[i]])
        return proposals, matched, labels, self.box_coder.encode(matched_boxes, proposals)


def class_loss(logits: Tensor, labels: Tensor, maybe_disc: Tensor) -> Tensor:
    """Cross-entropy of the regions' classes; a background region that may hold a disc without
    annotation may be called background or disc (partial labels, Cour et al. 2011).

    Args:
        logits: float [R, classes].
        labels: int64 [R], 0 is background.
        maybe_disc: bool [R].
    """
    chances = logits.log_softmax(1)
    own = chances.gather(1, labels[:, None])[:, 0]
    if not maybe_disc.any():
        return -own.mean()
    either = chances[:, [0, DISC]].logsumexp(1)
    return -torch.where((labels == 0) & maybe_disc, either, own).mean()


def grow(boxes: Tensor, margin: float) -> Tensor:
    """Grow each xyxy box [N, 4] by `margin` of its width and height on every side."""
    size = (boxes[:, 2:] - boxes[:, :2]) * margin
    return torch.cat([boxes[:, :2] - size, boxes[:, 2:] + size], dim=1)


def share_inside(boxes: Tensor, region: Tensor) -> Tensor:
    """Share of each box that lies in the region, by summed-area table.

    Args:
        boxes: float [N, 4], xyxy in pixels.
        region: uint8 [H, W], 0 or 1.

    Returns:
        float [N], 0..1; parts of a box outside the image count as outside the region.
    """
    height, width = region.shape
    table = functional.pad(region.float().cumsum(0).cumsum(1), (1, 0, 1, 0))
    left, right = (boxes[:, i].round().long().clamp(0, width) for i in (0, 2))
    top, bottom = (boxes[:, i].round().long().clamp(0, height) for i in (1, 3))
    inside = table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return inside / area.clamp(min=1)
