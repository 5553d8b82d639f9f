"""The one table: every value of every result, once."""

import csv
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest

from spinetk.cohort.long_table import values_of, write_table
from spinetk.results.looks import Look, write_look
from spinetk.results.record import read_record
from tests.cohort.conftest import PERSONS


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "measurements.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_each_value_of_a_result_is_a_row(one_result: Path) -> None:
    values = list(values_of(one_result, read_record(one_result)))
    instances = list(csv.DictReader((one_result / "instances.csv").open()))
    for instance in instances:
        own = [v for v in values if v.structure == instance["kind"]
               and str(v.order) == instance["order"]]  # fmt: skip
        by_measure = {v.measure: v for v in own}
        assert len(by_measure) == len(own)
        assert by_measure["area"].value == pytest.approx(float(instance["area_mm2"]))
        assert by_measure["area"].unit == "mm²" and by_measure["area"].level == instance["level"]
        assert ("height_middle" in by_measure) == bool(instance["height_middle_mm"])
    angles = list(csv.DictReader((one_result / "angles.csv").open()))
    assert [(v.level, v.value) for v in values if v.structure == "column"] == [
        (f"{a['upper']}-{a['lower']}", pytest.approx(float(a["degrees"]))) for a in angles
    ]


def test_the_table_holds_all_results_and_parquet_says_the_same(cohort: Path) -> None:
    done = write_table(cohort)
    rows, values = rows_of(cohort), done.values
    assert done.results == PERSONS and values == len(rows) and done.parquet and not done.unread
    assert {row["result"] for row in rows} == {f"person-{k:02d}" for k in range(PERSONS)}
    table = pyarrow.parquet.read_table(cohort / "measurements.parquet").to_pylist()
    assert len(table) == values
    for row, other in zip(rows[:: values // 50], table[:: values // 50], strict=True):
        assert (row["result"], row["measure"]) == (other["result"], other["measure"])
        assert float(row["value"]) == pytest.approx(other["value"])
    book = {row["measure"] for row in csv.DictReader((cohort / "codebook.csv").open())}
    assert {row["measure"] for row in rows} <= book


def test_what_a_person_decided_is_beside_each_value(cohort: Path) -> None:
    write_look(cohort, Look("person-01", "reject", "Ann", "2026-01-01T10:00:00", ""))
    write_table(cohort)
    said = {row["result"]: row["decision"] for row in rows_of(cohort)}
    assert said["person-01"] == "reject" and set(said.values()) == {"reject", ""}


def test_each_value_has_its_measures_error(one_result: Path) -> None:
    values = list(values_of(one_result, read_record(one_result)))
    heights = {v.error for v in values if v.measure == "height_middle" and v.unit == "mm"}
    assert heights and all(error is not None and 0.1 < error < 5 for error in heights)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("instances.csv", lambda text: text.replace("false", "false", 1).replace(",1,", ",x,", 1)),
        ("instances.csv", lambda text: text.replace("kind", "sort", 1)),
        ("instances.csv", lambda text: text[: len(text) // 2]),
        ("instances.csv", lambda text: ""),
        ("instances.csv", lambda text: text + "y" * 200_000 + "\n"),
        ("instances.csv", lambda text: text.replace("vertebral_body", "\udce9", 1)),
        ("angles.csv", lambda text: "a,b\n1,2\n"),
        (
            "angles.csv",
            lambda text: text.replace("verdict\n", "verdict\nlordosis,L1,S1,nan,ok\n", 1),
        ),
    ],
)
def test_a_damaged_result_is_named_and_the_others_are_complete(
    cohort: Path, name: str, change: Callable[[str], str]
) -> None:
    path = cohort / "person-04" / name
    path.write_text(change(path.read_text()), errors="surrogateescape")
    done = write_table(cohort)
    assert [key for key, _ in done.unread] == ["person-04"] and done.results == PERSONS - 1
    assert "person-04" not in {row["result"] for row in rows_of(cohort)}


def test_no_cell_is_a_formula(cohort: Path) -> None:
    (cohort / "person-00").rename(cohort / "=HYPERLINK(1)")
    joined = {"person-01": {"=cmd": "@SUM(1)"}}
    write_table(cohort, joined)
    text = (cohort / "measurements.csv").read_text()
    assert "'=HYPERLINK(1)" in text and "'@SUM(1)" in text and ",'=cmd" in text
    assert not any(line.startswith("=") for line in text.splitlines())
    assert any(float(row["value"]) < 0 for row in rows_of(cohort))  # numbers stay numbers
