"""`spinetk compare` on the phantom before and after a fracture."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.cohort.followup import side_by_side, write_comparison
from spinetk.cohort.over_time import TimePoint, time_point
from spinetk.errors import UsageError
from spinetk.network.loaded import LoadedModel
from spinetk.phantom import PhantomConfig, make_phantom, write_phantom


@pytest.fixture(scope="module")
def points(
    mr_model: LoadedModel, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TimePoint, TimePoint]:
    """Sound, and with a wedge of L1 in another field of view."""
    folder = tmp_path_factory.mktemp("times")
    found = []
    for name, config in (
        ("2024", PhantomConfig(slices=1, samples=1)),
        ("2026", PhantomConfig(slices=1, samples=1, fracture="L1", height=400, spacing=0.75)),
    ):
        write_phantom(make_phantom(config), folder / name)
        options = Options(formats=("csv", "coco", "nifti"))
        segment_all([folder / name / "dicom"], folder / f"{name}-results", options,
                    models={"mr": mr_model})  # fmt: skip
        found.append(time_point(folder / f"{name}-results"))
    return found[0], found[1]


def test_the_new_fracture_is_found_and_nothing_else(
    points: tuple[TimePoint, TimePoint], tmp_path: Path
) -> None:
    broken = write_comparison(points, tmp_path / "out")
    assert [fracture.level for fracture in broken] == ["L1"]
    rows = list(csv.DictReader((tmp_path / "out" / "changes.csv").open()))
    heights = {(r["level"], r["measure"]): float(r["change"]) for r in rows}
    assert heights["L1", "height_anterior"] < -8
    for level in ("L4", "L3"):
        assert abs(heights[level, "height_anterior"]) < 1.5
    page = (tmp_path / "out" / "changes.html").read_text()
    assert "New fracture suspected" in page and "<b>L1</b>" in page


def test_the_later_slice_is_laid_onto_the_earlier_one(
    points: tuple[TimePoint, TimePoint],
) -> None:
    picture = side_by_side(*points)
    assert picture is not None
    width = (picture.shape[1] - 8) // 2
    left, right = (cv2.cvtColor(p, cv2.COLOR_BGR2GRAY).astype(float)
                   for p in (picture[:, :width], picture[:, -width:]))  # fmt: skip
    middle = (slice(200, 700), slice(200, 600))
    assert np.corrcoef(left[middle].ravel(), right[middle].ravel())[0, 1] > 0.6


def test_three_studies_make_a_plot(points: tuple[TimePoint, TimePoint], tmp_path: Path) -> None:
    write_comparison([points[0], points[0], points[1]], tmp_path / "out")
    page = (tmp_path / "out" / "changes.html").read_text()
    assert "over 3 studies" in page and page.count("<polyline") >= 5
    rows = list(csv.DictReader((tmp_path / "out" / "changes.csv").open()))
    assert {float(r["change"]) for r in rows if r["later_result"] == points[0].name} == {0.0}


def test_a_folder_of_something_else_is_left_alone(
    points: tuple[TimePoint, TimePoint], tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="no comparison"):
        write_comparison(points, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
