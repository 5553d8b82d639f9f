"""Spread by level and what stands out, with memory that does not grow."""

import csv
from pathlib import Path

import numpy as np
import pytest

from spinetk.cohort import distributions
from spinetk.cohort.distributions import outliers, spreads
from spinetk.cohort.long_table import COLUMNS, write_table


def table(path: Path, values: dict[str, float], measure: str = "area") -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        for result, value in values.items():
            writer.writerow(
                dict.fromkeys(COLUMNS, "")
                | {"result": result, "measure": measure, "unit": "mm²", "level": "L3",
                   "structure": "vertebral_body", "value": value, "truncated": "false"}
            )  # fmt: skip
    return path


def test_a_person_of_twice_the_size_stands_out(cohort: Path) -> None:
    write_table(cohort)
    path = cohort / "measurements.csv"
    found = outliers(path, spreads(path))
    assert {outlier.result for outlier in found} == {"person-07"}
    assert found[0].far > found[-1].far > 3.5


def test_a_large_cohort_is_sampled_and_its_quartiles_are_near(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributions, "KEPT", 500)
    rng = np.random.default_rng(1)
    path = table(tmp_path / "t.csv", {f"p{k}": v for k, v in enumerate(rng.normal(100, 10, 9000))})
    [spread] = spreads(path).values()
    assert spread.count == 9000 and len(spread.sample) == 500
    assert spread.quartiles == pytest.approx((93.3, 100, 106.7), abs=1.5)
    assert spread.scale == pytest.approx(10, rel=0.15)


def test_few_values_tell_nothing(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {"a": 1.0, "b": 1.1, "c": 0.9, "d": 50.0})
    assert outliers(path, spreads(path)) == []


def test_what_the_border_cuts_and_what_nobody_looks_at_is_left_out(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", {"a": 1.0}, measure="kurtosis")
    assert spreads(path) == {}
    text = table(tmp_path / "u.csv", {"a": 1.0}).read_text().replace("false", "true")
    (tmp_path / "u.csv").write_text(text)
    assert spreads(tmp_path / "u.csv") == {}
    text = table(tmp_path / "v.csv", {"a": 1.0}).read_text()
    (tmp_path / "v.csv").write_text(text.replace("mm²", "px²"))
    assert spreads(tmp_path / "v.csv") == {}
