"""Each shipped network on the input that it is for, as the reader gives it, without an option.

The real crop is a case that the network `ct` was trained on: what is tested is the way from the
file to the mask, not how good the network is (that is in docs/results.md).
"""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinetk.boxes import dice
from spinetk.network.loaded import load_model, model_for
from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
from spinetk.pipeline import segment
from spinetk.readers import read
from spinetk.readers.volume_files import read_volume
from spinetk.study import Modality

LOOKS = {"CT": PhantomConfig(look="CT", slices=3), "XR": PhantomConfig(look="XR", samples=1)}


@pytest.mark.parametrize("look", ["CT", "XR"])
def test_a_dicom_phantom_of_each_modality(tmp_path: Path, look: str) -> None:
    phantom = make_phantom(LOOKS[look])
    write_phantom(phantom, tmp_path)
    [series] = read(tmp_path / "dicom").series
    name, series = model_for(series)
    assert name == look.lower() and series.modality == look
    result = segment(series, load_model(name))
    truth = phantom.labels[result.slice_index]
    scores = [
        max((dice(i.mask, truth == level) for i in result.instances), default=0.0)
        for level in range(19, 25)  # T12 to L5
    ]
    assert sorted(scores)[1] > 0.75, scores  # all but one


def test_a_nifti_in_hounsfield_units_goes_to_ct(real_crops: Path) -> None:
    """A real crop of 110 mm with L3 in its middle, and parts of L2 and L4."""
    [series] = read(real_crops / "sample_ct" / "sub-ct_label-22_ct.nii.gz").series
    name, series = model_for(series)
    assert name == "ct"
    result = segment(series, load_model(name))
    subregions = read_body(real_crops, result.slice_index)
    best = max(dice(i.mask, subregions) for i in result.instances)
    assert best > 0.85


def read_body(real_crops: Path, index: int) -> np.ndarray:
    """The reference body of L3 on one slice."""
    path = real_crops / "sample_ct" / "sub-ct_seg-subreg_label-22_msk.nii.gz"
    whole = real_crops / "sample_ct" / "sub-ct_seg-vert_label-22_msk.nii.gz"
    parts, labels = read_volume(path, labels=True), read_volume(whole, labels=True)
    body = np.isin(parts.slices[index].pixels, (49, 50))
    return np.asarray(body & (labels.slices[index].pixels == 22))


@pytest.mark.parametrize("modality", ["MR", "CT", "XR"])
def test_a_bare_picture_takes_the_modality_that_it_is_told(
    tmp_path: Path, modality: Modality
) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((64, 64), np.uint8))
    [series] = read(tmp_path / "a.png").series
    name, told = model_for(series, modality)
    assert name == modality.lower() and not any(w.code == "modality-assumed" for w in told.warnings)
    assumed, series = model_for(series)
    assert assumed == "mr" and any(w.code == "modality-assumed" for w in series.warnings)


def test_the_window_of_a_ct_picture_hardly_matters(real_crops: Path) -> None:
    """The same slice through a bone window, a wide and a narrow one."""
    [volume] = read(real_crops / "sample_ct" / "sub-ct_label-22_ct.nii.gz").series
    one = volume.slices[len(volume.slices) // 2]
    body = read_body(real_crops, one.index)
    model = load_model("ct")
    for centre, width in ((400, 1800), (300, 3000), (250, 900)):
        pixels = np.clip((one.pixels - centre + width / 2) / width, 0, 1) * 255
        picture = replace(one, pixels=pixels.round().astype(np.float32), index=0)
        result = segment(replace(volume, slices=(picture,)), model)
        assert max(dice(i.mask, body) for i in result.instances) > 0.85, (centre, width)
