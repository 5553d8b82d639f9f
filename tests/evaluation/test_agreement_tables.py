import math
from dataclasses import replace

import numpy as np
import pytest

from spinetk.evaluation.agreement_tables import (
    angle_table,
    grade_table,
    radiomics_table,
    size_table,
)
from spinetk.evaluation.row_tables import frames_of
from spinetk.evaluation.rows import SIZES, AngleResult
from tests.evaluation.known_rows import FOUND


def test_sizes_have_their_error_and_its_spread_in_the_sets_unit() -> None:
    offsets, rest = (-1.0, 0.0, 1.0, 2.0), FOUND.reference_sizes[5:]  # type: ignore[index]
    rows = [
        replace(
            FOUND, dataset=dataset, in_mm=dataset == "a",
            reference_sizes=(20.0 + k, math.nan, 25.0, 30.0, 800.0, *rest),
            found_sizes=(20.0 + k + offset, math.nan, 25.0, 30.0, 800.0, *rest),
        )
        for dataset in "ab"
        for k, offset in enumerate(offsets)
    ]  # fmt: skip
    table = size_table(frames_of(rows, (), (), (), ()).instances, ["dataset", "kind"])
    first = table[table["size"] == "height_anterior"].set_index("dataset")
    assert first.loc["a", "unit"] == "mm" and first.loc["b", "unit"] == "px"
    assert first.loc["a", "mean_error"] == pytest.approx(0.5)
    assert first.loc["a", "sd"] == pytest.approx(np.std(offsets, ddof=1))
    assert "height_middle" not in set(table["size"])  # not measured on any
    assert set(table[table["size"] == "area"]["unit"]) == {"mm²", "px²"}


def test_agreement_within_levels_is_not_that_over_all_bodies() -> None:
    """Levels differ by 10, persons by 1, and the error has a standard deviation of 1."""
    random = np.random.default_rng(5)
    rest = FOUND.reference_sizes[1:]  # type: ignore[index]
    rows = []
    for person in range(200):
        own = random.normal()
        for place, level in enumerate(("L1", "L2", "L3")):
            true = 30 + 10 * place + own
            found = true + random.normal()
            sizes = {"reference_sizes": (true, *rest), "found_sizes": (found, *rest)}
            rows.append(replace(FOUND, patient=f"p{person}", level=level, **sizes))
    table = size_table(frames_of(rows, (), (), (), ()).instances, ["dataset", "kind"])
    [row] = table[table["size"] == "height_anterior"].to_dict("records")
    assert row["icc"] > 0.97
    assert row["icc_level"] == pytest.approx(0.67, abs=0.05)
    assert row["icc_level_low"] < row["icc_level"]
    unknown = [replace(item, level=None) for item in rows]
    table = size_table(frames_of(unknown, (), (), (), ()).instances, ["dataset", "kind"])
    assert table["icc_level"].isna().all() and (table["icc"] > 0.97).any()


def test_features_are_told_of_all_and_of_middle_slices() -> None:
    rows = [
        replace(FOUND, middle=k < 3, found_features=(0.1 * k, 3.0, 50.0, 4.0)) for k in range(6)
    ]
    table = radiomics_table(frames_of(rows, (), (), (), ()).instances, ["dataset", "kind"])
    skewness = table[table["feature"] == "skewness"].set_index("slices")
    assert skewness.loc["all", "n"] == 6 and skewness.loc["middle", "n"] == 3
    assert skewness.loc["all", "mean_error"] == pytest.approx(0.25)


def test_angles_have_their_error_in_degrees() -> None:
    rows = [
        AngleResult(f"s/{k}", "s", f"p{k}", "cobb", 10.0 * k, 10.0 * k + error)
        for k, error in enumerate((-2.0, 1.0, 4.0, 1.0))
    ]
    [row] = angle_table(frames_of((), (), (), (), (), rows).angles).to_dict("records")
    assert (row["angle"], row["n"], row["patients"]) == ("cobb", 4, 4)
    assert row["mean_error"] == 1.0 and row["mean_absolute_error"] == 2.0
    assert row["icc"] > 0.9 and row["not_told"] == 0
    rows += [replace(rows[0], patient="p9", found=math.nan)]
    [again] = angle_table(frames_of((), (), (), (), (), rows).angles).to_dict("records")
    assert again["not_told"] == 1 and again["icc"] == row["icc"]
    assert angle_table(frames_of((), (), (), (), ()).angles).empty


def test_grades_tell_what_was_told_and_what_was_called_deformed() -> None:
    def graded(reference: float, found: float) -> object:
        place = SIZES.index("genant_grade")
        pair = []
        for values, grade in ((FOUND.reference_sizes, reference), (FOUND.found_sizes, found)):
            pair.append((*values[:place], grade, *values[place + 1 :]))  # type: ignore[index]
        return replace(FOUND, reference_sizes=pair[0], found_sizes=pair[1])

    pairs = [(0, 0), (0, 1), (0, 0), (1, 1), (2, 0), (3, 2), (3, 1), (0, math.nan), (3, math.nan)]
    rows = [graded(*pair) for pair in pairs]
    [row] = grade_table(frames_of(rows, (), (), (), ()).instances).to_dict("records")  # type: ignore[arg-type]
    assert (row["bodies"], row["deformed"], row["severe"]) == (9, 5, 3)
    assert row["not_measured"] == 2
    assert row["same_percent"] == pytest.approx(300 / 9)
    assert row["deformed_told_percent"] == 60
    assert row["sound_called_deformed_percent"] == pytest.approx(25)
    assert row["severe_told_percent"] == pytest.approx(100 / 3)
