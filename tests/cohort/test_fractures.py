"""Heights that fell by more than a fifth and 4 mm."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from spinetk.cohort.fractures import fractures
from spinetk.cohort.over_time import Change, changes, time_point
from spinetk.results.looks import Decision, Look, write_look
from tests.cohort.conftest import like


def test_nothing_changed_is_no_fracture(one_result: Path, tmp_path: Path) -> None:
    later = like(one_result, tmp_path / "later", 1.0)
    assert fractures(changes(time_point(one_result), time_point(later))) == []


def test_a_body_that_lost_a_fifth_and_four_millimetres_broke(
    one_result: Path, tmp_path: Path
) -> None:
    later = like(one_result, tmp_path / "later", 1.0)
    rows = list(csv.DictReader((later / "instances.csv").open(newline="")))
    for row in rows:
        if row["level"] == "L1":
            row["height_anterior_mm"] = str(0.6 * float(row["height_anterior_mm"]))
        if row["level"] == "L2":  # a tenth only
            row["height_anterior_mm"] = str(0.9 * float(row["height_anterior_mm"]))
        if row["level"] == "T11-T12":  # discs do not break
            row["height_middle_mm"] = "0.5"
    with (later / "instances.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    [broken] = fractures(changes(time_point(one_result), time_point(later)))
    assert (broken.level, broken.measure) == ("L1", "height_anterior")
    assert broken.later == pytest.approx(0.6 * broken.earlier)


def test_a_fifth_of_a_small_body_alone_is_no_fracture() -> None:
    small = Change("C5", "vertebral_body", "height_middle", "mm", 12.0, 9.0, "level", None, False)
    assert fractures([small]) == []
    assert fractures([replace(small, unit="px", earlier=40.0, later=20.0)]) == []
    assert len(fractures([replace(small, earlier=20.0, later=14.0)])) == 1


@pytest.mark.parametrize("verdict", ["ok", "check", "reject"])
@pytest.mark.parametrize("decision", ["", "accept", "reject"])
def test_nothing_of_a_doubtful_result_is_sure(
    verdict: str, decision: Decision, one_result: Path, tmp_path: Path
) -> None:
    folders = [
        like(one_result, tmp_path / name, 1.0, verdict=judged, reasons=[])
        for name, judged in (("earlier", "ok"), ("later", verdict))
    ]
    if decision:
        write_look(tmp_path, Look("later", decision, "Ann", "2026-01-01T10:00:00", ""))
    points = [time_point(folder) for folder in folders]
    doubtful = decision == "reject" or (verdict != "ok" and not decision)
    assert [point.doubtful for point in points] == [False, doubtful]
    [height] = [c for c in changes(*points) if (c.level, c.measure) == ("L3", "height_middle")]
    assert not height.doubtful  # its outline is not
    fell = [replace(height, earlier=30.0, later=20.0)]
    [broken] = fractures(fell, points[1].doubtful)
    assert broken.doubtful is doubtful
