from dataclasses import replace

import numpy as np
import pytest

from spinetk.measures.core import core
from spinetk.measures.table import measured, measurements
from spinetk.study import Segmentation


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
        assert any(row["height_middle_px"] is not None for row in rows)
        names = {"lateral": {"lordosis"}, "frontal": {"cobb"}, "unknown": set()}[view]
        assert {angle.name for angle in angles} == names


def test_without_spacing_millimetres_are_empty(phantom_result: Segmentation) -> None:
    bare = replace(phantom_result.slice, spacing=None, geometry=None, facing=None)
    series = replace(phantom_result.series, slices=(bare,), spacing_source=None)
    rows = measurements(replace(phantom_result, series=series, slice_index=0))
    empty = [name for name in rows[0] if name.endswith(("_mm", "_mm2"))]
    assert len(empty) >= 7 and all(row[name] is None for row in rows for name in empty)
    assert all(row["area_px"] for row in rows)
