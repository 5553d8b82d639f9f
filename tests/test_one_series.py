"""One series of a run: what is asked of it, and what becomes of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinetk.batch_options import Options, Outcome
from spinetk.network.loaded import LoadedModel
from spinetk.one_series import segment_found
from spinetk.readers import FoundSeries, find


@pytest.fixture
def series(phantom_folder: Path) -> FoundSeries:
    [found] = find([phantom_folder / "dicom"]).series
    return found


def run(series: FoundSeries, out: Path, loaded: LoadedModel, **asked: object) -> Outcome:
    options = replace(Options(formats=("csv",), slices=4), **asked)  # type: ignore[arg-type]
    return segment_found(series, out, options, {"mr": loaded})


def test_a_result_is_written_and_its_row_says_of_which_input(
    series: FoundSeries, mr_model: LoadedModel, tmp_path: Path
) -> None:
    outcome = run(series, tmp_path, mr_model)
    [row] = outcome.done
    assert not outcome.failed and outcome.read == 1
    assert (tmp_path / row["key"] / "run.json").is_file()
    assert row["source"] == str(series.place)


def test_what_fails_is_noted_and_raises_nothing(
    series: FoundSeries, mr_model: LoadedModel, tmp_path: Path
) -> None:
    outcome = run(series, tmp_path, mr_model, slices=99)
    [(key, reason)] = outcome.failed
    assert key == series.key and reason.startswith("there is no slice 99")
    assert not any(tmp_path.iterdir())


def test_a_modality_that_is_not_the_files_is_said(
    series: FoundSeries, mr_model: LoadedModel, tmp_path: Path
) -> None:
    outcome = run(series, tmp_path, mr_model, modality="CT", model="mr")
    codes = outcome.done[0]["warning_codes"].split()
    assert {"modality-changed", "other-modality-network"} & set(codes) >= {"modality-changed"}
    assert outcome.done[0]["modality"] == "CT"


def test_a_spacing_is_taken_only_where_the_file_says_none(
    series: FoundSeries, mr_model: LoadedModel, tmp_path: Path
) -> None:
    outcome = run(series, tmp_path, mr_model, spacing=(0.1, 0.1))
    assert "spacing-not-used" in outcome.done[0]["warning_codes"].split()
    table = (tmp_path / outcome.done[0]["key"] / "instances.csv").read_text()
    assert np.isclose(float(table.splitlines()[1].split(",")[table.splitlines()[0].split(",").index(
        "spacing_row_mm")]), 0.7)  # fmt: skip
