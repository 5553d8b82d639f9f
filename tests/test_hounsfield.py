from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinetk.hounsfield import with_units_checked
from spinetk.measures.table import measurements
from spinetk.network.loaded import load_model
from spinetk.phantom import Phantom, PhantomConfig, make_phantom, write_phantom
from spinetk.pipeline import segment
from spinetk.readers import read
from spinetk.structures import BODY_KIND
from spinetk.study import Series


@pytest.fixture(scope="module")
def body() -> Phantom:
    return make_phantom(PhantomConfig(look="CT", slices=3))


@pytest.fixture(scope="module")
def series(body: Phantom, tmp_path_factory: pytest.TempPathFactory) -> Series:
    folder: Path = tmp_path_factory.mktemp("ct")
    write_phantom(body, folder)
    return read(folder / "dicom").series[0]


def scaled(series: Series, low: float, high: float, to: float, offset: float = 0.0) -> Series:
    slices = tuple(
        replace(
            item,
            pixels=(np.clip((item.pixels - low) / (high - low), 0, 1) * to + offset).astype("f4"),
        )
        for item in series.slices
    )
    return replace(series, slices=slices)


def test_hounsfield_units_are_believed(series: Series) -> None:
    assert with_units_checked(series).in_hounsfield
    assert not replace(series, modality="MR").in_hounsfield


@pytest.mark.parametrize(
    ("low", "high", "to", "offset"),
    [(-160, 240, 1, 0), (-160, 240, 255, 0), (-1000, 1000, 2, -1), (-1000, 3000, 4000, 24),
     (-200, 800, 6, -2)],
)  # fmt: skip
def test_scaled_values_are_no_hounsfield_units(
    series: Series, low: float, high: float, to: float, offset: float
) -> None:
    checked = with_units_checked(scaled(series, low, high, to, offset))
    assert [w.code for w in checked.warnings][-1] == "not-hounsfield"


def test_such_a_ct_gets_no_means_and_no_names(series: Series) -> None:
    checked = with_units_checked(scaled(series, -160, 240, 1))
    result = segment(checked, load_model("ct"))
    sure = segment(with_units_checked(series), load_model("ct"))
    assert sum(i.kind == BODY_KIND for i in result.instances) == sum(
        i.kind == BODY_KIND for i in sure.instances
    )
    assert all(instance.level is None for instance in result.instances)
    rows = measurements(result)
    assert rows and all(row["mean"] is None and row["mpp"] is None for row in rows)
    assert all(row["skewness"] is not None for row in rows)


def test_padding_far_below_air_hides_no_lost_intercept(series: Series) -> None:
    """Stored values, 1024 above, with -2000 around the field of view, as one maker has it."""

    def lost(item: Any, offset: float) -> Any:
        pixels = (item.pixels + offset).astype("f4")
        pixels[:, : pixels.shape[1] // 8] = -2000
        return replace(item, pixels=pixels)

    for offset, doubted in ((1024.0, True), (0.0, False)):
        changed = replace(series, slices=tuple(lost(item, offset) for item in series.slices))
        codes = [w.code for w in with_units_checked(changed).warnings]
        assert ("not-hounsfield" in codes) == doubted


@pytest.mark.parametrize(("low", "high"), [(-1000, 150), (-100, 200), (-160, 240)])
def test_bone_that_is_cut_off_has_no_hounsfield_units(
    series: Series, low: float, high: float
) -> None:
    slices = tuple(replace(item, pixels=item.pixels.clip(low, high)) for item in series.slices)
    checked = with_units_checked(replace(series, slices=slices))
    assert not checked.in_hounsfield and f"cut off at {high}" in checked.warnings[-1].text


def test_metal_at_the_top_of_the_range_is_no_cut(series: Series) -> None:
    def implanted(item: Any) -> Any:
        pixels = item.pixels.copy()
        pixels[100:130, 60:75] = 3071
        return replace(item, pixels=pixels)

    slices = tuple(implanted(item) for item in series.slices)
    assert with_units_checked(replace(series, slices=slices)).in_hounsfield


def test_nothing_is_less_dense_than_air(series: Series) -> None:
    phase = np.random.default_rng(1).integers(-4096, 4096, series.slices[0].pixels.shape)
    slices = tuple(replace(item, pixels=phase.astype("f4")) for item in series.slices)
    checked = with_units_checked(replace(series, slices=slices))
    assert not checked.in_hounsfield and "below air" in checked.warnings[-1].text
