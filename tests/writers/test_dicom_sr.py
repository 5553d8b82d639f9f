from pathlib import Path

import highdicom
import pydicom
import pytest

from spinetk.measures.table import measurements
from spinetk.study import Segmentation


def test_the_report_holds_each_area_and_refers_to_the_segmentation(
    written: Path, phantom_result: Segmentation
) -> None:
    report = highdicom.sr.srread(written / "sr.dcm")
    groups = report.content.get_volumetric_roi_measurement_groups()
    rows = measurements(phantom_result)
    assert len(groups) == len(rows)
    seg = pydicom.dcmread(written / "seg.dcm", stop_before_pixels=True)
    for group, row in zip(groups, rows, strict=True):
        areas = [m.value for m in group.get_measurements() if m.name.meaning == "Area"]
        assert areas == [pytest.approx(row["area_mm2"], rel=1e-6)]
    assert seg.SOPInstanceUID in str(report)
