import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from spinetk.errors import SpineError
from spinetk.results.record import read_record
from spinetk.results.reopen import INSTANCES, read_slice, reopen
from spinetk.study import Segmentation


def test_a_result_comes_back_as_it_was(written: Path, phantom_result: Segmentation) -> None:
    again = reopen(written, read_record(written), phantom_result.series)
    assert again.slice_index == phantom_result.slice_index
    assert again.warnings == phantom_result.warnings
    assert len(again.instances) == len(phantom_result.instances)
    for one, other in zip(again.instances, phantom_result.instances, strict=True):
        assert (one.mask == other.mask).all() and one.box == other.box
        assert (one.kind, one.level, one.order) == (other.kind, other.level, other.order)
        assert one.score == pytest.approx(other.score, abs=5e-5)
        assert (one.quality, one.quality_low) == (other.quality, other.quality_low)
        assert one.level_confidence == other.level_confidence


def test_the_slice_is_found_without_its_source(written: Path, phantom_result: Segmentation) -> None:
    stored = read_slice(written, read_record(written))
    original = phantom_result.slice
    np.testing.assert_array_equal(stored.pixels, original.pixels)
    assert stored.geometry is not None and original.geometry is not None
    np.testing.assert_allclose(stored.geometry.affine, original.geometry.affine, atol=1e-4)
    assert stored.spacing == pytest.approx(original.spacing)


def test_damaged_results_are_refused_by_name(
    written: Path, phantom_result: Segmentation, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(written, folder)
    content = json.loads((folder / INSTANCES).read_text())
    for damage in ("", "{}", json.dumps(content | {"annotations": [{"category_id": 9}]})):
        (folder / INSTANCES).write_text(damage)
        with pytest.raises(SpineError, match=f"copy: its {INSTANCES} cannot be read"):
            reopen(folder, read_record(folder), phantom_result.series)
    (folder / "image.nii.gz").write_bytes(b"no image")
    with pytest.raises(SpineError, match=r"copy: its image.nii.gz cannot be read"):
        read_slice(folder, read_record(folder))
