from pathlib import Path

import numpy as np
import pytest

import spinetk
from spinetk.errors import SpineError


def test_a_study_is_segmented_and_measured_in_one_call(phantom_folder: Path) -> None:
    [result] = spinetk.segment(phantom_folder / "dicom")
    assert result.key.endswith("-1") and result.pixels.shape == result.instances[0].mask.shape
    assert len(result.rows) == len(result.instances) >= 15
    by_level = {row["level"]: row for row in result.rows}
    assert {"L1", "L5", "L4-L5"} <= by_level.keys()
    mask = next(i.mask for i in result.instances if i.level == "L3")
    assert by_level["L3"]["area_px"] == mask.sum()
    assert by_level["L3"]["mean"] == pytest.approx(float(np.mean(result.pixels[mask])), rel=1e-4)
    assert ("lordosis", "L1", "S1") in {(a.name, a.upper, a.lower) for a in result.angles}


def test_what_cannot_be_read_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(SpineError):
        spinetk.segment(tmp_path / "nothing")
    with pytest.raises(AttributeError, match="no attribute 'sgement'"):
        spinetk.sgement  # noqa: B018
