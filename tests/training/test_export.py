import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")
onnx = pytest.importorskip("onnx", reason="needs the train extra")

from pathlib import Path

import numpy as np

from spinetk.network.detector import FEATURES, Detector
from spinetk.network.fitting import Fit, NetworkInput
from spinetk.network.registry import mask_file
from spinetk.training.config import NetworkConfig
from spinetk.training.export import export_onnx
from spinetk.training.network import SpineRCNN
from spinetk.training.weights import load_weights, save_weights


def test_onnx_runtime_gives_what_torch_gives(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = SpineRCNN(NetworkConfig()).eval()
    with torch.no_grad():  # an untrained network finds nothing: let it
        network.regions.box_predictor.cls_score.bias += torch.tensor([-3.0, 2.0, 0.0])
    save_weights(network, tmp_path / "w.safetensors")
    load_weights(network, tmp_path / "w.safetensors")  # both sides run on fp16-rounded weights
    export_onnx(network, tmp_path / "n.onnx")
    detector = Detector(tmp_path / "n.onnx")
    for seed, size in ((0, (256, 256)), (1, (320, 160))):  # any size, in multiples of 32
        image = np.random.default_rng(seed).normal(0, 1, (1, 1, *size)).astype(np.float32)
        with torch.no_grad():
            expected = network(torch.from_numpy(image))
        boxes = detector.find_boxes(NetworkInput(image, Fit((1.0, 1.0), *size)))
        assert len(boxes.boxes) == len(expected.boxes) > 0
        np.testing.assert_allclose(boxes.boxes, expected.boxes, atol=0.05)
        np.testing.assert_allclose(boxes.scores, expected.scores, atol=2e-3)
        np.testing.assert_array_equal(boxes.labels, expected.labels)
        features = dict(zip(FEATURES, boxes.features, strict=True))
        given = {"boxes": boxes.boxes, "labels": boxes.labels, **features}
        masks, spanned = detector._outline.run(None, given)
        np.testing.assert_allclose(masks, expected.masks, atol=0.01)
        np.testing.assert_allclose(spanned, expected.mask_boxes, atol=0.05)


def test_in_8_bits_the_network_finds_the_same_and_one_that_finds_nothing_is_written_too(
    tmp_path: Path,
) -> None:
    torch.manual_seed(3)
    network = SpineRCNN(NetworkConfig()).eval()
    rng = np.random.default_rng(0)
    images = [rng.normal(0, 1, (1, 1, 128, 128)).astype(np.float32) for _ in range(2)]
    bias = network.regions.box_predictor.cls_score.bias
    with torch.no_grad():
        bias += torch.tensor([20.0, 0.0, 0.0])  # everything is background
    export_onnx(network, tmp_path / "nothing.onnx", images)
    given = NetworkInput(images[0], Fit((1.0, 1.0), 128, 128))
    assert len(Detector(tmp_path / "nothing.onnx").find_boxes(given).boxes) == 0
    with torch.no_grad():
        bias += torch.tensor([-23.0, 2.0, 0.0])
    export_onnx(network, tmp_path / "float.onnx")
    export_onnx(network, tmp_path / "eight.onnx", images)
    kinds = [
        {node.op_type for node in onnx.load(path).graph.node}
        for path in (tmp_path / "eight.onnx", mask_file(tmp_path / "eight.onnx"))
    ]
    assert all("QuantizeLinear" in one for one in kinds)
    precise, eight = (Detector(tmp_path / f"{name}.onnx") for name in ("float", "eight"))
    found = eight.find_boxes(given)
    assert len(found.boxes) > 0
    outlines = [one.find_masks(one.find_boxes(given), 0.0).masks for one in (precise, eight)]
    assert all(len(masks) > 0 for masks in outlines)
    for wanted, got in zip(precise.find_boxes(given).features, found.features, strict=True):
        error = np.abs(wanted - got).mean() / np.abs(wanted).mean()
        assert error < 0.1
