from dataclasses import replace

import pandas as pd
import pytest

from spinetk.evaluation.quality_table import quality_table, verdict_table
from spinetk.evaluation.row_tables import frames_of


def test_poor_outlines_flags_and_bounds_are_counted() -> None:
    empty = frames_of((), (), (), (), ())
    found = pd.DataFrame(
        {
            "dataset": "set",
            "kind": "vertebral_body",
            "dice": [0.95, 0.90, 0.60, 0.80, 0.95],
            "quality": [0.94, 0.92, 0.70, 0.90, None],  # the last one was not judged
            "quality_low": [0.90, 0.91, 0.50, 0.79, None],
            "flagged": [False, True, True, False, None],
        }
    )
    false = pd.DataFrame(
        {
            "dataset": ["set"], "kind": ["vertebral_body"], "quality": [0.4],
            "quality_low": [0.1], "flagged": [True],
        }
    )  # fmt: skip
    frames = replace(empty, instances=found, false_positives=false)
    [row] = quality_table(frames).to_dict("records")
    assert (row["instances"], row["poor"]) == (5, 3)
    assert row["poor_flagged_percent"] == pytest.approx(200 / 3)
    assert row["good_flagged_percent"] == 50
    assert row["as_good_as_bound_percent"] == 60  # 0.90 is below 0.91, nothing is there below 0.1
    assert row["mean_difference"] == pytest.approx((0.01 + 0.02 + 0.1 + 0.1 + 0.4) / 5)


def test_a_network_that_does_not_judge_has_no_table() -> None:
    assert quality_table(frames_of((), (), (), (), ())).empty


def test_how_often_a_verdict_is_right() -> None:
    found = pd.DataFrame(
        {
            "dataset": "set",
            "kind": "vertebral_body",
            "dice": [0.95, 0.90, 0.60, 0.80, 0.95, 0.2, 0.3],
            "verdict": ["ok", "check", "check", "ok", "ok", "reject", "check"],
            "cause": [None, None, None, None, None, None, "border"],
        }
    )
    false = pd.DataFrame({"dataset": ["set"], "kind": ["vertebral_body"], "verdict": ["check"]})
    frames = replace(frames_of((), (), (), (), ()), instances=found, false_positives=false)
    [row] = verdict_table(frames).to_dict("records")
    assert (row["instances"], row["poor"]) == (6, 3)
    assert row["ok_percent"] == 50
    assert row["ok_that_are_good_percent"] == pytest.approx(200 / 3)
    assert row["poor_to_check_percent"] == pytest.approx(200 / 3)
    assert row["good_to_check_percent"] == pytest.approx(100 / 3)
