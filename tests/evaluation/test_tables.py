"""The tables from rows that are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from spinetk.errors import SpineError
from spinetk.evaluation.participants import participant_tests
from spinetk.evaluation.precision import picked_threshold, precision_recall
from spinetk.evaluation.row_tables import frames_of, put_together
from spinetk.evaluation.rows import InstanceResult, Proposal, SliceResult
from spinetk.evaluation.tables import all_tables, markdown, miss_table, selection_table

FOUND = InstanceResult(
    image="s/a", dataset="s", patient="p1", modality="MR", level="L4", middle=True,
    kind="vertebral_body", region="lumbar", box=(0.0, 0.0, 10.0, 10.0), iou=0.9, detected=True,
    cause=None, dice=0.95, surface_px=1.0, surface_mm=0.5, score=0.9, named="L4",
    reference_features=(0.0, 3.0, 50.0, 4.0), found_features=(0.1, 3.1, 51.0, 4.1),
)  # fmt: skip
MISSED = replace(
    FOUND, iou=0.0, detected=False, cause="not found", dice=0.0, surface_px=None, surface_mm=None,
    score=None, named=None, reference_features=None, found_features=None,
)  # fmt: skip
RIGHT = Proposal("s/a", "s", "MR", "vertebral_body", 0.9, (0.0, 0.0, 10.0, 10.0), True)
WRONG = replace(RIGHT, box=(50.0, 50.0, 60.0, 60.0))


def test_misses_are_listed_by_cause() -> None:
    rows = [FOUND, MISSED, replace(MISSED, cause="border"), replace(MISSED, cause="border")]
    table = miss_table(frames_of(rows, (), (), (), ()).instances)
    assert dict(zip(table["cause"], table["missed"], strict=True)) == {"border": 2, "not found": 1}
    assert table["percent_of_all"].sum() == pytest.approx(75)


def test_the_threshold_with_the_best_f1_is_found() -> None:
    """A wrong proposal scores 0.6: below it precision falls, at 0.8 everything is right."""
    rows = [replace(FOUND, image=f"s/{i}") for i in range(10)]
    proposals = [replace(RIGHT, image=f"s/{i}", score=0.8 + i / 100) for i in range(10)]
    proposals += [replace(WRONG, image=f"s/{i}", score=0.6) for i in range(10)]
    frames = frames_of(rows, (), proposals, (), ())
    curve = precision_recall(frames.instances, frames.proposals)
    assert curve is not None
    assert curve.best_threshold == pytest.approx(0.8) and curve.best_f1 == pytest.approx(1)
    assert curve.average_precision == pytest.approx(1)


def test_proposals_that_nobody_can_judge_are_not_held_against_the_network() -> None:
    proposals = [RIGHT, replace(WRONG, score=0.99, known=False)]
    frames = frames_of([FOUND], (), proposals, (), ())
    curve = precision_recall(frames.instances, frames.proposals)
    assert curve is not None and curve.average_precision == pytest.approx(1)


def test_a_false_body_on_an_empty_image_lowers_the_precision() -> None:
    proposals = [RIGHT, replace(WRONG, image="s/empty", score=0.95)]
    frames = frames_of([FOUND], (), proposals, (), ())
    curve = precision_recall(frames.instances, frames.proposals)
    assert curve is not None and curve.precision[0] == 0 and curve.best_f1 == pytest.approx(2 / 3)


def test_of_equally_good_thresholds_the_lowest_is_picked() -> None:
    """With or without the last of 300 the F1 is as good; a hundred wrong ones at 0.1 end that."""
    rows = [replace(FOUND, image=f"s/{i}") for i in range(300)]
    scores = [0.3] + [0.9] * 299
    proposals = [replace(RIGHT, image=f"s/{i}", score=s) for i, s in enumerate(scores)]
    proposals += [replace(WRONG, image=f"s/{i}", score=0.1) for i in range(100)]
    frames = frames_of(rows, (), proposals, (), ())
    curve = precision_recall(frames.instances, frames.proposals)
    assert curve is not None and curve.best_threshold == pytest.approx(0.3)


def test_a_network_has_one_threshold_for_all_its_classes() -> None:
    """Bodies are right at 0.9, discs at 0.4, with a wrong disc at 0.2: both are wanted."""
    disc = {"kind": "intervertebral_disc", "image": "s/b"}
    rows = [FOUND, replace(FOUND, **disc)]
    proposals = [RIGHT, replace(RIGHT, score=0.4, **disc), replace(WRONG, score=0.2, **disc)]
    assert picked_threshold(frames_of(rows, (), proposals, (), ())) == pytest.approx(0.4)
    assert picked_threshold(frames_of(rows, (), (), (), ())) is None


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
    assert {"structures", "folds", "levels", "radiomics", "precision"} <= tables.keys()
    assert list(tables["folds"]["fold"]) == [1, 2]
    assert list(tables["levels"]["level"]) == ["T12", "L4", "L5"]  # from the neck down
    assert "vertebral body" in markdown(tables["structures"])


def test_participants_that_differ_are_told() -> None:
    names = [f"p{i}" for i in range(20)]
    table = pd.DataFrame(
        {
            "participant_id": names,
            "age": np.r_[np.arange(60, 70), np.arange(20, 30)],
            "sex": ["F", "M"] * 10,
            "site": [f"s{i}" for i in range(20)],
        }
    )
    folds = [frozenset(names[:10]), frozenset(names[10:])]
    with pytest.raises(SpineError, match="none of its participant_id"):
        participant_tests(table, [frozenset({"other"})])
    prefixed = participant_tests(
        table.assign(participant_id="sub-" + table["participant_id"]), folds
    )
    assert list(prefixed["n_test"]) == [10, 10, 10, 10]  # BIDS's "sub-" is the same participant
    tests = participant_tests(table, folds).set_index(["column", "fold"])
    assert tests.loc[("age", 1), "t_test_p"] < 1e-6
    assert tests.loc[("sex = F", 1), "t_test_p"] == pytest.approx(1)
    assert "site" not in tests.index.get_level_values(0)
