import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from pathlib import Path

from spinetk.errors import SpineError
from spinetk.training.config import NetworkConfig
from spinetk.training.network import SpineRCNN
from spinetk.training.weights import load_weights, save_weights


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    save_weights(SpineRCNN(NetworkConfig(pyramid_channels=32)), tmp_path / "w.safetensors")
    with pytest.raises(SpineError, match="does not fit"):
        load_weights(SpineRCNN(NetworkConfig()), tmp_path / "w.safetensors")


def test_what_a_class_was_learned_as_is_taken_over_by_name(tmp_path: Path) -> None:
    torch.manual_seed(5)
    old = SpineRCNN(NetworkConfig(classes=("vertebral_body", "intervertebral_disc")))
    save_weights(old, tmp_path / "w.safetensors")
    new = SpineRCNN(NetworkConfig(classes=("implant", "vertebral_body")))
    fresh = new.regions.mask_network.out.weight[:, 1].clone()
    load_weights(new, tmp_path / "w.safetensors", old.config.classes)
    for ours, theirs in ((0, 0), (2, 1)):  # background, body
        torch.testing.assert_close(
            new.regions.mask_network.out.weight[:, ours],
            old.regions.mask_network.out.weight[:, theirs].half().float(),
        )
        torch.testing.assert_close(
            new.regions.box_predictor.bbox_pred.weight[4 * ours : 4 * ours + 4],
            old.regions.box_predictor.bbox_pred.weight[4 * theirs : 4 * theirs + 4].half().float(),
        )
    torch.testing.assert_close(new.regions.mask_network.out.weight[:, 1], fresh)
