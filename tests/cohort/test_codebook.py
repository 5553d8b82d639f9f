from dataclasses import fields

from spinetk.cohort.codebook import ANGLES, MEASURES, Measure, column_of, unit_of
from spinetk.measures.table import measurements
from spinetk.study import Segmentation

NO_MEASURES = ("label", "order", "score", "quality_low", "level_confidence", "slice_index",
               "shape_fit", "centroid_x_px", "centroid_y_px", "spacing_row_mm",
               "spacing_column_mm", "kurtosis_excess", "n_bins")  # fmt: skip


def test_every_number_that_is_measured_is_in_the_codebook(phantom_result: Segmentation) -> None:
    row = measurements(phantom_result)[0]
    numbers = {
        name
        for name in row
        if not name.startswith("spread_") and name not in NO_MEASURES and name not in WORDS
    }
    known = {column_of(m, in_mm=mm) for m in MEASURES for mm in (True, False)}
    assert numbers == known


WORDS = ("kind", "level", "poor", "truncated", "unmeasured", "ungraded", "spacing_source",
         "unstable", "verdict", "reasons")  # fmt: skip


def test_units_follow_from_spacing_and_modality() -> None:
    by_name = {measure.name: measure for measure in (*MEASURES, *ANGLES)}
    assert unit_of(by_name["area"], in_mm=True, modality="MR") == "mm²"
    assert unit_of(by_name["width"], in_mm=False, modality="MR") == "px"
    assert unit_of(by_name["core_mean"], in_mm=True, modality="CT") == "HU"
    assert unit_of(by_name["core_mean"], in_mm=True, modality="MR") == "stored values"
    assert unit_of(by_name["cobb"], in_mm=False, modality="XR") == "degrees"
    assert unit_of(by_name["slip"], in_mm=True, modality="MR") == "mm"


def test_measures_have_words() -> None:
    assert [field.name for field in fields(Measure)] == ["name", "column", "quantity", "text"]
    assert all(measure.text for measure in (*MEASURES, *ANGLES))
