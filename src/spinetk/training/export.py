"""Write a trained network as ONNX (to run) and safetensors (to fine-tune), both in fp16."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import load_file, save_file

from spinetk.errors import SpineError
from spinetk.network.detector import OUTPUTS
from spinetk.training.network import SpineRCNN

SMALLEST_HALVED = 64
"""Tensors with fewer values (shapes, anchors' corners, biases) stay as they are."""


def export_onnx(network: SpineRCNN, path: Path) -> str:
    """Write the inference graph with fp16 weights, cast to fp32 when the session is created.

    Args:
        network: in evaluation mode.
        path: of the .onnx file; it takes images of any size in multiples of 32.

    Returns:
        SHA-256 of the file.
    """
    example = torch.zeros(1, 1, 512, 384)
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad(), warnings.catch_warnings():
        # the tracer warns of every number that it takes for a constant; sizes are none of them
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.float().eval(),
            (example,),
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=["image"],
            output_names=list(OUTPUTS),
            dynamic_axes={
                "image": {2: "height", 3: "width"},
                **{name: {0: "detections"} for name in OUTPUTS},
            },
        )
    model = onnx.load(path)
    _halve_weights(model)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _halve_weights(model: onnx.ModelProto) -> None:
    """Store float32 initialisers as float16 followed by a Cast, which ONNX Runtime folds away."""
    graph = model.graph
    casts = []
    for initialiser in graph.initializer:
        values = numpy_helper.to_array(initialiser)
        if values.dtype != np.float32 or values.size < SMALLEST_HALVED:
            continue
        name = initialiser.name
        half = numpy_helper.from_array(values.astype(np.float16), f"{name}_fp16")
        initialiser.CopyFrom(half)
        casts.append(
            onnx.helper.make_node("Cast", [f"{name}_fp16"], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


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
        raise SpineError(f"{path}: does not fit this network's configuration") from error


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
        for place, one in enumerate(here):
            if one in there:
                parts[place] = known[there.index(one)]
        stored[name] = torch.cat(parts, dim=axis)
