import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from spinetk.errors import UsageError
from spinetk.naming import NamingRule
from spinetk.network.registry import (
    FOR_MODALITY,
    MODELS,
    file_hash,
    find_model,
    mask_file,
    shipped_models,
    verdict_file,
)


@pytest.mark.parametrize("name", shipped_models())
def test_every_shipped_network_is_the_one_of_its_card(name: str) -> None:
    model = find_model(name)
    assert (
        model.sha256
        == file_hash(model.path)
        == json.loads(model.path.with_suffix(".json").read_text())["sha256"]
    )
    assert mask_file(model.path).is_file() and model.path.with_suffix(".md").is_file()
    assert 0 < model.score_threshold < 1 and model.classes[:1] == ("vertebral_body",)


def test_every_modality_has_a_network_made_for_it() -> None:
    for modality, name in FOR_MODALITY.items():
        assert modality in find_model(name).input_sides


def test_a_network_of_ones_own_is_named_by_its_file(tmp_path: Path) -> None:
    for path in MODELS.glob("mr*"):
        if path.suffix in (".onnx", ".json"):
            shutil.copy(path, tmp_path / path.name.replace("mr", "own", 1))
    assert find_model(tmp_path / "own.onnx").classes == find_model("mr").classes
    (tmp_path / "own.json").unlink()
    with pytest.raises(UsageError):
        find_model(tmp_path / "own.onnx")
    with pytest.raises(UsageError, match="nosuch"):
        find_model("nosuch")


@pytest.mark.parametrize("harm", ["another's", "zeros", "no masks of its own", "no verdict"])
def test_files_that_are_not_the_cards_are_no_network(harm: str, tmp_path: Path) -> None:
    for path in find_model("mr").path.parent.glob("mr.*"):
        shutil.copy(path, tmp_path)
    path = tmp_path / "mr.onnx"
    assert find_model(path).sha256 == find_model("mr").sha256
    if harm == "another's":
        shutil.copy(find_model("xr").path, path)
    elif harm == "zeros":
        content = bytearray(path.read_bytes())
        content[4_000_000:4_000_400] = bytes(400)
        path.write_bytes(content)
    elif harm == "no masks of its own":
        shutil.copy(mask_file(find_model("xr").path), mask_file(path))
    else:
        verdict_file(path).unlink()
    with pytest.raises(UsageError, match="not those that its card names"):
        find_model(path)


def test_looks_name_no_levels_where_no_confidence_was_found_good_enough() -> None:
    model = find_model("mr")
    assert model.calibration is not None and model.naming == model.calibration.naming
    never = replace(model.calibration, naming=NamingRule(weight=1.0, bound=1.01))
    assert replace(model, calibration=never).naming is None
    assert replace(model, calibration=None).naming is None


@pytest.mark.parametrize("name", shipped_models())
def test_every_shipped_network_that_judges_is_calibrated(name: str) -> None:
    """Without bounds every outline is good and every level sure."""
    calibration = find_model(name).calibration
    assert calibration is not None
    assert 0.5 < calibration.quality_bound < 1 and calibration.naming.bound > 0.5
