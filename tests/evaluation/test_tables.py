"""The tables from rows that are known."""

from dataclasses import replace

import pytest

from spinetk.evaluation.row_tables import frames_of, put_together
from spinetk.evaluation.rows import SliceResult
from spinetk.evaluation.tables import all_tables, markdown, miss_table, selection_table
from tests.evaluation.known_rows import FOUND, RIGHT

MISSED = replace(
    FOUND, iou=0.0, detected=False, cause="not found", dice=0.0, surface_px=None, surface_mm=None,
    score=None, named=None, reference_features=None, found_features=None,
)  # fmt: skip


def test_misses_are_listed_by_cause() -> None:
    rows = [FOUND, MISSED, replace(MISSED, cause="border"), replace(MISSED, cause="border")]
    table = miss_table(frames_of(rows, (), (), (), ()).instances)
    assert dict(zip(table["cause"], table["missed"], strict=True)) == {"border": 2, "not found": 1}
    assert table["percent_of_all"].sum() == pytest.approx(75)


def test_slice_selection_tells_distance_and_side() -> None:
    base = SliceResult("x", "s", "p", 9, 4, 4, True, 1.0, 2)
    rows = [replace(base, selected=4 + d) for d in (0, 0, 1, 2, -1, 3)]
    [row] = selection_table(frames_of((), (), (), rows, ()).slices).to_dict("records")
    assert row["exact_percent"] == pytest.approx(100 / 3)
    assert row["within_one_percent"] == pytest.approx(400 / 6)
    assert row["mean_error_slices"] == pytest.approx(5 / 6)
    assert row["mean_distance_slices"] == pytest.approx(7 / 6)
    assert (row["smallest_error"], row["largest_error"]) == (-1, 3)
    assert 0.05 < row["t_test_p"] < 0.5


def test_every_table_is_made_and_folds_are_told_apart() -> None:
    rows = [replace(FOUND, dice=d, level=v) for d, v in ((0.9, "L4"), (0.95, "L5"), (0.97, "T12"))]
    one = frames_of(rows, (), [RIGHT], (), ())
    tables = all_tables(put_together([one, one]))
    assert {"structures", "folds", "levels", "radiomics", "sizes", "precision"} <= tables.keys()
    assert list(tables["folds"]["fold"]) == [1, 2]
    assert list(tables["levels"]["level"]) == ["T12", "L4", "L5"]  # from the neck down
    assert "vertebral body" in markdown(tables["structures"])
