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


def export_onnx(network: SpineRCNN, path: Path, side: int) -> str:
    """Write the inference graph with fp16 weights, cast to fp32 when the session is created.

    Args:
        network: in evaluation mode.
        path: of the .onnx file.
        side: of the square input in pixels.

    Returns:
        SHA-256 of the file.
    """
    example = torch.zeros(1, 1, side, side)
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad(), warnings.catch_warnings():
        # the tracer warns of every size that it takes for a constant; the input's size is one
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.float().eval(),
            (example,),
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=["image"],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "detections"} for name in OUTPUTS},
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


def load_weights(network: SpineRCNN, path: Path) -> None:
    """Load weights written by `save_weights`.

    Raises:
        SpineError: the file belongs to a network of another shape.
    """
    try:
        network.load_state_dict({k: v.float() for k, v in load_file(path).items()})
    except RuntimeError as error:
        raise SpineError(f"{path}: does not fit this network's configuration") from error
