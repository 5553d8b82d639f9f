"""A whole cross-validation on toy images, as small as it can be."""

import pytest

pytest.importorskip("torch", reason="needs the train extra")

import json
from pathlib import Path

import pandas as pd

from spinetk.datasets.splits import patient_hash
from spinetk.errors import UsageError
from spinetk.training import crossval
from spinetk.training.crossval import crossval_run
from tests.make_dataset import make_dataset

CONFIG = """
iterations = 2
batch_size = 1
input_size = 96
sampled_regions = 8
[fitted_side]
MR = 128
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("crossval")
    make_dataset(root / "toy", patients=4)
    rows = "".join(f"toy-000{i}\t{40 + i}\n" for i in range(4))
    (root / "toy" / "participants.tsv").write_text("participant_id\tage\n" + rows)
    (root / "c.toml").write_text(CONFIG)
    crossval_run([root / "toy"], root / "run", root / "c.toml", 2, quiet=True)
    return root


def test_every_patient_is_tested_once_by_a_network_that_never_saw_it(folder: Path) -> None:
    run = folder / "run"
    folds = {
        int(n): set(ids) for n, ids in json.loads((run / "folds.json").read_text())["folds"].items()
    }
    assert folds[1] | folds[2] == {f"toy-000{i}" for i in range(4)} and not folds[1] & folds[2]
    for number in (1, 2):
        card = json.loads((run / f"fold-{number}" / "model.json").read_text())
        hidden = {patient_hash(p) for p in folds[number]}
        assert set(card["held_out_patients_sha256"]) == hidden
        assert not hidden & set(card["trained_patients_sha256"])
    rows = pd.read_csv(run / "rows" / "instances.csv.gz")
    assert len(rows) == 4 * 6  # three bodies, three discs
    for number, group in rows.groupby("fold"):
        assert set(group["patient"]) == folds[int(number)]


def test_tables_figures_and_the_page_are_there(folder: Path) -> None:
    run = folder / "run"
    content = json.loads((run / "figures.json").read_text())
    assert {"folds", "structures", "participants"} <= content["tables"].keys()
    assert 0 <= content["picked_score_threshold"] <= 1
    assert len(content["training_minutes_of_each_fold"]) == 2
    page = (run / "report.html").read_text()
    assert "2-fold cross-validation" in page and "<script" not in page
    for name in ("dice", "bland_altman"):
        assert (run / "figures" / f"{name}.svg").is_file()


def test_finished_folds_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a finished fold was trained again")

    monkeypatch.setattr(crossval, "train_run", never)
    crossval_run([folder / "toy"], folder / "run", folder / "c.toml", 2, quiet=True)


def test_what_would_spoil_the_folds_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="other folds"):
        crossval_run([folder / "toy"], folder / "run", folder / "c.toml", 4, quiet=True)
    (folder / "d.toml").write_text(CONFIG.replace("= 2", "= 3", 1))
    with pytest.raises(UsageError, match="configuration"):
        crossval_run([folder / "toy"], folder / "run", folder / "d.toml", 2, quiet=True)
    with pytest.raises(UsageError, match="at least 9 annotated patients"):
        crossval_run([folder / "toy"], folder / "new", None, 9, quiet=True)
    seen = str(folder / "run" / "fold-1" / "model.safetensors")
    with pytest.raises(UsageError, match="was trained on 2 of these patients"):
        crossval_run([folder / "toy"], folder / "new", None, 2, init=seen, quiet=True)
