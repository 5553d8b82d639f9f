"""Measures of several slices: a bent spine's bodies each in their middle, and what is spread."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.boxes import mask_box
from spinetk.measures.through_slices import on_best_slices, over_slices
from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
from spinetk.solids import OutlinedSlice
from spinetk.study import Instance, Segmentation, Series, Slice, SliceCount

SHAPE = (300, 120)


def block(top: int, depth: int, height: int, level: str | None, order: int) -> Instance:
    mask = np.zeros(SHAPE, bool)
    mask[top : top + height, 40 : 40 + depth] = True
    return Instance("vertebral_body", mask, mask_box(mask), 0.9, order=order, level=level)


def on_slice(index: int, *instances: Instance) -> Segmentation:
    slices = tuple(
        Slice(np.zeros(SHAPE, np.float32), i, None, (0.5, 0.5), Path("x")) for i in range(6)
    )
    count = SliceCount(index, len(instances), 0, 1000.0)
    return Segmentation(
        Series("a", "MR", "raster", slices, "given"), index, instances, (count,), "mr"
    )


def test_each_body_is_measured_where_it_is_seen_whole() -> None:
    """L4 is cut short beside slice 1, L5 beside slice 3; slice 2 was selected."""
    depths = {1: (40, 20), 2: (30, 30), 3: (20, 40)}
    results = {
        k: on_slice(k, block(200, b, 30, "L5", 1), block(120, a, 30, "L4", 2))
        for k, (a, b) in depths.items()
    }
    rows = on_best_slices(results[2], [OutlinedSlice.of(r) for r in results.values()])
    found = {row["level"]: (row["slice_index"], row["area_px"]) for row in rows}
    assert found == {"L4": (1, 1200.0), "L5": (3, 1200.0)}


def test_a_body_that_the_selected_slice_lacks_is_named_by_its_place() -> None:
    middle = on_slice(2, block(220, 40, 30, "L5", 1), block(100, 40, 30, "L3", 2))
    also = [block(220, 30, 30, None, 1), block(160, 40, 30, None, 2), block(100, 30, 30, None, 3)]
    beside = [on_slice(k, *also) for k in (3, 4)]
    outlined = [OutlinedSlice.of(r) for r in (middle, *beside)]
    rows = on_best_slices(middle, outlined)
    # L5 and L3 with one body between them agree in what that body is
    assert [(row["level"], row["order"]) for row in rows] == [("L5", 1), ("L3", 2), ("L4", 0)]


def test_a_body_missed_on_a_slice_is_one_body_still() -> None:
    """L3 is missed on slice 3 and found again on 4 and 5, a little higher: no L2 comes of it."""
    lower = [block(220, 40, 30, "L5", 1), block(160, 40, 30, "L4", 2)]
    middle = on_slice(2, *lower, block(100, 40, 30, "L3", 3))
    again = [on_slice(k, *lower, block(94, 40, 30, None, 3)) for k in (4, 5)]
    outlined = [OutlinedSlice.of(r) for r in (middle, on_slice(3, *lower), *again)]
    assert [row["level"] for row in on_best_slices(middle, outlined)] == ["L5", "L4", "L3"]


def test_names_stop_where_a_body_seems_to_be_missing() -> None:
    middle = on_slice(2, block(260, 40, 30, "L5", 1), block(220, 40, 30, "L4", 2))
    also = [block(260, 30, 30, None, 1), block(220, 30, 30, None, 2), block(60, 40, 30, None, 3)]
    outlined = [OutlinedSlice.of(r) for r in (middle, *(on_slice(k, *also) for k in (3, 4)))]
    rows = on_best_slices(middle, outlined)
    assert [row["level"] for row in rows] == ["L5", "L4", None]
    assert rows[2]["label"] is None and rows[2]["slip_mm"] is None


def test_what_the_network_says_of_an_outline_is_of_the_outline_that_is_measured() -> None:
    good = replace(block(200, 30, 30, "L5", 1), quality=0.95)
    best = replace(block(200, 40, 30, None, 1), quality=0.9, score=0.85)
    results = [on_slice(2, good), on_slice(3, best)]
    [row] = on_best_slices(results[0], [OutlinedSlice.of(r) for r in results])
    assert (row["slice_index"], row["quality"], row["score"]) == (3, 0.9, 0.85)
    assert row["level"] == "L5"


@pytest.mark.parametrize("doubt", [{"poor": True, "quality": 0.4}, {"score": 0.6}])
def test_a_large_outline_that_the_network_doubts_is_not_the_best(doubt: dict[str, float]) -> None:
    """A patch beside the spine is larger than the body."""
    patch = replace(block(200, 60, 40, None, 1), **doubt)  # type: ignore[arg-type]
    results = [on_slice(2, block(200, 40, 30, "L5", 1)), on_slice(3, patch)]
    [row] = on_best_slices(results[0], [OutlinedSlice.of(r) for r in results])
    assert row["slice_index"] == 2


def test_mean_and_spread_are_those_of_the_slices() -> None:
    results = [on_slice(k, block(120, 40, h, "L4", 1)) for k, h in ((1, 31), (2, 32), (3, 33))]
    rows = over_slices(results[1], [OutlinedSlice.of(r) for r in results])
    by_measure = {row["measure"]: row for row in rows}
    area = by_measure["area_mm2"]
    assert (area["level"], area["slices"]) == ("L4", 3)
    assert area["mean"] == pytest.approx(40 * 32 * 0.25)
    assert area["sd"] == pytest.approx(40 * 1 * 0.25)
    assert by_measure["height_middle_mm"]["mean"] == pytest.approx(16.0, abs=0.1)
    assert not {"score", "label", "truncated"} & set(by_measure)


def test_a_structure_on_one_slice_alone_has_no_spread() -> None:
    alone = on_slice(2, block(120, 40, 30, "L4", 1))
    assert over_slices(alone, [OutlinedSlice.of(alone)]) == []


@pytest.fixture(scope="module")
def bent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom whose apex lies 20 mm beside the midline."""
    folder = tmp_path_factory.mktemp("bent")
    write_phantom(make_phantom(PhantomConfig(slices=13, samples=1, scoliosis_mm=20.0)), folder)
    return folder / "dicom"


def test_a_bent_spines_bodies_are_measured_in_their_middle(bent: Path, tmp_path: Path) -> None:
    segment_all([bent], tmp_path, Options(slices="per-body", formats=("csv",)))
    [folder] = [path for path in tmp_path.iterdir() if path.is_dir()]
    rows = list(csv.DictReader((folder / "per_body.csv").open()))
    bodies = [row for row in rows if row["kind"] == "vertebral_body" and row["level"]]
    assert len(bodies) >= 8
    places = {row["level"]: int(row["slice_index"]) for row in bodies}
    # L2, at the apex, lies 15 mm beside T11; slices of 4 mm
    assert abs(places["L2"] - places["T11"]) >= 3
    selected = {row["level"]: row for row in csv.DictReader((folder / "instances.csv").open())}
    for row in bodies:
        if row["level"] in selected and row["truncated"] == "false":
            assert float(row["area_px"]) >= 0.85 * float(selected[row["level"]]["area_px"])


def test_the_spread_over_slices_is_written(bent: Path, tmp_path: Path) -> None:
    segment_all([bent], tmp_path, Options(around=3, formats=("csv",)))
    [folder] = [path for path in tmp_path.iterdir() if path.is_dir()]
    rows = list(csv.DictReader((folder / "slices.csv").open()))
    heights = [row for row in rows if row["measure"] == "height_middle_mm"]
    assert len(heights) >= 10
    assert {row["slices"] for row in heights} <= {"2", "3"}
    assert all(0 <= float(row["sd"]) < 5 for row in heights)


def test_a_single_slice_has_no_spread_and_it_is_said(tmp_path: Path) -> None:
    write_phantom(make_phantom(PhantomConfig(slices=1, samples=1)), tmp_path / "in")
    options = Options(around=3, formats=("csv",))
    outcome = segment_all([tmp_path / "in" / "dicom"], tmp_path / "out", options)
    assert [text.split(":")[0] for _, text in outcome.told] == ["slices.csv was not written"]
