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
from typing import NamedTuple

from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import FeaturePyramidNetwork

from spinetk.training.backbone import Backbone
from spinetk.training.config import NetworkConfig, TrainingConfig
from spinetk.training.objectness import Float32Head, Objectness
from spinetk.training.pyramid_pool import LEVELS
from spinetk.training.regions import Regions


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
        self.objectness = Objectness(
            anchors,
            Float32Head(channels, anchors.num_anchors_per_location()[0]),
            share=training.unlabelled_share if training.ignore_unlabelled else 1.1,
        )
        self.regions = Regions(config, training)

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
