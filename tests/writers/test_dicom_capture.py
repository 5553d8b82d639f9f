from pathlib import Path

import numpy as np
import pydicom

from spinetk.study import Segmentation
from spinetk.writers.overlay import draw_overlay


def test_the_capture_is_the_overlay_in_colour(written: Path, phantom_result: Segmentation) -> None:
    capture = pydicom.dcmread(written / "capture.dcm")
    assert capture.PhotometricInterpretation in ("RGB", "YBR_FULL_422")
    drawn = draw_overlay(phantom_result)[..., ::-1]
    assert capture.pixel_array.shape == drawn.shape
    assert np.abs(capture.pixel_array.astype(int) - drawn).mean() < 2
    assert "research" in capture.SeriesDescription
