from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK

from spinetk.structures import label_numbers
from spinetk.study import Segmentation
from spinetk.writers.nifti import label_image, write_nifti


def test_itk_reads_the_pair_on_one_grid(phantom_result: Segmentation, tmp_path: Path) -> None:
    write_nifti(tmp_path / "i.nii.gz", tmp_path / "m.nii.gz", phantom_result)
    image, mask = (SimpleITK.ReadImage(str(tmp_path / f"{n}.nii.gz")) for n in "im")
    assert image.GetSize() == mask.GetSize()
    np.testing.assert_allclose(image.GetOrigin(), mask.GetOrigin())
    np.testing.assert_allclose(image.GetDirection(), mask.GetDirection())
    np.testing.assert_array_equal(
        SimpleITK.GetArrayFromImage(image)[0], phantom_result.slice.pixels
    )
    labels = SimpleITK.GetArrayFromImage(mask)[0]
    np.testing.assert_array_equal(labels, label_image(phantom_result))
    assert set(np.unique(labels)) - {0} == set(label_numbers(phantom_result.instances))
    geometry = phantom_result.slice.geometry
    assert geometry is not None
    place = image.TransformIndexToPhysicalPoint((10, 20, 0))
    np.testing.assert_allclose(place, (geometry.affine @ (10, 20, 0, 1))[:3], atol=1e-3)


def test_a_picture_has_pixels_of_one_millimetre_in_unknown_units(
    phantom_result: Segmentation, tmp_path: Path
) -> None:
    import nibabel

    bare = replace(phantom_result.slice, geometry=None, spacing=None, facing=None)
    series = replace(phantom_result.series, slices=(bare,))
    result = replace(phantom_result, series=series, slice_index=0)
    write_nifti(tmp_path / "i.nii.gz", tmp_path / "m.nii.gz", result)
    header = nibabel.load(tmp_path / "i.nii.gz").header  # type: ignore[attr-defined]
    assert header.get_xyzt_units()[0] == "unknown" and header.get_zooms()[:2] == (1.0, 1.0)
