"""Many series: shared among processes, with the same results."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from spinetk import one_series
from spinetk.batch import FEWEST_FOR_WORKERS, segment_all
from spinetk.batch_options import Options
from spinetk.readers import find
from spinetk.workers import in_workers
from tests.services import running


def test_workers_give_the_results_of_one_process(pictures: Path, tmp_path: Path) -> None:
    formats = Options(formats=("csv",))
    one = segment_all([pictures], tmp_path / "one", formats)
    seen: list[str] = []
    two = segment_all(
        [pictures],
        tmp_path / "two",
        formats,
        on_done=lambda row: seen.append(row["key"]),
        workers=2,
    )
    keys = [f"p{number}" for number in range(FEWEST_FOR_WORKERS)]
    assert [row["key"] for row in two.done] == [row["key"] for row in one.done] == seen == keys
    assert one.failed == two.failed and two.failed[0][0] == "p9.png"
    for key in keys:
        tables = [(tmp_path / way / key / "instances.csv").read_text() for way in ("one", "two")]
        assert tables[0] == tables[1]
    for way in ("one", "two"):
        rows = list(csv.DictReader((tmp_path / way / "summary.csv").open()))
        assert [row["key"] for row in rows] == keys


def _die_of_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2)
    return number


def test_a_process_that_dies_costs_only_what_was_under_way() -> None:
    done = list(in_workers(_die_of_three, range(12), 2, lost=lambda number: -number))
    assert [abs(number) for number in done] == list(range(12))
    assert -3 in done and sum(number < 0 for number in done) <= 4
    assert done[-4:] == [8, 9, 10, 11]


def test_an_interrupted_batch_keeps_what_is_complete(pictures: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "spinetk.cli", "segment", str(pictures), "-o", str(tmp_path)]
    with running(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        first = process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers get it too
        errors = process.stderr.read()
    assert process.returncode == 130 and "interrupted" in errors and "Traceback" not in errors
    rows = list(csv.DictReader((tmp_path / "summary.csv").open()))
    there = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert rows and [row["key"] for row in rows] == there  # what was under way, too
    assert first.split(":")[0] in there
    assert not list(tmp_path.glob(".unfinished-*"))


def test_a_second_interruption_ends_at_once(pictures: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "spinetk.cli", "segment", str(pictures), "-o", str(tmp_path)]
    with running(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(2):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.2)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in errors
    rows = list(csv.DictReader((tmp_path / "summary.csv").open()))
    there = sorted(p.name for p in tmp_path.iterdir() if p.is_dir() and p.name[0] != ".")
    assert [row["key"] for row in rows] == there


def test_series_of_one_name_get_keys_of_their_own_before_they_are_read(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/1.png", "c/1-2.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"not read")
    assert [one.key for one in find([tmp_path]).series] == ["1", "1-2", "1-2-2"]


def test_of_two_runs_that_give_one_name_the_second_is_told(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options(formats=("csv",))
    segment_all([pictures / "p1.png"], tmp_path / "other", options)

    def meanwhile(*arguments: Any, **named: Any) -> Any:
        shutil.copytree(tmp_path / "other" / "p1", tmp_path / "out" / "p0")
        return segmented(*arguments, **named)

    segmented = one_series.segment
    monkeypatch.setattr(one_series, "segment", meanwhile)
    outcome = segment_all([pictures / "p0.png"], tmp_path / "out", options)
    assert outcome.done == [] and "another run wrote" in outcome.failed[0][1]
    there, other = (tmp_path / name / "instances.csv" for name in ("out/p0", "other/p1"))
    assert there.read_bytes() == other.read_bytes()


def test_what_is_not_whole_is_made_anew_and_what_others_put_there_says_nothing(
    pictures: Path, tmp_path: Path
) -> None:
    options = Options(formats=("csv",), keep=True)
    segment_all([pictures / "p0.png"], tmp_path, options)
    (tmp_path / "p0" / "reviewed").touch()
    assert segment_all([pictures / "p0.png"], tmp_path, options).kept == ["p0"]
    (tmp_path / "p0" / "instances.csv").write_bytes(b"")  # as a fall of the system leaves it
    assert segment_all([pictures / "p0.png"], tmp_path, options).kept == []
    assert (tmp_path / "p0" / "instances.csv").stat().st_size
