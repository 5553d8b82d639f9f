from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from spinetk.phantom import Phantom, PhantomConfig, make_phantom, write_phantom
from spinetk.phantom.spine import build_spine

BODIES = [26, 24, 23, 22, 21, 20, 19, 18, 17]


def test_truth_holds_every_body_and_disc_of_the_column(phantom: Phantom) -> None:
    middle = phantom.labels[4]
    assert set(BODIES) <= set(np.unique(middle))
    assert {117, 118, 119, 120, 121, 122, 123, 124} <= set(np.unique(middle))


def test_truth_is_the_shapes_themselves(phantom: Phantom) -> None:
    """L3's area on the middle slice against the area of its analytic outline, finely summed."""
    body = next(b for b in build_spine().bodies if b.name == "L3")
    step = 0.05
    y, z = np.meshgrid(np.arange(-30, 30, step), np.arange(-30, 30, step))
    inside = body.inside(np.zeros_like(y), y + body.centre[1], z + body.centre[2])
    area = np.count_nonzero(phantom.labels[4] == 22) * 0.7**2
    assert area == pytest.approx(inside.sum() * step**2, rel=0.02)


def test_the_same_configuration_gives_the_same_pixels() -> None:
    config = PhantomConfig(slices=2, samples=1)
    np.testing.assert_array_equal(make_phantom(config).volume, make_phantom(config).volume)


@pytest.mark.parametrize(
    ("look", "brighter", "darker"),
    [("T1", "bone", "fluid"), ("T2", "fluid", "bone"), ("CT", "bone", "fluid")],
)
def test_contrast_is_that_of_the_modality(look: str, brighter: str, darker: str) -> None:
    made = make_phantom(PhantomConfig(look=look, slices=3, samples=1))  # type: ignore[arg-type]
    body = made.volume[1][made.labels[1] == 22].mean()
    # the canal: 9 mm behind L3's back wall
    rows, columns = np.nonzero(made.labels[1] == 22)
    canal = made.volume[1][int(rows.mean()), int(columns.max() + 8 / 0.7)]
    assert (body > canal) == (brighter == "bone")


def test_a_fracture_is_lower_in_front_and_screws_are_metal() -> None:
    healthy = make_phantom(PhantomConfig(slices=1, samples=1))
    broken = make_phantom(PhantomConfig(slices=1, samples=1, fracture="L1"))
    areas = [np.count_nonzero(p.labels[0] == 20) for p in (healthy, broken)]
    assert areas[1] < 0.75 * areas[0]
    screwed = make_phantom(PhantomConfig(look="CT", slices=8, samples=1, metal=True))
    assert (
        screwed.volume.max()
        > 2500
        > make_phantom(PhantomConfig(look="CT", slices=8, samples=1)).volume.max()
    )


def test_scoliosis_takes_bodies_out_of_the_middle_slice() -> None:
    bent = make_phantom(PhantomConfig(slices=15, samples=1, scoliosis_mm=36))
    shown = [len({v for v in np.unique(s) if 0 < v < 100}) for s in bent.labels]
    assert max(shown) >= 7 and min(shown) <= 4


@pytest.mark.parametrize("look", ["T1", "CT", "XR"])
def test_the_series_is_dicom_that_pydicom_decodes(tmp_path: Path, look: str) -> None:
    made = make_phantom(PhantomConfig(look=look, slices=2, samples=1))  # type: ignore[arg-type]
    files = write_phantom(made, tmp_path)
    assert len(files) == len(made.volume)
    for path in files:
        dataset = pydicom.dcmread(path)
        assert dataset.pixel_array.shape == (448, 384)
        assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    truth = nibabel.load(tmp_path / "truth.nii.gz")
    assert truth.shape == (384, 448, len(files))
