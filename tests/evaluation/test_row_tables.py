from dataclasses import replace
from pathlib import Path

import pandas as pd

from spinetk.evaluation.agreement_tables import size_table
from spinetk.evaluation.row_tables import frames_of, load_frames, put_together
from spinetk.evaluation.rows import FalsePositive, SliceResult, TimeResult
from tests.evaluation.known_rows import FOUND, RIGHT

FALSE = FalsePositive("s/a", "s", "MR", "vertebral_body", 0.7)
SERIES = SliceResult("t2", "s", "p1", 15, 7, 8, True, 0.99, 2)
TIME = TimeResult("s/a", "MR", 0.05, 0.12)


def test_rows_come_back_from_disk_and_the_same_rows_give_the_same_files(tmp_path: Path) -> None:
    frames = frames_of([FOUND, replace(FOUND, score=None)], [FALSE], [RIGHT], [SERIES], [TIME])
    frames.save(tmp_path / "a")
    frames.save(tmp_path / "b")
    for name in ("instances", "false_positives", "proposals", "slices", "times"):
        one, other = (tmp_path / folder / f"{name}.csv.gz" for folder in "ab")
        assert one.read_bytes() == other.read_bytes()
        again = getattr(load_frames(tmp_path / "a"), name)
        made = getattr(frames, name).convert_dtypes().dropna(axis=1, how="all")
        again = again.convert_dtypes().dropna(axis=1, how="all")
        pd.testing.assert_frame_equal(again, made, check_dtype=False)
    assert list(frames.instances[["x0", "y0", "x1", "y1"]].iloc[0]) == [0, 0, 10, 10]
    assert frames.instances["found_entropy_bits"].iloc[0] == 4.1


def test_rows_of_an_earlier_version_have_empty_columns(tmp_path: Path) -> None:
    frames = frames_of([FOUND], [FALSE], [RIGHT], [SERIES], [TIME])
    frames.save(tmp_path / "a")
    path = tmp_path / "a" / "instances.csv.gz"
    later = ["quality", "found_height_anterior", "in_mm"]
    pd.read_csv(path).drop(columns=later).to_csv(path, index=False)
    again = load_frames(tmp_path / "a").instances
    assert again[later].isna().all().all() and size_table(again, ["dataset", "kind"]).empty


def test_frames_without_rows_have_their_columns_and_folds_are_numbered() -> None:
    empty = frames_of((), (), (), (), ())
    assert len(empty.instances) == 0 and "dice" in empty.instances
    both = put_together([frames_of([FOUND], (), (), (), ()), empty])
    assert list(both.instances["fold"]) == [1]
