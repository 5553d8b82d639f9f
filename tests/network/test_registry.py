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


def test_looks_name_no_levels_where_no_confidence_was_found_good_enough() -> None:
    model = find_model("mr")
    assert model.calibration is not None and model.naming == model.calibration.naming
    never = replace(model.calibration, naming=NamingRule(weight=1.0, bound=1.01))
    assert replace(model, calibration=never).naming is None
    assert replace(model, calibration=None).naming is None
