"""First-order features against PyRadiomics and MIRP, on real voxels and on edge cases."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray

from spinetk.datasets.annotated import read_dataset
from spinetk.measures.first_order import BINS, FirstOrder, first_order

Region = tuple[NDArray[np.float32], NDArray[np.bool_]]


def crop_regions(folder: Path) -> list[Region]:
    """Sagittal slices of tptbox's real MR and CT crops with their vertebra masks."""
    regions = []
    for kind, image_name, mask_name in (
        ("sample_mri", "sub-mri_label-6_T2w.nii.gz", "sub-mri_seg-vert_label-6_msk.nii.gz"),
        ("sample_ct", "sub-ct_label-22_ct.nii.gz", "sub-ct_seg-vert_label-22_msk.nii.gz"),
    ):
        image = nibabel.load(folder / kind / image_name).get_fdata().astype(np.float32)
        mask = nibabel.load(folder / kind / mask_name).get_fdata() > 0
        thin = int(np.argmin(image.shape))
        for index in range(0, image.shape[thin], 3):
            region = np.take(mask, index, axis=thin)
            if region.sum() > 50:
                regions.append((np.take(image, index, axis=thin), region))
    return regions


def shared_regions(folder: Path) -> list[Region]:
    regions = []
    for name in ("mr_spider", "mr_backspine", "mr_vb2", "mr_vb3"):
        for image in read_dataset(folder / name).images[::97]:
            pixels = image.pixels.astype(np.float32)
            regions += [(pixels, a.mask) for a in image.instances]
    return regions


def by_pyradiomics(region: Region) -> dict[str, float]:
    from radiomics.firstorder import RadiomicsFirstOrder

    pixels, mask = region
    image = SimpleITK.GetImageFromArray(pixels[None].astype(np.float64))
    label = SimpleITK.GetImageFromArray(mask[None].astype(np.uint8))
    features = RadiomicsFirstOrder(image, label, binCount=BINS, force2D=True)
    features.enableAllFeatures()
    return {name: float(value) for name, value in features.execute().items()}


def assert_agrees(region: Region) -> None:
    ours, theirs = first_order(*region), by_pyradiomics(region)
    for mine, name in (
        (ours.mean, "Mean"),
        (ours.skewness, "Skewness"),
        (ours.kurtosis, "Kurtosis"),
        (ours.entropy_bits, "Entropy"),
    ):
        assert mine == pytest.approx(theirs[name], rel=1e-6, abs=1e-12), name


def test_agrees_with_pyradiomics_on_real_crops(real_crops: Path) -> None:
    regions = crop_regions(real_crops)
    assert len(regions) >= 10
    for region in regions:
        assert_agrees(region)


def test_agrees_with_pyradiomics_on_the_shared_slices(shared_data: Path) -> None:
    for region in shared_regions(shared_data):
        assert_agrees(region)


def test_agrees_with_mirp_where_the_definitions_agree(real_crops: Path) -> None:
    """IBSI's mean, skewness and excess kurtosis, and entropy of the intensity histogram."""
    from mirp import extract_features

    for pixels, mask in crop_regions(real_crops)[:4]:
        [table] = extract_features(
            image=pixels[None].astype(np.float64),
            mask=mask[None].astype(np.uint8),
            by_slice=True,
            base_feature_families=["statistics", "intensity_histogram"],
            base_discretisation_method="fixed_bin_number",
            base_discretisation_n_bins=BINS,
        )
        ours = first_order(pixels, mask)
        row = table.iloc[0]
        assert ours.mean == pytest.approx(row["stat_mean"], rel=1e-6)
        assert ours.skewness == pytest.approx(row["stat_skew"], rel=1e-6)
        assert ours.kurtosis_excess == pytest.approx(row["stat_kurt"], rel=1e-6)
        [entropy] = [row[c] for c in table.columns if c.startswith("ih_entropy")]
        assert ours.entropy_bits == pytest.approx(entropy, rel=1e-6)


def test_known_values() -> None:
    values = np.array([[0, 0, 0, 4]], dtype=np.float32)
    got = first_order(values, np.ones((1, 4), dtype=bool))
    assert got.mean == 1 and got.mpp == 4
    assert got.skewness == pytest.approx(2 / np.sqrt(3))
    assert got.kurtosis == pytest.approx(7 / 3)
    assert got.kurtosis_excess == pytest.approx(7 / 3 - 3)
    assert got.entropy_bits == pytest.approx(-(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25)))


def test_constant_values() -> None:
    got = first_order(np.full((3, 3), 5, dtype=np.float32), np.ones((3, 3), dtype=bool))
    assert got == FirstOrder(5.0, 5.0, 0.0, 0.0, None, 0.0, BINS)


def test_mean_of_positive_pixels_is_absent_where_none_is_positive() -> None:
    got = first_order(np.array([[-3.0, 0.0]], dtype=np.float32), np.ones((1, 2), dtype=bool))
    assert got.mpp is None
