"""Weights as safetensors, to go on training from."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from spinetk.errors import SpineError
from spinetk.training.network import SpineRCNN


def save_weights(network: SpineRCNN, path: Path) -> str:
    """Write the weights as fp16 safetensors; returns the file's SHA-256."""
    halves = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in network.state_dict().items()
    }
    save_file(halves, path)
    path.chmod(0o644)  # save_file makes it readable for its owner only
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_weights(network: SpineRCNN, path: Path, classes: tuple[str, ...] | None = None) -> None:
    """Load weights written by `save_weights`.

    Args:
        classes: of the network that was saved, label 1 first; what the heads learned of a class is
            taken over by name, and a class that the file does not know starts anew.

    Raises:
        SpineError: the file belongs to a network of another shape.
    """
    stored = {name: tensor.float() for name, tensor in load_file(path).items()}
    if classes is not None and classes != network.config.classes:
        _take_over_classes(network, stored, classes)
    try:
        network.load_state_dict(stored)
    except RuntimeError as error:
        raise SpineError("does not fit this network's configuration", path) from error


PER_CLASS = {
    "regions.box_predictor.cls_score.weight": (0, 1),
    "regions.box_predictor.cls_score.bias": (0, 1),
    "regions.box_predictor.bbox_pred.weight": (0, 4),
    "regions.box_predictor.bbox_pred.bias": (0, 4),
    "regions.mask_network.out.weight": (1, 1),
    "regions.mask_network.out.bias": (0, 1),
}
"""Tensors with a part for each class (background first): the axis, and the rows a class has."""


def _take_over_classes(
    network: SpineRCNN, stored: dict[str, torch.Tensor], classes: tuple[str, ...]
) -> None:
    """Rearrange the stored heads for the network's own classes."""
    there = ("background", *classes)
    here = ("background", *network.config.classes)
    own = network.state_dict()
    for name, (axis, rows) in PER_CLASS.items():
        parts = list(own[name].split(rows, dim=axis))
        known = stored[name].split(rows, dim=axis)
        for place, item in enumerate(here):
            if item in there:
                parts[place] = known[there.index(item)]
        stored[name] = torch.cat(parts, dim=axis)
