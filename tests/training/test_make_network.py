import pytest

pytest.importorskip("torch", reason="needs the train extra")

import json
from pathlib import Path

from spinetk.training.make_network import train_run
from tests.make_dataset import make_dataset


def test_from_data_to_a_network_file_that_segment_takes(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "toy", patients=5)
    (tmp_path / "c.toml").write_text(
        "iterations = 2\nbatch_size = 1\ninput_size = 128\nsampled_regions = 16\n"
    )
    path = train_run([folder], tmp_path / "run", tmp_path / "c.toml", 0.2, quiet=True)
    card = json.loads(path.with_suffix(".json").read_text())
    [hidden] = card["held_out_patients_sha256"]
    trained = card["trained_patients_sha256"]
    assert len(trained) == 4 and hidden not in trained
    assert "toy-0" not in path.with_suffix(".json").read_text()  # no patient id in a card
    assert card["data"][0]["patients"] == 5
    from spinetk.network.loaded import load_model

    assert load_model(path).model.classes == ("vertebral_body", "intervertebral_disc")
    # a network that starts from it names its data, too
    folder = make_dataset(tmp_path / "more", patients=5)
    weights = str(path.with_suffix(".safetensors"))
    second = train_run([folder], tmp_path / "b", tmp_path / "c.toml", 0.2, init=weights, quiet=True)
    start = json.loads(second.with_suffix(".json").read_text())["started_from"]
    assert [one["name"] for one in start["data"]] == ["toy"]
    assert start["sha256"] == card["sha256"] and "started_from" not in start
