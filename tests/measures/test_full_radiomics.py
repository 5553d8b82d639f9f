"""PyRadiomics by the user's parameter file."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.errors import SpineError, UsageError
from spinetk.measures.full_radiomics import extractor, full_radiomics
from spinetk.study import NOT_HOUNSFIELD, Segmentation
from spinetk.warning import Warning

PARAMETERS = """
imageType:
  Original: {}
featureClass:
  firstorder: [Mean, Skewness]
  glcm:
setting:
  binCount: 64
  force2D: true
"""


@pytest.fixture
def parameters(tmp_path: Path) -> Path:
    path = tmp_path / "parameters.yaml"
    path.write_text(PARAMETERS)
    return path


def test_every_instance_has_the_features_of_the_file(
    phantom_result: Segmentation, parameters: Path
) -> None:
    rows = full_radiomics(phantom_result, extractor(parameters))
    assert len(rows) == len(phantom_result.instances)
    for row, instance in zip(rows, phantom_result.instances, strict=True):
        inside = phantom_result.slice.pixels[instance.mask]
        assert row["failed"] is None and row["level"] == instance.level
        assert row["original_firstorder_Mean"] == pytest.approx(inside.mean(), rel=1e-6)
        assert row["original_glcm_Contrast"] > 0  # type: ignore[operator]
        assert "original_firstorder_Kurtosis" not in row


def test_the_table_lies_beside_the_others(
    phantom_folder: Path, parameters: Path, tmp_path: Path
) -> None:
    options = Options(formats=("csv",), pyradiomics=parameters)
    segment_all([phantom_folder / "dicom"], tmp_path / "out", options)
    [path] = (tmp_path / "out").glob("*/pyradiomics.csv")
    rows = list(csv.DictReader(path.open()))
    ours = list(csv.DictReader((path.parent / "instances.csv").open()))
    assert [row["label"] for row in rows] == [row["label"] for row in ours]


@pytest.mark.parametrize("text", ["setting: [", "nothing: 1", "setting:\n  binCount: many"])
def test_what_is_no_parameter_file_is_said_in_a_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(UsageError, match="no parameter file") as told:
        extractor(tmp_path / "a.yaml")
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        extractor(tmp_path / "a.yaml")


def test_without_a_spacing_there_is_no_shape_and_no_resampling(
    phantom_result: Segmentation, tmp_path: Path
) -> None:
    bare = replace(phantom_result.slice, spacing=None, geometry=None)
    series = replace(phantom_result.series, slices=(bare,) * 9)
    result = replace(phantom_result, series=series, instances=phantom_result.instances[:1])
    (tmp_path / "a.yaml").write_text("featureClass:\n  shape:\n  firstorder: [Mean]\n")
    [row] = full_radiomics(result, extractor(tmp_path / "a.yaml"))
    shape = [name for name in row if "_shape" in name]
    assert shape and all(row[name] is None for name in shape)
    assert row["original_firstorder_Mean"] is not None
    (tmp_path / "b.yaml").write_text("setting:\n  resampledPixelSpacing: [1, 1, 1]\n")
    with pytest.raises(SpineError, match="spacing is not known"):
        full_radiomics(result, extractor(tmp_path / "b.yaml"))


def test_values_that_are_no_hounsfield_units_give_no_means(
    phantom_result: Segmentation, parameters: Path
) -> None:
    told = Warning(NOT_HOUNSFIELD, "no Hounsfield units")
    series = replace(phantom_result.series, modality="CT", warnings=(told,))
    result = replace(phantom_result, series=series, instances=phantom_result.instances[:1])
    [row] = full_radiomics(result, extractor(parameters))
    assert row["original_firstorder_Mean"] is None
    assert row["original_firstorder_Skewness"] is not None
