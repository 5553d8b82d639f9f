from pathlib import Path

import nibabel
import numpy as np

from spinetk.orientation import upright
from spinetk.server.display import display_volume
from spinetk.study import Segmentation


def test_the_volume_holds_every_slice_upright(phantom_result: Segmentation, tmp_path: Path) -> None:
    series = phantom_result.series
    path = display_volume(series, tmp_path / "display" / "a.nii")
    volume = np.asarray(nibabel.load(path).dataobj)  # type: ignore[attr-defined]
    assert volume.shape[2] == len(series.slices)
    for index, stored in enumerate(series.slices):
        image = upright(stored).visible
        np.testing.assert_array_equal(volume[: image.shape[1], : image.shape[0], index], image.T)
    before = path.stat().st_mtime_ns
    display_volume(series, path)
    assert path.stat().st_mtime_ns == before  # made once
    assert [p.name for p in path.parent.iterdir()] == ["a.nii"]
