from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from spinetk.boxes import box_iou, mask_box
from spinetk.errors import UsageError
from spinetk.network.detector import Detector
from spinetk.network.fitting import fit_slice
from spinetk.network.loaded import LoadedModel
from spinetk.network.registry import find_model, shipped_models, verdict_file
from spinetk.phantom import Phantom


def test_masks_lie_in_the_boxes_that_they_were_made_of(
    phantom: Phantom, mr_model: LoadedModel
) -> None:
    one = phantom.volume[4]
    given = fit_slice(one, (0.7, 0.7), 512)
    boxes = mr_model.detector.find_boxes(given)
    both = mr_model.detector.find_masks(boxes, 0.5)
    kept = boxes.scores >= 0.5
    assert kept.sum() > 5
    np.testing.assert_array_equal(boxes.labels[kept], both.labels)
    assert both.masks.shape == (kept.sum(), *one.shape)
    for box, mask in zip(boxes.boxes[kept], both.masks, strict=True):
        assert box_iou(box[None], np.array([mask_box(mask)], dtype=np.float32))[0, 0] > 0.7


def test_nothing_found_gives_no_mask(mr_model: LoadedModel) -> None:
    given = fit_slice(np.zeros((64, 48), dtype=np.float32), None, 512)
    masks = mr_model.detector.find_masks(mr_model.detector.find_boxes(given), 0.5).masks
    assert masks.shape == (0, 64, 48)


@pytest.mark.parametrize("name", ["mr", "ct", "xr"])
def test_a_shipped_network_is_what_its_card_says(name: str) -> None:
    assert name in shipped_models()
    model = find_model(name)
    assert model.card["sha256"] == model.sha256
    for suffix in (".onnx", ".masks.onnx", ".safetensors"):
        assert model.path.with_suffix(suffix).stat().st_size <= 15e6
    if verdict_file(model.path).is_file():
        assert verdict_file(model.path).stat().st_size <= 1e6
        assert model.calibration is not None
    assert {"data", "held_out_patients_sha256", "date", "spinetk", "figures"} <= model.card.keys()


def test_missing_and_foreign_networks_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not one of the shipped networks"):
        find_model("spine9000")
    with pytest.raises(UsageError, match="no such file"):
        find_model(tmp_path / "gone.onnx")
    (tmp_path / "bare.onnx").write_bytes(b"")
    with pytest.raises(UsageError, match=r"bare.masks.onnx is missing"):
        find_model(tmp_path / "bare.onnx")
    (tmp_path / "bare.masks.onnx").write_bytes(b"")
    with pytest.raises(UsageError, match=r"card bare.json is missing"):
        find_model(tmp_path / "bare.onnx")
    (tmp_path / "bare.json").write_text("{}")
    with pytest.raises(UsageError, match="not complete"):
        find_model(tmp_path / "bare.onnx")
    with pytest.raises(UsageError, match="cannot be loaded"):
        Detector(tmp_path / "bare.onnx")
    node = helper.make_node("Identity", ["image"], ["other"])
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in ("image", "other")]
    graph = helper.make_graph([node], "g", value[:1], value[1:])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "x.onnx"
    )
    with pytest.raises(UsageError, match="not a network that SpineTK exported"):
        Detector(tmp_path / "x.onnx")
