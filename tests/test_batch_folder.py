"""The folder of results of a run: what is kept, what is refused."""

import csv
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.errors import UsageError
from spinetk.readers import find


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
    again = Options(formats=("csv",), keep=True, sources=True)
    segment_all([places[0]], tmp_path / "out", again)
    before = (tmp_path / "out" / "p" / "run.json").read_bytes()
    assert segment_all([places[0]], tmp_path / "out", again).kept == ["p"]
    # one that lies elsewhere is another case
    assert [row["key"] for row in segment_all([places[1]], tmp_path / "out", again).done] == ["p-2"]
    assert (tmp_path / "out" / "p" / "run.json").read_bytes() == before
    # of one that was changed where it lies nobody knows what is to become
    places[0].write_bytes(places[1].read_bytes() + b"changed")
    with pytest.raises(UsageError, match="result of another input"):
        segment_all([places[0]], tmp_path / "out", again)
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
    assert outcome.told == [("p0", "it is not whole: made anew")]


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


def test_a_damaged_record_costs_only_its_own_row(pictures: Path, tmp_path: Path) -> None:
    segment_all([pictures / "p0.png", pictures / "p1.png"], tmp_path, Options(formats=("csv",)))
    (tmp_path / "p0" / "run.json").write_text('{"spinetk": "0.1.0", "key')
    (tmp_path / "p10").mkdir()
    shutil.copy(tmp_path / "p1" / "run.json", tmp_path / "p10")
    segment_all([pictures / "p2.png"], tmp_path, Options(formats=("csv",)))
    rows = list(csv.DictReader((tmp_path / "summary.csv").open()))
    assert [row["key"] for row in rows] == ["p1", "p2", "p10"]
