"""Evaluation against results that are known: a network that is right, and one that is not."""

import json
from pathlib import Path

import pytest

from spinetk.errors import SpineError, UsageError
from spinetk.evaluation.evaluate import evaluate_run
from spinetk.evaluation.row_tables import load_frames
from spinetk.network.loaded import LoadedModel
from tests.make_dataset import make_dataset


def test_figures_and_tables_are_written(
    tmp_path: Path, mr_model: LoadedModel, shared_data: Path
) -> None:
    (tmp_path / "ids.txt").write_text("mr_vb2-0008\n")
    table = evaluate_run(
        [shared_data / "mr_vb2"], tmp_path / "out", "mr", str(tmp_path / "ids.txt"), quiet=True
    )
    content = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert content["patients"] == ["mr_vb2-0008"]
    [row] = [r for r in content["tables"]["data_sets"] if r["slices"] == "all"]
    assert row["instances"] == 49 and row["detected_percent"] > 90 and row["dice"] > 0.88
    assert f"{row['detected_percent']:.1f}" in table
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "figures.json", "figures.md", "rows", "tables", "figures", "report.html",
    }  # fmt: skip
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<img") >= 6 and 'src="http' not in page
    frames = load_frames(tmp_path / "out" / "rows")
    assert len(frames.instances) == 49 and frames.times["network"].max() > 0
    assert (frames.times["whole"] > frames.times["network"]).all()


def test_unknown_patients_and_sets_are_one_line(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "toy")
    (tmp_path / "ids.txt").write_text("somebody else\n")
    with pytest.raises(SpineError, match="no annotated image"):
        evaluate_run([folder], tmp_path / "out", "mr", str(tmp_path / "ids.txt"), quiet=True)
    with pytest.raises(UsageError, match="patients nobody"):
        evaluate_run([folder], tmp_path / "out", "mr", "nobody", quiet=True)
