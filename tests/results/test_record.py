import json
from dataclasses import replace
from pathlib import Path

import pytest

from spinetk.errors import SpineError
from spinetk.results.record import (
    FILE,
    Record,
    UsedModel,
    is_result,
    read_record,
    whole_record,
    write_record,
)
from spinetk.study import Correction, SliceCount
from spinetk.warning import Warning


def record(key: str = "t2", **changes: object) -> Record:
    made = Record(
        spinetk="0.1.0", python="3.11", libraries={"numpy": "2"}, model=UsedModel("mr", "ab", None),
        options={"slice": "auto"}, key=key, modality="MR", source="dicom", input_sha256="cd",
        n_slices=9, selected_slice=4, instance_number=5,
        slices=(SliceCount(4, 7, 6, 1234.5, 5),), bodies=7, discs=6, entropy_bins="64 bins",
        seconds={"detect": 1.25}, warnings=(Warning("few-bodies", "only 2"),),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


CORRECTION = Correction("t2", "Dr. Ä", "2026-11-25T10:00:00+01:00", ("L3: renamed",), "note")


@pytest.mark.parametrize("correction", [None, CORRECTION])
def test_a_record_comes_back_as_it_was(correction: Correction | None, tmp_path: Path) -> None:
    folder = tmp_path / "t2"
    folder.mkdir()
    made = record(correction=correction)
    write_record(folder, made)
    assert is_result(folder) and read_record(folder) == made
    content = json.loads((folder / FILE).read_text())
    assert content["warnings"] == [{"code": "few-bodies", "severity": "check", "text": "only 2"}]
    assert content["slices"][0]["area_px"] == 1234.5


def test_a_renamed_folder_gives_its_name(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    write_record(tmp_path / "other", record())
    assert read_record(tmp_path / "other").key == "other"


def test_records_of_earlier_versions_are_read(tmp_path: Path) -> None:
    content = record().to_json()
    del content["input_sha256"], content["entropy_bins"], content["libraries"], content["python"]
    content["warnings"] = ["a sentence"]
    old = Record.from_json(content)
    assert old.input_sha256 is None and old.warnings[0].text == "a sentence"


def damages() -> list[str]:
    whole = record().to_json()
    changed: list[dict[str, object]] = [
        {"n_slices": float("inf")}, {"seconds": {"a": "b"}}, {"warnings": [{"code": 1, "text": 2}]},
        {"warnings": "abc"}, {"selected_slice": -1}, {"selected_slice": 9}, {"modality": ["MR"]},
        {"options": [["slice", "auto"]]}, {"source": "paper"}, {"slices": [{"index": 1}]},
    ]  # fmt: skip
    nested = '{"spinetk": "0.1", "a": ' + "[" * 100_000
    return ["", "{", "[]", '{"spinetk": 1}', nested, *(json.dumps(whole | c) for c in changed)]


@pytest.mark.parametrize("damage", damages(), ids=range(len(damages())))
def test_damaged_records_are_no_results(damage: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(damage)
    with pytest.raises(SpineError, match=f"its {FILE} cannot be read"):
        read_record(tmp_path)
    assert whole_record(tmp_path) is None


def test_the_series_of_a_record_is_told_by_what_it_says() -> None:
    assert record("a-slice-003").series_key == "a-slice-003"
    sliced = record("a-slice-003", options={"slice": 3})
    assert sliced.series_key == "a" and sliced.original_key == "a-slice-003"
    both = record("a-slice-003-corrected-2", options={"slice": 3}, correction=CORRECTION)
    assert both.series_key == "a" and both.original_key == "a-slice-003"
