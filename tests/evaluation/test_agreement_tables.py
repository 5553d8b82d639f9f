import math
from dataclasses import replace

import numpy as np
import pytest

from spinetk.evaluation.agreement_tables import radiomics_table, size_table
from spinetk.evaluation.row_tables import frames_of
from tests.evaluation.known_rows import FOUND


def test_sizes_have_their_error_and_its_spread_in_the_sets_unit() -> None:
    offsets = (-1.0, 0.0, 1.0, 2.0)
    rows = [
        replace(
            FOUND, dataset=dataset, in_mm=dataset == "a",
            reference_sizes=(20.0 + k, math.nan, 25.0, 30.0, 800.0, 0.0, 3.0),
            found_sizes=(20.0 + k + offset, math.nan, 25.0, 30.0, 800.0, 0.0, 3.0),
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


def test_features_are_told_of_all_and_of_middle_slices() -> None:
    rows = [
        replace(FOUND, middle=k < 3, found_features=(0.1 * k, 3.0, 50.0, 4.0)) for k in range(6)
    ]
    table = radiomics_table(frames_of(rows, (), (), (), ()).instances, ["dataset", "kind"])
    skewness = table[table["feature"] == "skewness"].set_index("slices")
    assert skewness.loc["all", "n"] == 6 and skewness.loc["middle", "n"] == 3
    assert skewness.loc["all", "mean_error"] == pytest.approx(0.25)
