import pytest

pytest.importorskip("torch", reason="needs the train extra")

import json
import shutil
from pathlib import Path

from spinetk.datasets.annotated import read_dataset
from spinetk.network.loaded import load_model
from spinetk.network.registry import MODELS, file_hash, find_model, verdict_file
from spinetk.training.config import NetworkConfig, TrainingConfig
from spinetk.training.make_verdict import make_verdict
from tests.make_phantom_set import make_phantom_set


def test_a_network_learns_to_judge_what_it_finds(tmp_path: Path) -> None:
    for suffix in (".onnx", ".masks.onnx"):
        shutil.copyfile(MODELS / f"mr{suffix}", tmp_path / f"own{suffix}")
    card = json.loads((MODELS / "mr.json").read_text())
    card["sha256"] = find_without_verdict(tmp_path, card)
    path = tmp_path / "own.onnx"
    assert load_model(path).model.calibration is None
    images = read_dataset(make_phantom_set(tmp_path / "phantoms", 4)).images
    classes = tuple(card["classes"])
    config = TrainingConfig(network=NetworkConfig(classes=classes), verdict_views=2)
    make_verdict(path, images[:3], images[3:], config)
    model = find_model(path)
    assert verdict_file(path).is_file() and model.card["sha256"] == model.sha256 != card["sha256"]
    calibration = model.card["calibration"]
    assert calibration["outlines"] > 10 and calibration["columns"] == 2
    assert calibration["level_bound"] > 1  # two columns promise nothing
    assert 0 < calibration["quality_bound"] < 1


def find_without_verdict(folder: Path, card: dict[str, object]) -> str:
    sha256 = file_hash(folder / "own.onnx")
    card.pop("calibration", None)
    (folder / "own.json").write_text(json.dumps(card | {"sha256": sha256}))
    return sha256


def test_a_network_that_finds_nothing_goes_without(tmp_path: Path) -> None:
    """Every phantom is emptied: nothing is found of which it is known how good it is."""
    for suffix in (".onnx", ".masks.onnx"):
        shutil.copyfile(MODELS / f"mr{suffix}", tmp_path / f"own{suffix}")
    card = json.loads((MODELS / "mr.json").read_text())
    find_without_verdict(tmp_path, card)
    folder = make_phantom_set(tmp_path / "phantoms", 2)
    for picture in (folder / "images").iterdir():
        import cv2

        cv2.imwrite(str(picture), cv2.imread(str(picture), 0) * 0)
    images = read_dataset(folder).images
    config = TrainingConfig(network=NetworkConfig(classes=tuple(card["classes"])))
    make_verdict(tmp_path / "own.onnx", images[:1], images[1:], config)
    assert not verdict_file(tmp_path / "own.onnx").is_file()
