from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from spinetk.study import Segmentation
from spinetk.writers.dicom_codes import label_of
from spinetk.writers.dicom_contours import outlines


def test_outlines_run_just_inside_the_edges_of_pixels() -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[5:9, 3:10] = True
    [outline] = outlines(mask)
    assert outline[:, 0].min() == pytest.approx(2.5, abs=0.2)
    assert outline[:, 1].max() == pytest.approx(8.5, abs=0.2)
    assert cv2.contourArea(outline.astype(np.float32)) == pytest.approx(mask.sum(), rel=0.15)


def test_contours_enclose_the_areas_in_the_patient(
    written: Path, phantom_result: Segmentation
) -> None:
    structures = pydicom.dcmread(written / "rtstruct.dcm")
    names = {r.ROINumber: r.ROIName for r in structures.StructureSetROISequence}
    assert list(names.values()) == [label_of(i) for i in phantom_result.instances]
    geometry = phantom_result.slice.geometry
    assert geometry is not None
    back = np.linalg.inv(geometry.affine)
    for contour, instance in zip(
        structures.ROIContourSequence, phantom_result.instances, strict=True
    ):
        area = 0.0
        for part in contour.ContourSequence:
            points = np.reshape(np.array(part.ContourData, dtype=float), (-1, 3))
            pixels = points @ back[:3, :3].T + back[:3, 3]
            assert np.abs(pixels[:, 2]).max() < 1e-3  # in the plane of the slice
            area += cv2.contourArea(pixels[:, :2].astype(np.float32))
        assert area == pytest.approx(instance.mask.sum(), rel=0.05)
