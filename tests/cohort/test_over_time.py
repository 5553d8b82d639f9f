"""The same person at two times: what is the same, what changed, what broke."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from spinetk.cohort import over_time
from spinetk.cohort.over_time import Change, changes, matches, time_point
from spinetk.errors import UsageError
from tests.cohort.conftest import like


def unnamed(result: Path, folder: Path, drop: int = 0) -> Path:
    """A result without levels, of which the lowest bodies are not seen."""
    shutil.copytree(result, folder)
    with (result / "instances.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    kept = []
    for row in rows:
        order = int(row["order"]) - drop
        if row["kind"] == "vertebral_body" and order >= 1:
            kept.append(row | {"level": "", "order": str(order)})
    with (folder / "instances.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(kept)
    (folder / "angles.csv").write_text("name,upper,lower,degrees\n")
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | {"bodies": len(kept), "discs": 0}))
    return folder


def test_nothing_changed_is_a_change_of_nothing(one_result: Path, tmp_path: Path) -> None:
    later = like(one_result, tmp_path / "later", 1.0)
    found = changes(time_point(one_result), time_point(later))
    assert found and all(change.change == 0 and change.matched == "level" for change in found)
    assert {c.measure for c in found} >= {"height_middle", "area", "lordosis", "core_mean"}


def test_structures_that_grew_are_told_in_units_and_per_cent(
    one_result: Path, tmp_path: Path
) -> None:
    later = like(one_result, tmp_path / "later", 1.1)
    found = changes(time_point(one_result), time_point(later))
    for change in found:
        if change.measure == "height_middle":
            assert change.percent == pytest.approx(10, abs=0.01)
        if change.measure == "area":
            assert change.percent == pytest.approx(21, abs=0.01)


@pytest.mark.parametrize("drop", [0, 1, 2])
def test_bodies_without_names_are_matched_by_their_sizes(
    one_result: Path, tmp_path: Path, drop: int
) -> None:
    later = time_point(unnamed(one_result, tmp_path / "later", drop))
    pairs = matches(time_point(one_result), later)
    assert pairs and {how for _, _, how in pairs} == {"shape"}
    earlier = time_point(one_result)
    for one, other, _ in pairs:
        before, after = earlier.values[one]["area"], later.values[other]["area"]
        assert before.value == after.value, (one, other)
    names = {change.level for change in changes(earlier, later)}
    assert "L3" in names and not any(name.startswith("#") for name in names)


def test_the_least_detectable_change_is_the_networks(
    one_result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        over_time, "figures_of", lambda *_: {"vertebral_body": {"height_middle": {"mm": 1.0}}}
    )
    later = like(one_result, tmp_path / "later", 1.1)
    found = changes(time_point(one_result), time_point(later))
    middle = [c for c in found if c.measure == "height_middle" and c.structure == "vertebral_body"]
    assert middle and all(change.detectable for change in middle)
    assert all(c.detectable is None for c in found if c.measure == "area")


def test_a_folder_with_one_result_is_taken_for_it(cohort: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds 12 results"):
        time_point(cohort)
    with pytest.raises(UsageError, match="is no result"):
        time_point(tmp_path / "nowhere")
    (tmp_path / "one").mkdir()
    shutil.copytree(cohort / "person-01", tmp_path / "one" / "a")
    assert time_point(tmp_path / "one").name == "one/a"


def test_pixels_are_not_held_against_millimetres(one_result: Path, tmp_path: Path) -> None:
    later = like(one_result, tmp_path / "later", 1.0)
    rows = list(csv.DictReader((later / "instances.csv").open(newline="")))
    for row in rows:
        row["spacing_row_mm"] = ""
    with (later / "instances.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    found = changes(time_point(one_result), time_point(later))
    assert not {c.unit for c in found} & {"mm", "mm²", "px"}
    assert json.loads((later / "run.json").read_text())["key"]


def test_an_mr_is_not_held_against_a_film(one_result: Path, tmp_path: Path) -> None:
    film = like(one_result, tmp_path / "film", 1.0, modality="XR")
    with pytest.raises(UsageError, match="is XR, not MR"):
        changes(time_point(one_result), time_point(film))


def test_what_has_no_zero_changes_in_no_per_cent() -> None:
    change = Change("L4", "vertebral_body", "slip", "mm", 0.1, -0.5, "level", None, False)
    assert change.percent is None and replace(change, measure="width").percent == -600


def test_results_of_one_key_are_told_apart_by_their_folders(
    one_result: Path, tmp_path: Path
) -> None:
    points = [time_point(like(one_result, tmp_path / year / "P01", 1.0)) for year in ("22", "24")]
    assert [point.name for point in points] == ["22/P01", "24/P01"]


def test_instances_that_are_to_be_rejected_are_doubtful(one_result: Path, tmp_path: Path) -> None:
    later = like(one_result, tmp_path / "later", 1.0)
    text = (later / "instances.csv").read_text()
    (later / "instances.csv").write_text(text.replace(",ok,", ",reject,"))
    assert any(change.doubtful for change in changes(time_point(one_result), time_point(later)))
