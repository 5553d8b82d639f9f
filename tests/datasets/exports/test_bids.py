import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from spinetk.datasets.exports.bids import bids_name, export_bids
from spinetk.errors import UsageError
from spinetk.results.looks import Look, write_look
from spinetk.results.record import Record, UsedModel


def renamed(result: Path, key: str, correction: dict[str, object] | None = None) -> Path:
    """A copy of a result under another key."""
    place = Path(shutil.copytree(result, result.parent / key))
    record = json.loads((place / "run.json").read_text()) | {"key": key, "correction": correction}
    (place / "run.json").write_text(json.dumps(record))
    return place


def test_a_result_is_a_derivative_of_its_subject(own_result: Path, tmp_path: Path) -> None:
    place = renamed(own_result, "sub-07_ses-b_acq-sag_T1w")
    shutil.rmtree(own_result)
    assert export_bids(place.parent, tmp_path / "out") == {"results": 1}
    stem = "sub-07/ses-b/anat/sub-07_ses-b_acq-sag_desc-"
    image, mask = (
        sitk.ReadImage(str(tmp_path / "out" / f"{stem}{name}.nii.gz"))
        for name in ("slice_T1w", "spine_dseg")
    )
    assert image.GetSize() == mask.GetSize() and image.GetDirection() == mask.GetDirection()
    own = sitk.GetArrayFromImage(sitk.ReadImage(str(place / "mask.nii.gz")))
    assert np.array_equal(sitk.GetArrayFromImage(mask), own)
    table = tmp_path / "out" / f"{stem}spine_dseg.tsv"
    rows = list(csv.DictReader(table.open(), dialect="excel-tab"))
    assert {int(row["index"]) for row in rows} == set(np.unique(own)) - {0}
    assert {"L4", "L4-L5"} <= {row["name"] for row in rows}
    assert all(value != "" for row in rows for value in row.values())
    about = json.loads((tmp_path / "out" / "dataset_description.json").read_text())
    assert about["DatasetType"] == "derivative"
    made = json.loads((tmp_path / "out" / f"{stem}spine_dseg.json").read_text())
    assert made["Manual"] is False


def test_the_newest_version_counts_and_other_keys_become_subjects(
    own_result: Path, tmp_path: Path
) -> None:
    corrected = {"of": "x", "who": "a reader", "when": "2026-01-01T00:00:00", "changes": []}
    changed = json.loads((own_result / "run.json").read_text())
    for number in (2, 10):
        renamed(own_result, f"{changed['key']}-corrected-{number}", corrected)
    renamed(own_result, "ünder_way.x")
    (renamed(own_result, "bare") / "mask.nii.gz").unlink()
    counts = export_bids(own_result.parent, tmp_path / "out")
    assert counts == {"results": 2, "without image.nii.gz, mask.nii.gz and instances.csv": 1}
    subject = "".join(letter for letter in changed["key"] if letter.isalnum())
    [path] = (tmp_path / "out" / f"sub-{subject}").rglob("*_dseg.json")
    assert json.loads(path.read_text())["Manual"] is True
    assert (tmp_path / "out" / "sub-nderwayx").is_dir()
    with pytest.raises(UsageError, match="is not empty"):
        export_bids(own_result.parent, tmp_path / "out")
    with pytest.raises(UsageError, match="holds no result"):
        export_bids(tmp_path / "out", tmp_path / "other")


@pytest.mark.parametrize("table", [b"\xff\xfe", b"label,level\n1,L5\n", b'a,"b\n'])
def test_a_damaged_table_is_left_out_by_name(
    table: bytes, own_result: Path, tmp_path: Path
) -> None:
    shutil.copytree(own_result, tmp_path / "in" / "whole")
    shutil.copytree(own_result, tmp_path / "in" / "damaged")
    (tmp_path / "in" / "damaged" / "instances.csv").write_bytes(table)
    record = json.loads((own_result / "run.json").read_text()) | {"key": "other"}
    (tmp_path / "in" / "damaged" / "run.json").write_text(json.dumps(record))
    counts = export_bids(tmp_path / "in", tmp_path / "out")
    assert counts == {"results": 1, "whose instances.csv is damaged": 1}


def test_nothing_is_lost_where_names_fall_together(own_result: Path, tmp_path: Path) -> None:
    """One key in two folders, keys that are alike without their signs, contrasts of one session,
    and a real second run."""
    keys = ("a_1_12", "a_11_2", "sub-1_T1w", "sub-1_T2w", "sub-1_run-2_T2w")
    for site in ("siteA", "siteB"):
        for key in ("001", *keys):
            copy = Path(shutil.copytree(own_result, tmp_path / "in" / site / key))
            record = json.loads((copy / "run.json").read_text()) | {"key": key}
            (copy / "run.json").write_text(json.dumps(record))
    assert export_bids(tmp_path / "in", tmp_path / "out") == {"results": 12}
    assert len(list((tmp_path / "out").rglob("*_dseg.nii.gz"))) == 12
    subjects = [path.name for path in (tmp_path / "out").glob("sub-*")]
    assert len(subjects) == 8 and {"sub-001", "sub-a112", "sub-1"} <= set(subjects)
    names = {path.name for path in (tmp_path / "out" / "sub-1" / "anat").glob("*_dseg.nii.gz")}
    assert names == {"sub-1_desc-spine_dseg.nii.gz", "sub-1_desc-spine2_dseg.nii.gz",
                     "sub-1_run-2_desc-spine_dseg.nii.gz"}  # fmt: skip


def test_a_rejected_result_is_not_exported_and_a_weighting_is_not_made_up(
    own_result: Path, tmp_path: Path
) -> None:
    keys = {"p1_t1w": "T1w", "T2w_sag": "T2w", "p3": "MRI", "t1_T2": "MRI", "p4": None}
    for key in keys:
        renamed(own_result, key)
    shutil.rmtree(own_result)
    write_look(own_result.parent, Look("p4", "reject", "Ann", "2026-01-01T10:00:00", ""))
    write_look(own_result.parent, Look("p3", "accept", "Ann", "2026-01-01T10:00:00", ""))
    counts = export_bids(own_result.parent, tmp_path / "out")
    assert counts == {"results": 4, "that a person rejected": 1}
    names = sorted(p.name for p in (tmp_path / "out").rglob("*desc-slice_*.nii.gz"))
    assert names == sorted(
        f"sub-{re.sub('[^0-9A-Za-z]', '', key)}_desc-slice_{suffix}.nii.gz"
        for key, suffix in keys.items() if suffix
    )  # fmt: skip
    said = {
        path.name[4:6]: json.loads(path.read_text())["AcceptedByPerson"]
        for path in (tmp_path / "out").rglob("*_dseg.json")
    }
    assert said == {"p1": False, "T2": False, "p3": True, "t1": False}


@pytest.mark.parametrize(
    "key", ["sub-1_ses-T2_acq-sag", "sub-1_ses-T1_acq-sag_STIR", "patient01_T1", "case_T1_L5"]
)
def test_sessions_times_and_vertebrae_are_no_weightings(key: str) -> None:
    record = Record("0", "", {}, UsedModel("mr", ""), {}, key, "MR", "volume", None, 1, 0, None,
                    (), 0, 0, "", {}, ())  # fmt: skip
    assert bids_name(record)[1] == "MRI"
