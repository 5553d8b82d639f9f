import csv
from pathlib import Path

from spinetk.writers.measurements_csv import write_measurements


def test_values_are_plain(tmp_path: Path) -> None:
    rows = [{"level": None, "truncated": True, "area": 1 / 3, "n": 3, "kind": 'a "b", c'}]
    write_measurements(tmp_path / "a.csv", rows)  # type: ignore[arg-type]
    with (tmp_path / "a.csv").open(newline="") as stream:
        [row] = csv.DictReader(stream)
    assert row == {
        "level": "", "truncated": "true", "area": "0.3333333333", "n": "3", "kind": 'a "b", c',
    }  # fmt: skip
