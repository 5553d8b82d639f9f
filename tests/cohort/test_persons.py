"""Participants are joined to results."""

from pathlib import Path

import pytest

from spinetk.cohort.long_table import write_table
from spinetk.cohort.persons import matched_participants, read_participants
from spinetk.errors import UsageError
from tests.cohort.test_long_table import rows_of


def test_participants_are_joined_by_their_id(cohort: Path, tmp_path: Path) -> None:
    path = tmp_path / "participants.tsv"
    path.write_text("participant_id\tage\tsex\nsub-person-00\t61\tF\nperson-01\t47\tM\n")
    known = read_participants(path)
    keys = [f"person-{k:02d}" for k in range(3)] + ["person-01_t2-2"]
    joined = matched_participants(keys, known)
    assert {key: row["age"] for key, row in joined.items()} == {
        "person-00": "61", "person-01": "47", "person-01_t2-2": "47",
    }  # fmt: skip
    write_table(cohort, joined)
    ages = {row["result"]: row["age"] for row in rows_of(cohort)}
    assert ages["person-00"] == "61" and ages["person-02"] == ""


def test_a_table_without_ids_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "participants.csv"
    path.write_text("name;age\na;1\n")
    with pytest.raises(UsageError, match="participant_id"):
        read_participants(path)


def test_a_column_of_the_tables_name_takes_nothing_from_it(cohort: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.tsv"
    path.write_text("participant_id\tlevel\tvalue\nperson-00\tsenior\thigh\n")
    write_table(cohort, matched_participants(["person-00"], read_participants(path)))
    rows = rows_of(cohort)
    assert rows[0]["participant_level"] == "senior" and rows[0]["level"] != "senior"


@pytest.mark.parametrize("rows", ["x,1\nsub-x,2\n", "x," + "y" * 200_000])
def test_a_person_twice_or_an_endless_cell_is_refused(tmp_path: Path, rows: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text("participant_id,a\n" + rows)
    with pytest.raises(UsageError):
        read_participants(path)
