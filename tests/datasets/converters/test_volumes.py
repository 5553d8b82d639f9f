from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK

from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.converters.convert import Conversion, convert
from spinetk.errors import SpineError


def volume_with_labels(
    folder: Path, image_name: str, label_name: str, values: dict[str, int]
) -> None:
    """A body with a spinous process, and a disc below it, 40 x 60 x 80 voxels of 1 mm, LPS."""
    labels = np.zeros((80, 60, 40), dtype=np.uint8)  # z, y, x
    labels[40:66, 10:40, 8:32] = values["vertebra"]
    labels[48:54, 40:56, 17:23] = values["vertebra"]
    labels[30:38, 10:40, 8:32] = values["disc"]
    image = np.random.default_rng(1).normal(100, 20, labels.shape).astype(np.float32)
    for name, array in ((image_name, image), (label_name, labels)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(array), str(folder / name))


@pytest.mark.parametrize(
    ("kind", "image", "labels", "values", "level"),
    [
        ("volumes", "a.nii.gz", "a_seg.nii.gz", {"vertebra": 22, "disc": 122}, "L3"),
        (
            "verse",
            "rawdata/sub-verse004/sub-verse004_ct.nii.gz",
            "derivatives/sub-verse004/sub-verse004_seg-vert_msk.nii.gz",
            {"vertebra": 22, "disc": 0},
            "L3",
        ),
        ("spider", "images/12_t2.mha", "masks/12_t2.mha", {"vertebra": 3, "disc": 203}, "L3"),
    ],
)
def test_volumes(
    tmp_path: Path, kind: str, image: str, labels: str, values: dict[str, int], level: str
) -> None:
    volume_with_labels(tmp_path / "in", image, labels, values)
    options = Conversion(modality="CT" if kind == "verse" else "MR", whole_vertebrae=True)
    convert(kind, tmp_path / "in", tmp_path / "out", options)
    images = read_dataset(tmp_path / "out").images
    # every slice is there, so that slice selection can be tested, and 24 of them show the body
    assert len(images) == 40 and sum(bool(i.instances) for i in images) == 24
    patient = {"volumes": "a", "verse": "verse004", "spider": "12"}[kind]
    assert {i.patient for i in images} == {patient} and images[0].n_slices == 40
    assert images[0].modality == ("CT" if kind == "verse" else "MR")
    middle = next(i for i in images if i.slice_index == 20)
    by_level = {a.level: a for a in middle.instances}
    expected = {"L3"} if kind == "verse" else {"L3", "L3-L4"}
    assert set(by_level) == expected
    # head up, anterior left: the body's rows are counted from the top, its process is gone
    left, top, right, bottom = by_level[level].box
    assert (left, top, bottom) == (10, 14, 40) and 40 <= right <= 46  # the process went to 56


def test_cropped_labels_lie_where_they_lay(tmp_path: Path) -> None:
    for name in ("whole", "cropped"):
        volume_with_labels(tmp_path / name, "a.mha", "a_seg.mha", {"vertebra": 22, "disc": 122})
    path = tmp_path / "cropped" / "a_seg.mha"
    labels = SimpleITK.ReadImage(str(path))
    SimpleITK.WriteImage(labels[4:36, 6:, 10:], str(path))
    masks = []
    for name in ("whole", "cropped"):
        convert("volumes", tmp_path / name, tmp_path / f"{name}-set", Conversion(modality="MR"))
        images = read_dataset(tmp_path / f"{name}-set").images
        masks.append([note.mask for image in images for note in image.instances])
    np.testing.assert_array_equal(*map(np.array, masks))


def test_somebodys_own_numbers_are_no_necks(tmp_path: Path) -> None:
    volume_with_labels(tmp_path / "in", "a.mha", "a_seg.mha", {"vertebra": 3, "disc": 103})
    image = SimpleITK.ReadImage(str(tmp_path / "in" / "a.mha"))
    for name in ("a.mha", "a_seg.mha"):
        image = SimpleITK.ReadImage(str(tmp_path / "in" / name))
        image.SetSpacing((1.0, 1.2, 1.2))
        SimpleITK.WriteImage(image, str(tmp_path / "in" / name))
    with pytest.raises(SpineError, match=r"would mean C3, .* which no neck is: name them"):
        convert("volumes", tmp_path / "in", tmp_path / "out", Conversion(modality="MR"))


def test_labels_with_a_lost_header_are_refused(tmp_path: Path) -> None:
    volume_with_labels(tmp_path, "a.mha", "a_seg.mha", {"vertebra": 22, "disc": 122})
    labels = SimpleITK.ReadImage(str(tmp_path / "a_seg.mha"))
    labels.SetOrigin((0.0, 5.0, 0.0))
    SimpleITK.WriteImage(labels, str(tmp_path / "a_seg.mha"))
    with pytest.raises(SpineError, match="is not on the grid"):
        convert("volumes", tmp_path, tmp_path / "out", Conversion(modality="MR"))


def test_the_same_file_name_in_two_patients_folders_is_two_cases(tmp_path: Path) -> None:
    for patient in ("p1", "p2"):
        values = {"vertebra": 22, "disc": 122}
        volume_with_labels(tmp_path / "in" / patient, "t2.nii.gz", "t2_seg.nii.gz", values)
    options = Conversion(modality="MR", patient="^(p[0-9]+)_", exhaustive=True)
    convert("volumes", tmp_path / "in", tmp_path / "out", options)
    images = read_dataset(tmp_path / "out").images
    assert {i.patient for i in images} == {"p1", "p2"} and len({i.series for i in images}) == 2
    # where a known label is not outlined, the slice is not exhaustive
    assert all(i.exhaustive for i in images)


def test_label_numbers_that_mean_nothing_are_counted(tmp_path: Path) -> None:
    labels = np.zeros((4, 60, 60), np.uint8)
    labels[:, 20:40, 20:40] = 77
    labels[:, 20:40, 5:15] = 26  # S1, by SpineTK's numbers
    for name, array in (("a", labels * 2 + 9), ("a_seg", labels)):
        nibabel.save(nibabel.Nifti1Image(array, np.diag([3.0, 1, 1, 1])), tmp_path / f"{name}.nii")
    done = convert("volumes", tmp_path, tmp_path / "out", Conversion(modality="MR"))
    assert done.lost == {"labels numbered 77, which is no body or disc here": 1}
    assert done.classes == {"vertebral_body": 4, "S1": 4}


def numbered(folder: Path, numbers: list[int], size: int, spacing: float | None) -> None:
    """Bodies of these numbers from the head down, `size` voxels deep."""
    height = 12
    labels = np.zeros((len(numbers) * (height + 4) + 20, 60, 20), dtype=np.uint8)
    for place, number in enumerate(numbers):
        top = labels.shape[0] - 10 - place * (height + 4)
        labels[top - height : top, 10 : 10 + size, 4:16] = number
    image = np.random.default_rng(1).normal(100, 20, labels.shape).astype(np.float32)
    folder.mkdir()
    for name, array in (("a.nii.gz", image), ("a_seg.nii.gz", labels)):
        affine = np.eye(4) if spacing is None else np.diag([4 * spacing, spacing, spacing, 1])
        turned = np.ascontiguousarray(np.moveaxis(array, (0, 1, 2), (2, 1, 0)))
        nibabel.save(nibabel.Nifti1Image(turned, affine), folder / name)


@pytest.mark.parametrize(
    ("numbers", "why"),
    [([1] * 6, "marks several bodies at once"), ([2, 1, 1, 1, 2], "marks several bodies at once"),
     ([1, 2, 3, 4, 5], "without mm nobody can tell")],
)  # fmt: skip
def test_numbers_that_are_no_levels_are_to_be_named(
    numbers: list[int], why: str, tmp_path: Path
) -> None:
    numbered(tmp_path / "in", numbers, 16, None if "mm" in why else 1.01)
    with pytest.raises(SpineError, match=why):
        convert("volumes", tmp_path / "in", tmp_path / "out", Conversion(modality="MR"))


def save_pair(folder: Path, labels: np.ndarray, spacing: float = 1.01) -> None:
    """An image and its labels [x, y, z] with sagittal slices 4 mm apart."""
    folder.mkdir()
    image = np.random.default_rng(1).normal(100, 20, labels.shape).astype(np.float32)
    affine = np.diag([4.0, spacing, spacing, 1])
    for name, array in (("sub-01_T2w.nii.gz", image), ("sub-01_T2w_seg.nii.gz", labels)):
        nibabel.save(nibabel.Nifti1Image(array, affine), folder / name)


@pytest.mark.parametrize(
    ("what", "height", "width"), [("cord", 100, 8), ("point", 1, 1), ("small lesion", 3, 5)]
)
def test_a_cord_a_lesion_and_a_point_are_no_vertebrae(
    what: str, height: int, width: int, tmp_path: Path
) -> None:
    labels = np.zeros((6, 60, 120), dtype=np.uint8)
    labels[2:4, 20 : 20 + width, 10 : 10 + height] = 1
    save_pair(tmp_path / "in", labels)
    with pytest.raises(SpineError, match="would mean C1, and is .* mm high: name it"):
        convert("volumes", tmp_path / "in", tmp_path / "out", Conversion(modality="MR"))


def test_a_sacral_body_leaves_a_slice_exhaustive(tmp_path: Path) -> None:
    labels = np.zeros((6, 60, 120), dtype=np.uint8)
    for place, number in enumerate((26, 24, 23)):
        labels[:, 10:45, 8 + 36 * place : 36 + 36 * place] = number
    save_pair(tmp_path / "in", labels)
    options = Conversion(modality="MR", exhaustive=True)
    convert("volumes", tmp_path / "in", tmp_path / "out", options)
    images = read_dataset(tmp_path / "out").images
    assert len(images) == 6 and all(image.exhaustive for image in images)


def test_a_number_that_the_users_names_leave_out_is_visible(tmp_path: Path) -> None:
    labels = np.zeros((6, 60, 120), dtype=np.uint8)
    labels[:, 10:45, 10:40], labels[:, 10:45, 50:80] = 100, 5
    save_pair(tmp_path / "in", labels)
    (tmp_path / "names.txt").write_text('    5   1 2 3   1  1  1    "L4"\n')
    options = Conversion(modality="MR", exhaustive=True, names=tmp_path / "names.txt")
    done = convert("volumes", tmp_path / "in", tmp_path / "out", options)
    assert done.lost == {"labels numbered 100, which is no body or disc here": 1}
    assert not any(image.exhaustive for image in read_dataset(tmp_path / "out").images)
