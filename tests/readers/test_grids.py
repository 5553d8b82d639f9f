from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK

from spinetk.errors import UnreadableInput
from spinetk.phantom import Phantom
from spinetk.readers.grids import onto_grid
from spinetk.readers.volume_files import open_volume, read_labels, read_volume


@pytest.fixture
def pair(phantom: Phantom, phantom_folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The phantom's image and labels, on one grid."""
    truth = nibabel.load(phantom_folder / "truth.nii.gz")
    array = np.transpose(phantom.volume, (2, 1, 0)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(array, truth.affine), tmp_path / "image.nii.gz")
    labels = np.asarray(truth.dataobj).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(labels, truth.affine), tmp_path / "labels.nii.gz")
    return tmp_path / "image.nii.gz", tmp_path / "labels.nii.gz"


def assert_on_the_image(labels: Path, image: Path, phantom: Phantom) -> None:
    places = {
        round(g.origin[0], 3): v for g, v in zip(phantom.geometries, phantom.labels, strict=True)
    }
    series = read_labels(labels, image)
    for one, shown in zip(series.slices, read_volume(image).slices, strict=True):
        assert one.geometry is not None and shown.geometry is not None
        np.testing.assert_allclose(one.geometry.origin, shown.geometry.origin, atol=1e-3)
        np.testing.assert_array_equal(one.pixels, places[round(one.geometry.origin[0], 3)])


@pytest.mark.parametrize("axes", ["RAS", "LPS", "PIR", "AIL", "SLA", "IRP"])
def test_labels_stored_with_other_axes_lie_on_the_image(
    pair: tuple[Path, Path], phantom: Phantom, axes: str
) -> None:
    image, path = pair
    labels = nibabel.load(path)
    wanted = nibabel.orientations.axcodes2ornt(tuple(axes))
    turn = nibabel.orientations.ornt_transform(nibabel.io_orientation(labels.affine), wanted)
    nibabel.save(labels.as_reoriented(turn), path)
    assert_on_the_image(path, image, phantom)


@pytest.mark.parametrize("suffix", [".mha", ".nrrd", ".nii.gz"])
def test_cropped_labels_of_every_format_lie_on_the_image(
    pair: tuple[Path, Path], phantom: Phantom, tmp_path: Path, suffix: str
) -> None:
    image, path = pair
    whole = SimpleITK.ReadImage(str(path))
    shape = SimpleITK.LabelShapeStatisticsImageFilter()
    shape.Execute(whole > 0)
    box = shape.GetBoundingBox(1)
    cropped = SimpleITK.RegionOfInterest(whole, box[3:], box[:3])
    SimpleITK.WriteImage(cropped, str(tmp_path / f"cropped{suffix}"))
    assert_on_the_image(tmp_path / f"cropped{suffix}", image, phantom)


@pytest.mark.parametrize("change", ["between", "turned", "coarser", "beside"])
def test_labels_that_lie_elsewhere_are_refused(pair: tuple[Path, Path], change: str) -> None:
    image, path = pair
    labels = nibabel.load(path)
    affine = labels.affine.copy()
    if change == "between":
        affine[:3, 3] += affine[:3, 0] / 2
    elif change == "turned":
        affine[:3, :3] = affine[:3, :3] @ np.array([[1, 0.02, 0], [-0.02, 1, 0], [0, 0, 1]])
    elif change == "coarser":
        affine[:3, 0] *= 1.01
    else:
        affine[:3, 3] += affine[:3, 1] * 200
    nibabel.save(nibabel.Nifti1Image(np.asarray(labels.dataobj), affine), path)
    with pytest.raises(UnreadableInput, match=r"labels.nii.gz: is not on the grid of image.nii.gz"):
        read_labels(path, image)


def test_what_is_on_the_grid_is_read_as_it_is(pair: tuple[Path, Path]) -> None:
    image, path = pair
    labels = open_volume(path)
    assert onto_grid(labels, open_volume(image)).slabs is labels.slabs


@pytest.mark.parametrize("which", [0, 1])
def test_a_header_that_contradicts_itself_places_nothing(
    pair: tuple[Path, Path], which: int
) -> None:
    """Mirrored front to back, with the sform of before: its qform says where it lies."""
    path = pair[which]
    stored = nibabel.load(path)
    mirrored = stored.affine @ np.diag([1.0, -1, 1, 1])
    image = nibabel.Nifti1Image(np.asarray(stored.dataobj)[:, ::-1], stored.affine)
    image.set_sform(stored.affine, 1)
    image.set_qform(mirrored, 1)
    nibabel.save(image, path)
    with pytest.raises(UnreadableInput, match=rf"{path.name}: where it lies cannot be told"):
        read_labels(pair[1], pair[0])


def test_a_stale_header_that_both_files_have_moves_neither(
    pair: tuple[Path, Path], phantom: Phantom
) -> None:
    for path in pair:
        stored = nibabel.load(path)
        image = nibabel.Nifti1Image(np.asarray(stored.dataobj), stored.affine)
        image.set_sform(stored.affine, 1)
        image.set_qform(stored.affine @ np.diag([1.0, -1, 1, 1]), 1)
        nibabel.save(image, path)
    shown = [part.pixels for part in read_labels(pair[1], pair[0]).slices]
    assert sorted(int((a > 0).sum()) for a in shown) == sorted(
        int((a > 0).sum()) for a in phantom.labels
    )
