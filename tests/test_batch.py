"""Many series: shared among processes, with the same results."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinetk.batch import FEWEST_FOR_WORKERS, Options, segment_all
from spinetk.errors import UsageError
from spinetk.readers import find
from spinetk.workers import in_workers


@pytest.fixture(scope="module")
def pictures(phantom_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More pictures than a single process takes on, and one file that is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    [found] = find([phantom_folder / "dicom"]).series
    series, _ = found.load()
    assert series is not None
    for number in range(FEWEST_FOR_WORKERS):
        pixels = series.slices[3 + number % 3].pixels
        cv2.imwrite(str(folder / f"p{number}.png"), (pixels / pixels.max() * 255).astype(np.uint8))
    (folder / "p9.png").write_bytes(b"no picture")
    return folder


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
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
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


def test_a_result_of_another_input_of_that_name_is_not_taken_for_this_ones(
    phantom_folder: Path, tmp_path: Path
) -> None:
    [found] = find([phantom_folder / "dicom"]).series
    series, _ = found.load()
    assert series is not None and series.input_sha256 == found.input_sha256
    places = [tmp_path / "first" / "p.png", tmp_path / "second" / "p.png"]
    for number, path in enumerate(places):
        path.parent.mkdir()
        pixels = series.slices[4 + number].pixels
        cv2.imwrite(str(path), (pixels / pixels.max() * 255).astype(np.uint8))
    again = Options(formats=("csv",), keep=True)
    segment_all([places[0]], tmp_path / "out", again)
    assert segment_all([places[0]], tmp_path / "out", again).kept == ["p"]
    with pytest.raises(UsageError, match="result of another input"):
        segment_all([places[1]], tmp_path / "out", again)
    # values in a file beside the header tell two inputs apart, too
    for number, path in enumerate(places):
        values = series.slices[4 + number].pixels[None].astype("<i2")
        (path.parent / "v.raw").write_bytes(values.tobytes())
        rows, columns = values.shape[1:]
        (path.parent / "v.mhd").write_text(
            f"NDims = 3\nDimSize = {columns} {rows} 1\nElementType = MET_SHORT\n"
            "ElementDataFile = v.raw\n"
        )
    hashes = {found.input_sha256 for p in places for found in find([p.with_name("v.mhd")]).series}
    assert len(hashes) == 2
    # the same study elsewhere is the same input
    segment_all([phantom_folder / "dicom"], tmp_path / "dicom", again)
    shutil.copytree(phantom_folder / "dicom", tmp_path / "moved")
    assert len(segment_all([tmp_path / "moved"], tmp_path / "dicom", again).kept) == 1


def test_what_has_no_record_or_a_damaged_one_is_not_kept(pictures: Path, tmp_path: Path) -> None:
    options = Options(formats=("csv",), keep=True)
    inputs = [pictures / "p0.png", pictures / "p1.png"]
    segment_all(inputs, tmp_path, options)
    record = tmp_path / "p0" / "run.json"
    record.write_text(record.read_text()[:300])
    again = segment_all(inputs, tmp_path, options)
    assert again.kept == ["p1"] and [row["key"] for row in again.done] == ["p0"]
    without = json.loads(record.read_text())
    del without["input_sha256"]
    record.write_text(json.dumps(without))
    with pytest.raises(UsageError, match="earlier version"):
        segment_all(inputs, tmp_path, options)


def test_a_record_that_cannot_be_read_is_replaced_with_a_word(
    pictures: Path, tmp_path: Path
) -> None:
    again = Options(formats=("csv",), keep=True)
    segment_all([pictures / "p0.png"], tmp_path, again)
    record = tmp_path / "p0" / "run.json"
    record.write_text(record.read_text()[:300])
    outcome = segment_all([pictures / "p0.png"], tmp_path, again)
    assert outcome.told == [("p0", "its run.json could not be read: made anew")]


def test_results_of_another_network_are_kept_with_a_word(pictures: Path, tmp_path: Path) -> None:
    again = Options(formats=("csv",), keep=True)
    inputs = [pictures / "p0.png", pictures / "p1.png"]
    segment_all(inputs, tmp_path, again)
    assert segment_all(inputs, tmp_path, again).told == []
    record = tmp_path / "p0" / "run.json"
    content = json.loads(record.read_text())
    content["model"]["sha256"] = "0" * 64
    record.write_text(json.dumps(content))
    [(what, text)] = segment_all(inputs, tmp_path, again).told
    assert what.startswith("1 of the results") and "by another network" in text
    rows = list(csv.DictReader((tmp_path / "summary.csv").open()))
    assert [row["model"][:11] for row in rows] == ["mr 00000000", f"mr {rows[1]['model'][3:11]}"]


def test_no_result_is_called_as_a_file_beside_it(pictures: Path, tmp_path: Path) -> None:
    for name in ("summary.csv.png", "failures.csv.png"):
        (tmp_path / "in").mkdir(exist_ok=True)
        shutil.copy(pictures / "p0.png", tmp_path / "in" / name)
    outcome = segment_all([tmp_path / "in"], tmp_path / "out", Options(formats=("csv",)))
    assert {row["key"] for row in outcome.done} == {"summary.csv-2", "failures.csv-2"}
    assert len(list(csv.DictReader((tmp_path / "out" / "summary.csv").open()))) == 2


def test_a_second_interruption_ends_at_once(pictures: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "spinetk.cli", "segment", str(pictures), "-o", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
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


def test_a_damaged_record_costs_only_its_own_row(pictures: Path, tmp_path: Path) -> None:
    segment_all([pictures / "p0.png", pictures / "p1.png"], tmp_path, Options(formats=("csv",)))
    (tmp_path / "p0" / "run.json").write_text('{"spinetk": "0.1.0", "key')
    (tmp_path / "p10").mkdir()
    shutil.copy(tmp_path / "p1" / "run.json", tmp_path / "p10")
    segment_all([pictures / "p2.png"], tmp_path, Options(formats=("csv",)))
    rows = list(csv.DictReader((tmp_path / "summary.csv").open()))
    assert [row["key"] for row in rows] == ["p1", "p2", "p10"]


def test_series_of_one_name_get_keys_of_their_own_before_they_are_read(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/1.png", "c/1-2.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    assert [one.key for one in find([tmp_path]).series] == ["1", "1-2", "1-2-2"]
