from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinetk.anatomy import cut_by_border
from spinetk.boxes import mask_box
from spinetk.measures.core import core
from spinetk.measures.table import Measured, measured, measurements
from spinetk.phantom import PhantomConfig, make_phantom
from spinetk.phantom.spine import NAMES, build_spine
from spinetk.structures import BODY_KIND, VERSE_NUMBERS
from spinetk.study import Instance, Segmentation, Series, Slice


def test_millimetres_are_pixels_times_the_spacing(phantom_result: Segmentation) -> None:
    spacing = phantom_result.slice.spacing
    assert spacing is not None and spacing[0] == spacing[1]
    for row, instance in zip(measurements(phantom_result), phantom_result.instances, strict=True):
        assert row["area_px"] == np.count_nonzero(instance.mask)
        assert row["area_mm2"] == pytest.approx(row["area_px"] * spacing[0] ** 2)
        for name in ("height_anterior", "height_middle", "height_posterior", "width"):
            if row[f"{name}_px"] is None:
                assert row[f"{name}_mm"] is None and row["unmeasured"]
                continue
            assert row[f"{name}_mm"] == pytest.approx(row[f"{name}_px"] * spacing[0], rel=1e-6)
        values = phantom_result.slice.pixels[instance.mask]
        assert row["mean"] == pytest.approx(float(values.mean()), rel=1e-5)


def test_the_core_is_measured_beside_the_whole(phantom_result: Segmentation) -> None:
    rows = measurements(phantom_result)
    for row, instance in zip(rows, phantom_result.instances, strict=True):
        inside = core(instance.mask, phantom_result.slice.spacing)
        assert row["core_px"] == np.count_nonzero(inside) < row["area_px"]
        if row["core_px"]:
            values = phantom_result.slice.pixels[inside]
            assert row["core_mean"] == pytest.approx(float(values.mean()), rel=1e-5)
        else:
            assert row["core_mean"] is None and row["core_skewness"] is None
    bodies = [row for row in rows if row["kind"] == "vertebral_body" and not row["truncated"]]
    # the phantom's cortex is dark: its rim makes the whole body's values skew
    assert all(abs(row["core_skewness"]) < abs(row["skewness"]) for row in bodies)


def test_a_frontal_film_has_no_front_and_back(phantom_result: Segmentation) -> None:
    shown = {
        "lateral": ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
        "frontal": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
        "unknown": None,
    }
    film = replace(phantom_result.slice, geometry=None)
    for view, facing in shown.items():
        series = replace(
            phantom_result.series, modality="XR", slices=(replace(film, facing=facing),)
        )
        result = replace(phantom_result, series=series, slice_index=0)
        rows, angles = measured(result)
        sagittal = view == "lateral"
        assert any(row["wedge_ratio"] is not None for row in rows) == sagittal
        assert any(row["slip_percent"] is not None for row in rows) == sagittal
        indexed = any(row["disc_height_index"] is not None for row in rows)
        assert indexed == (view != "frontal")
        assert any(row["height_middle_px"] is not None for row in rows)
        names = {"lateral": {"lordosis"}, "frontal": {"cobb"}, "unknown": set()}[view]
        assert {angle.name for angle in angles} == names


def test_an_angle_of_a_doubtful_body_is_doubtful(phantom_result: Segmentation) -> None:
    facing = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0))
    film = replace(phantom_result.slice, geometry=None, facing=facing)
    series = replace(phantom_result.series, modality="XR", slices=(film,))
    result = replace(phantom_result, series=series, slice_index=0)
    [sure] = measured(result).angles
    marked = tuple(replace(i, poor=i.level == sure.lower) for i in result.instances)
    [doubted] = measured(replace(result, instances=marked)).angles
    assert (sure.verdict, doubted.verdict) == ("ok", "check")
    assert doubted.degrees == sure.degrees


def test_without_spacing_millimetres_are_empty(phantom_result: Segmentation) -> None:
    bare = replace(phantom_result.slice, spacing=None, geometry=None, facing=None)
    series = replace(phantom_result.series, slices=(bare,), spacing_source=None)
    rows = measurements(replace(phantom_result, series=series, slice_index=0))
    empty = [name for name in rows[0] if name.endswith(("_mm", "_mm2"))]
    assert len(empty) >= 7 and all(row[name] is None for row in rows for name in empty)
    assert all(row["area_px"] for row in rows)


def truth_of(config: PhantomConfig) -> Measured:
    """The measures of the phantom's own labels on its middle slice."""
    phantom = make_phantom(config)
    [labels] = phantom.labels
    geometry = phantom.geometries[0]
    stored = Slice(phantom.volume[0], 0, geometry, geometry.spacing, Path("phantom"))
    instances = []
    for order, name in enumerate(NAMES[:9], start=1):
        mask = labels == VERSE_NUMBERS[name]
        cut = cut_by_border(mask)
        instances.append(Instance(BODY_KIND, mask, mask_box(mask), 0, order, name, cut))
    series = Series("phantom", "MR", "dicom", (stored,), "PixelSpacing")
    return measured(Segmentation(series, 0, tuple(instances), (), ""))


@pytest.mark.parametrize("changed", [{}, {"fracture": "L1"}, {"slip_mm": 8.0}])
def test_the_phantoms_heights_angles_slips_and_fractures_are_measured(
    changed: dict[str, Any],
) -> None:
    rows, found = truth_of(PhantomConfig(slices=1, samples=1, **changed))
    by_level = {str(row["level"]): row for row in rows}
    bodies = {body.name: body for body in build_spine(**changed).bodies}
    for level in ("L5", "L4", "L3", "L2", "L1", "T12", "T11"):
        row, body = by_level[level], bodies[level]
        # 15 % inside the ends is 0.7 of the way from the middle to them
        for name, place in (("anterior", -0.7), ("middle", 0.0), ("posterior", 0.7)):
            assert row[f"height_{name}_mm"] == pytest.approx(body.height_at(place), abs=0.4), level
        for side in ("upper", "lower"):
            assert row[f"{side}_slope_deg"] == pytest.approx(body.slope(side), abs=1.0), level  # type: ignore[arg-type]
        front, back = body.height_at(-1), body.height_at(1)
        assert row["wedge_ratio"] == pytest.approx(front / back, abs=0.05), level
    s1 = by_level["S1"]
    assert s1["upper_slope_deg"] == pytest.approx(bodies["S1"].slope("upper"), abs=1.0)
    degrees = {(a.upper, a.lower): a.degrees for a in found}
    for upper, lower, side in (("L1", "S1", "upper"), ("L1", "L5", "lower")):
        expected = bodies[upper].slope("upper") - bodies[lower].slope(side)  # type: ignore[arg-type]
        assert degrees[upper, lower] == pytest.approx(expected, abs=1.2)
    assert by_level["L1"]["genant_grade"] == (3 if "fracture" in changed else 0)
    lower_back, (front_end, back_end) = bodies["L4"].plate("lower")[1], bodies["L5"].plate("upper")
    along = np.subtract(back_end, front_end)
    slip = np.subtract(back_end, lower_back) @ along / np.linalg.norm(along)
    assert by_level["L4"]["slip_mm"] == pytest.approx(slip, abs=0.6)
    assert by_level["L4"]["slip_percent"] == pytest.approx(
        100 * slip / np.linalg.norm(along), abs=2.5
    )


def test_what_was_found_as_s1_is_measured_by_one_plate_without_its_name_too(
    phantom_result: Segmentation,
) -> None:
    [sacrum] = [row for row in measured(phantom_result).rows if row["level"] == "S1"]
    unnamed = [replace(i, level=None, sacral=i.level == "S1") for i in phantom_result.instances]
    rows = measured(replace(phantom_result, instances=tuple(unnamed))).rows
    [same] = [row for row in rows if row["area_px"] == sacrum["area_px"]]
    assert same["unmeasured"] == sacrum["unmeasured"] and same["height_middle_px"] is None
    assert same["upper_slope_deg"] == pytest.approx(sacrum["upper_slope_deg"], abs=0.5)
    plain = [replace(i, sacral=False) for i in unnamed]
    rows = measured(replace(phantom_result, instances=tuple(plain))).rows
    [block] = [row for row in rows if row["area_px"] == sacrum["area_px"]]
    assert block["unmeasured"] != sacrum["unmeasured"]
