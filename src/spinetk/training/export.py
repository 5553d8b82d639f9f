"""Write a trained network as ONNX.

The network runs in two steps, each a file: `NAME.onnx` finds the boxes on every slice, and
`NAME.masks.onnx` outlines those of the chosen slice from the features that the first step computed.
The convolutions of both (not the transposed ones) are quantised to 8 bits where images to calibrate
with are given; all other weights are stored as fp16. A third file, `NAME.verdict.onnx`, judges what
the two found; it is trained when they are.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from spinetk.network.detector import FEATURES, FOUND, JUDGED, JUDGED_BY, OUTLINED
from spinetk.network.registry import file_hash, mask_file, verdict_file
from spinetk.training.mask_head import MASK_SIDE
from spinetk.training.network import BoxStep, MaskStep, SpineRCNN
from spinetk.training.verdict import Verdict, VerdictStep

SMALLEST_HALVED = 64
"""Tensors with fewer values (shapes, anchors' corners, biases) stay as they are."""


QUANTISED = ("Conv", "Add", "Clip", "Relu")
"""An activation is quantised with its convolution: by itself it would go back to float32."""
QUANTISED_PARTS = ("/backbone", "/pyramid", "/objectness/head", "/mask_network")
"""Boxes decoded in 8 bits would be rounded to several pixels, so the rest stays in float32."""
NOT_QUANTISED = ("/backbone/model/conv_stem", "/backbone/model/blocks.0")
"""The features at stride 2, which the rim of a mask is drawn from: 8 bits cost 0.002 of Dice."""


def export_onnx(
    network: SpineRCNN, path: Path, calibration: Sequence[NDArray[np.float32]] = ()
) -> str:
    """Write the two steps of inference.

    Args:
        network: in evaluation mode.
        path: of the first step's .onnx file; it takes images of any size in multiples of 32.
        calibration: images float32 [1, 1, H, W] as the network sees them; none leaves all
            computation in float32.

    Returns:
        SHA-256 of both files' content, one after the other.
    """
    network = network.float().eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    sizes = {"image": {2: "height", 3: "width"}, **{name: {0: "found"} for name in FOUND}}
    each = {name: {2: f"{name} height", 3: f"{name} width"} for name in FEATURES}
    example = torch.zeros(1, 1, 512, 384)
    with torch.no_grad():
        boxes, _, labels, *features = BoxStep(network)(example)
        if len(boxes) == 0:  # the tracer needs something to outline
            boxes, labels = torch.tensor([[10.0, 10, 50, 40]]), torch.tensor([1])
    _trace(BoxStep(network), (example,), path, ("image",), (*FOUND, *FEATURES), sizes | each)
    if calibration:
        _quantise(path, ({"image": image} for image in calibration))
    _finish(path)
    given = ("boxes", "labels", *FEATURES)
    counts = {name: {0: "found"} for name in ("boxes", "labels", *OUTLINED)}
    _trace(MaskStep(network), (boxes, labels, *features), mask_file(path), given, OUTLINED,
           counts | each)  # fmt: skip
    found = _mask_inputs(network, calibration, given)
    first = next(found, None)
    if first is not None:  # a network that finds nothing yet gives no ranges
        _quantise(mask_file(path), chain([first], found))
    _finish(mask_file(path))
    return file_hash(path)


def _trace(
    step: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    given: tuple[str, ...],
    wanted: tuple[str, ...],
    sizes: dict[str, Any],
) -> None:
    with torch.no_grad(), warnings.catch_warnings():
        # the tracer warns of every number that it takes for a constant; sizes are none of them
        warnings.simplefilter("ignore")
        torch.onnx.export(
            step.eval(), example, str(path), dynamo=False, opset_version=17,
            input_names=list(given), output_names=list(wanted), dynamic_axes=sizes,
        )  # fmt: skip


def _finish(path: Path) -> None:
    model = onnx.load(path)
    _halve_weights(model)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def export_verdict(verdict: Verdict, path: Path) -> str:
    """Write the third step beside the two others; it is small and stays in float32, its weights in
    fp16.

    Args:
        path: of the first step's .onnx file.

    Returns:
        SHA-256 of the three files' content, one after the other.
    """
    channels = verdict.centre.numel() // 3 - 2
    boxes, labels = torch.tensor([[60.0, 40, 110, 80]] * 2), torch.tensor([1, 2])
    pyramid = [torch.zeros(1, channels, 512 // s, 384 // s) for s in (4, 16, 32)]
    masks = torch.full((2, MASK_SIDE, MASK_SIDE), 0.6)
    given = ("boxes", "labels", "scores", "masks", "mask_boxes", *JUDGED_BY)
    sizes = {name: {0: "found"} for name in (*given[:5], *JUDGED)}
    sizes |= {name: {2: f"{name} height", 3: f"{name} width"} for name in JUDGED_BY}
    example = (boxes, labels, torch.tensor([0.9, 0.8]), masks, boxes, *pyramid)
    _trace(VerdictStep(verdict), example, verdict_file(path), given, JUDGED, sizes)
    _finish(verdict_file(path))
    return file_hash(path)


Inputs = dict[str, NDArray[Any]]
"""What a step is given, by the names of its inputs."""


def _mask_inputs(
    network: SpineRCNN, images: Sequence[NDArray[np.float32]], names: tuple[str, ...]
) -> Iterator[Inputs]:
    """What the first step finds in each image, where it finds something."""
    for image in images:
        with torch.no_grad():
            boxes, _, labels, *features = BoxStep(network)(torch.from_numpy(image))
        if len(boxes):
            found = (boxes, labels, *features)
            yield {name: value.numpy() for name, value in zip(names, found, strict=True)}


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, inputs: Iterable[Inputs]) -> None:
        self.inputs = iter(inputs)

    def get_next(self) -> Inputs | None:
        return next(self.inputs, None)


def _quantise(path: Path, inputs: Iterable[Inputs]) -> None:
    """Compute the convolutions in 8 bits, ranges taken from the inputs; the second stage, of which
    boxes and scores come, stays in float32."""
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(io.StringIO()),
        _quiet_logging(),
    ):
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
        nodes = [
            node.name
            for node in onnx.load(prepared).graph.node
            if node.op_type in QUANTISED
            and node.name.startswith(QUANTISED_PARTS)
            and not node.name.startswith(NOT_QUANTISED)
        ]
        quantize_static(
            str(prepared), str(path), _Reader(inputs), nodes_to_quantize=nodes, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip


@contextlib.contextmanager
def _quiet_logging() -> Iterator[None]:
    """The quantiser logs advice at the root logger that is of no use to a user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


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
