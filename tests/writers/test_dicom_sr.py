from pathlib import Path

import cv2
import highdicom
import numpy as np
import pydicom
import pytest

from spinetk.measures.table import measurements
from spinetk.study import Segmentation
from spinetk.writers.dicom_codes import label_of


def test_the_report_holds_each_area_and_each_outline(
    written: Path, phantom_result: Segmentation
) -> None:
    report = highdicom.sr.srread(written / "sr.dcm")
    groups = report.content.get_planar_roi_measurement_groups()
    rows = measurements(phantom_result)
    assert len(groups) == len(rows)
    seg = pydicom.dcmread(written / "seg.dcm", stop_before_pixels=True)
    for group, row, instance in zip(groups, rows, phantom_result.instances, strict=True):
        areas = [m.value for m in group.get_measurements() if m.name.meaning == "Area"]
        assert areas == [pytest.approx(row["area_mm2"], rel=1e-6)]
        # what OHIF lists: the identifier's beginning, a name, the outline below the first value
        assert group.tracking_identifier.startswith("Cornerstone3DTools@^0.1.0:PlanarFreehandROI:")
        items = group[0].ContentSequence
        [name] = [
            i.TextValue for i in items if i.ValueType == "TEXT" and i.name.meaning == "Comment"
        ]
        assert name == label_of(instance)
        [verdict] = [
            i.TextValue for i in items if i.ValueType == "TEXT" and i.name.value == "VERDICT"
        ]
        assert verdict == row["verdict"] + (f": {row['reasons']}" if row["reasons"] else "")
        first = next(item for item in items if item.ValueType == "NUM")
        [below] = [item for item in first.ContentSequence if item.ValueType == "SCOORD"]
        assert np.array_equal(below.GraphicData[:2], below.GraphicData[-2:])
        assert list(below.GraphicData) == list(group.roi.GraphicData)
        # the outline, filled, is the instance on the image that it is of
        region = group.roi
        assert region.graphic_type.value == "POLYLINE"
        [source] = [item for item in region.ContentSequence if item.ValueType == "IMAGE"]
        origin = phantom_result.slice.origin
        assert source.referenced_sop_instance_uid == origin.uid  # type: ignore[union-attr]
        points = np.round((region.value - 0.5) * 16).astype(np.int32)
        filled = np.zeros(instance.mask.shape, np.uint8)
        cv2.fillPoly(filled, [points], 1, shift=4)
        overlap = 2 * (filled.astype(bool) & instance.mask).sum()
        assert overlap / (filled.sum() + instance.mask.sum()) > 0.97
    assert [g.tracking_uid for g in groups] == [s.TrackingUID for s in seg.SegmentSequence]
