"""Tables beside the measurements: only what is asked for, of the right slices."""

from dataclasses import replace

import pytest

from spinetk.batch_options import Options
from spinetk.more_tables import more_tables
from spinetk.network.loaded import LoadedModel
from spinetk.study import Segmentation


def quiet(text: str, done: int, total: int) -> None:
    """No progress."""


def test_nothing_is_made_unasked(phantom_result: Segmentation, mr_model: LoadedModel) -> None:
    assert more_tables(phantom_result, mr_model, Options(), quiet) == {}


@pytest.fixture
def asked(phantom_result: Segmentation, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The slices that are outlined, each as the selected one is."""
    indices: list[int] = []

    def outlined(series: object, loaded: object, *, slice_choice: int, score: object) -> object:
        indices.append(slice_choice)
        trace = tuple(replace(count, index=slice_choice) for count in phantom_result.trace[:1])
        return replace(phantom_result, slice_index=slice_choice, trace=trace)

    monkeypatch.setattr("spinetk.more_tables.segment", outlined)
    return indices


def test_slices_around_are_the_nearest_ones(
    phantom_result: Segmentation, mr_model: LoadedModel, asked: list[int]
) -> None:
    tables = more_tables(phantom_result, mr_model, Options(around=3), quiet)
    middle = phantom_result.slice_index
    assert sorted(asked) == [middle - 1, middle + 1]
    areas = [row for row in tables["slices.csv"] if row["measure"] == "area_px"]
    assert {row["slices"] for row in areas} == {3} and {row["sd"] for row in areas} == {0.0}


def test_each_body_is_looked_for_on_every_slice_that_shows_bodies(
    phantom_result: Segmentation, mr_model: LoadedModel, asked: list[int]
) -> None:
    """A thin series is searched coarsely: the slices between are outlined, too."""
    middle = phantom_result.slice_index
    coarse = tuple(c for c in phantom_result.trace if c.index in (1, middle, 7))
    result = replace(phantom_result, trace=coarse)
    tables = more_tables(result, mr_model, Options(slices="per-body"), quiet)
    assert sorted(asked) == [k for k in range(1, 8) if k != middle]
    assert len(tables["per_body.csv"]) == len(result.instances)
