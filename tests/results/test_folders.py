import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spinetk.atomic import UNFINISHED
from spinetk.owners import HOST
from spinetk.results.folders import put_back, results_below, results_in, write_rows, write_summary
from spinetk.results.record import write_record
from tests.results.test_record import record


def fill(out: Path, *keys: str) -> None:
    for key in keys:
        (out / key).mkdir(parents=True)
        write_record(out / key, record(key))


def test_results_are_listed_as_people_count_and_nothing_else_is(tmp_path: Path) -> None:
    fill(tmp_path, "p10", "p2", ".unfinished-1-ab")
    (tmp_path / "other").mkdir()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.json").write_text('{"spinetk":')
    assert [path.name for path, _ in results_in(tmp_path)] == ["p2", "p10"]


def test_results_below_are_found_at_any_depth(tmp_path: Path) -> None:
    fill(tmp_path / "a" / "b", "p1")
    fill(tmp_path, "p2")
    assert [path.name for path in results_below(tmp_path)] == ["p1", "p2"]


def test_a_result_whose_process_was_killed_while_it_was_renamed_comes_back(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    fill(tmp_path, "p1", "p2")
    for key, place in (("p1", "1"), ("p2", "2")):
        shutil.copytree(tmp_path / key, tmp_path / f"{UNFINISHED}{HOST}-{dead.pid}-{place}")
    (tmp_path / f"{UNFINISHED}{HOST}-{dead.pid}-3").mkdir()  # nothing complete
    shutil.rmtree(tmp_path / "p1")
    put_back(tmp_path)
    assert [path.name for path, _ in results_in(tmp_path)] == ["p1", "p2"]
    assert len(list(tmp_path.glob(f"{UNFINISHED}*"))) == 2  # another machine's, perhaps
    for path in tmp_path.glob(f"{UNFINISHED}*"):
        os.utime(path, (0, 0))
    put_back(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p1", "p2"]
    assert list(results_below(tmp_path)) == [tmp_path / "p1", tmp_path / "p2"]


def test_the_summary_has_a_row_for_every_result(tmp_path: Path) -> None:
    fill(tmp_path, "p2", "p1")
    write_summary(tmp_path)
    with (tmp_path / "summary.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["key"] for row in rows] == ["p1", "p2"]
    assert rows[0]["warnings"] == "only 2" and rows[0]["warning_codes"] == "few-bodies"
    assert rows[0]["seconds"] == "1.25" and rows[0]["instance_number"] == "5"


def test_a_csv_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.csv", ("x",), [{"x": 1}])
    before = (tmp_path / "a.csv").read_text()
    with pytest.raises(ValueError, match="unknown"):
        write_rows(tmp_path / "a.csv", ("x",), [{"x": 2}, {"unknown": 3}])
    assert (tmp_path / "a.csv").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_names_that_a_spreadsheet_would_run_are_text(tmp_path: Path) -> None:
    keys = ("=cmd|' /C calc'!A0", "@SUM(A1)", "+1", "-x", "L4")
    reasons = (-1.5, 2, 3, 4, "a=b")
    rows = [{"key": key, "reason": reason} for key, reason in zip(keys, reasons, strict=True)]
    write_rows(tmp_path / "a.csv", ("key", "reason"), rows)
    read = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert [row["key"] for row in read] == ["'=cmd|' /C calc'!A0", "'@SUM(A1)", "'+1", "'-x", "L4"]
    assert [row["reason"] for row in read] == ["-1.5", "2", "3", "4", "a=b"]
