"""Each format from a small file in its true layout."""

import base64
import hashlib
import json
import shutil
from pathlib import Path

import cv2
import highdicom
import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid
from scipy.io import savemat

from spinetk.datasets.annotated import AnnotatedSet, read_dataset
from spinetk.datasets.converters.convert import Conversion, convert
from spinetk.errors import SpineError, UsageError
from spinetk.readers import read
from spinetk.rle import encode_rle
from tests.conftest import Painter

BODY_BOX = (30, 20, 60, 60)
"""Top, left, bottom, right of a body in a 120 x 100 picture."""


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    gray = np.random.default_rng(0).integers(0, 255, (120, 100)).astype(np.uint8)
    cv2.imwrite(str(folder / "p7_1.png"), gray)
    return folder


def corners(top: int, left: int, bottom: int, right: int) -> list[list[float]]:
    """In the convention where a pixel's area runs from its number to the next."""
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def only_mask(one: AnnotatedSet) -> NDArray[np.bool_]:
    [image] = one.images
    [note] = image.instances
    return note.mask


def test_labelme(picture: Path, tmp_path: Path, block: Painter) -> None:
    shape = {"label": "L3", "points": corners(*BODY_BOX), "shape_type": "polygon"}
    box = {"label": "L3-L4", "points": [[20, 62], [60, 70]], "shape_type": "rectangle"}
    content = {"version": "5", "shapes": [shape, box], "imagePath": "p7_1.png", "imageData": None}
    (picture / "p7_1.json").write_text(json.dumps(content))
    options = Conversion(modality="MR", patient=r"^(p\d+)_")
    done = convert("labelme", picture, tmp_path / "out", options)
    assert (done.images, done.outlines, done.patients, done.lost) == (1, 2, 1, {})
    [image] = read_dataset(tmp_path / "out").images
    assert image.patient == "p7" and image.modality == "MR" and not image.exhaustive
    assert [a.level for a in image.instances] == ["L3", "L3-L4"]
    np.testing.assert_array_equal(image.instances[0].mask, block(120, 100, *BODY_BOX))
    assert image.labelled_categories == (1, 2)


def test_a_mask_of_labelme_is_taken_and_what_is_no_outline_is_counted(
    picture: Path, tmp_path: Path, block: Painter
) -> None:
    top, left, bottom, right = BODY_BOX
    full = np.full((bottom - top, right - left), 255, np.uint8)
    coded = base64.b64encode(bytes(cv2.imencode(".png", full)[1])).decode()
    mask = {"label": "L3", "shape_type": "mask", "mask": coded,
            "points": [[left, top], [right - 1, bottom - 1]]}  # fmt: skip
    circle = {"label": "L4", "shape_type": "circle", "points": [[5, 5], [9, 9]]}
    content = {"shapes": [mask, circle], "imagePath": "p7_1.png"}
    (picture / "p7_1.json").write_text(json.dumps(content))
    options = Conversion(modality="MR", exhaustive=True)
    done = convert("labelme", picture, tmp_path / "out", options)
    assert done.lost == {"shapes that are no outline": 1}
    one = read_dataset(tmp_path / "out")
    np.testing.assert_array_equal(only_mask(one), block(120, 100, *BODY_BOX))
    assert not one.images[0].exhaustive  # something visible was not taken over


def test_pictures_of_16_bit_keep_their_contrast(picture: Path, tmp_path: Path) -> None:
    wide = np.linspace(0, 1499, 120 * 100).reshape(120, 100).astype(np.uint16)
    cv2.imwrite(str(picture / "p7_1.png"), wide)
    shape = {"label": "L3", "points": corners(*BODY_BOX)}
    (picture / "p7_1.json").write_text(json.dumps({"shapes": [shape], "imagePath": "p7_1.png"}))
    convert("labelme", picture, tmp_path / "out", Conversion(modality="MR"))
    assert len(np.unique(read_dataset(tmp_path / "out").images[0].pixels)) > 200


def test_yolo(tmp_path: Path, block: Painter) -> None:
    root = tmp_path / "yolo"
    for part in ("images", "labels"):
        (root / "train" / part).mkdir(parents=True)
    gray = np.zeros((120, 100), np.uint8)
    cv2.imwrite(str(root / "train" / "images" / "a.jpg"), gray)
    shares = (np.array(corners(*BODY_BOX)) / (100, 120)).ravel()
    (root / "train" / "labels" / "a.txt").write_text("1 " + " ".join(f"{v:.6f}" for v in shares))
    (root / "data.yaml").write_text("names: [disc, vertebra]\nnc: 2\n")
    # two altered copies of one picture in which nothing is to be seen, as Roboflow exports them
    for copy in ("0a1b", "2c3d"):
        cv2.imwrite(str(root / "train" / "images" / f"b_jpg.rf.{copy}.jpg"), gray)
    (root / "train" / "labels" / "gone.txt").write_text("")
    done = convert("yolo", root, tmp_path / "out", Conversion(modality="XR", exhaustive=True))
    assert done.images == 3 and done.patients == 2 and done.lost == {"labels without a picture": 1}
    one = read_dataset(tmp_path / "out")
    [note] = one.images[0].instances
    np.testing.assert_array_equal(note.mask, block(120, 100, *BODY_BOX))
    assert one.images[1].exhaustive and not one.images[1].instances
    assert one.images[0].exhaustive and one.classes == ("vertebral_body", "intervertebral_disc")
    assert one.images[0].labelled_categories == (1,)


@pytest.mark.parametrize("code", ["polygon", "compressed", "uncompressed"])
def test_coco(picture: Path, tmp_path: Path, block: Painter, code: str) -> None:
    mask = block(120, 100, *BODY_BOX)
    flat = mask.ravel(order="F")
    runs = np.diff(np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1, [flat.size]]))
    segmentation = {
        "polygon": [list(np.array(corners(*BODY_BOX), dtype=float).ravel())],
        "compressed": encode_rle(mask),
        "uncompressed": {"size": [120, 100], "counts": runs.tolist()},
    }[code]
    content = {
        "images": [{"id": 5, "file_name": "p7_1.png", "height": 120, "width": 100}],
        "categories": [{"id": 3, "name": "spleen"}],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 3, "segmentation": segmentation},
            {"id": 2, "image_id": 5, "category_id": 3, "bbox": [1, 1, 9, 9]},
        ],
    }
    (picture / "instances.json").write_text(json.dumps(content))
    done = convert("coco", picture, tmp_path / "out", Conversion(modality="CT"))
    assert done.lost == {"boxes without an outline": 1}
    one = read_dataset(tmp_path / "out")
    assert one.classes == ("spleen",)  # other structures bring their own classes
    np.testing.assert_array_equal(only_mask(one), mask)


def test_aasce_corners_and_its_rule_for_loose_ones(tmp_path: Path) -> None:
    root = tmp_path / "boostnet"
    for part in ("data/training", "labels/training"):
        (root / part).mkdir(parents=True)
    quads = np.zeros((17, 4, 2))
    for i in range(17):
        top, left = 20 + 50 * i, 200
        quads[i] = [(left, top), (left + 60, top), (left, top + 40), (left + 60, top + 40)]
    crossed, apart = quads.copy(), quads.copy()
    crossed[4, 0] = (250, 259)  # a corner inside: not convex
    apart[9:, :, 1] += 120  # a gap of several bodies
    case = "sunhl-1th-03-Jan-2017-162 a ap"
    for name, points in ((case, quads), ("crossed", crossed), ("apart", apart)):
        cv2.imwrite(str(root / "data/training" / f"{name}.jpg"), np.zeros((1024, 480), np.uint8))
        savemat(root / "labels/training" / f"{name}.jpg.mat", {"p2": points.reshape(68, 2)})
    done = convert("aasce", root, tmp_path / "out")
    assert (done.images, done.outlines) == (1, 17) and done.lost == {"films with loose corners": 2}
    [image] = read_dataset(tmp_path / "out").images
    assert image.modality == "XR" and image.patient == "162"
    assert [a.level for a in image.instances][::16] == ["T1", "L5"]
    left, top, right, bottom = image.instances[0].box
    assert (right - left, bottom - top) == pytest.approx((60, 40), abs=1)


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
    options = Conversion(modality="MR", whole_vertebrae=True)
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


def test_volumes_that_do_not_fit_are_named(tmp_path: Path) -> None:
    volume_with_labels(tmp_path, "a.mha", "a_seg.mha", {"vertebra": 22, "disc": 122})
    small = SimpleITK.ReadImage(str(tmp_path / "a_seg.mha"))[:, :, :40]
    SimpleITK.WriteImage(small, str(tmp_path / "a_seg.mha"))
    with pytest.raises(SpineError, match=r"a_seg.mha: is not on the grid of a.mha"):
        convert("volumes", tmp_path, tmp_path / "out", Conversion(modality="MR"))


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


def test_dicom_seg(phantom_folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "study"
    source.mkdir()
    files = sorted((phantom_folder / "dicom").rglob("*.dcm"))
    for path in files:
        (source / path.name).write_bytes(path.read_bytes())
    [series] = read(files).series
    middle = series.slices[4]
    import pydicom

    header = next(h for h in map(pydicom.dcmread, files) if h.SOPInstanceUID == middle.origin.uid)
    mask = np.zeros(middle.pixels.shape, dtype=np.uint8)
    mask[100:130, 90:150] = 1
    segment = highdicom.seg.SegmentDescription(
        1, "L3", codes.SCT.AnatomicalStructure, codes.SCT.Vertebra,
        highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
    )  # fmt: skip
    written = highdicom.seg.Segmentation(
        [header], mask[None], highdicom.seg.SegmentationTypeValues.BINARY, [segment],
        generate_uid(), 9, generate_uid(), 1, "test", "test", "1", "0",
    )  # fmt: skip
    for frame in written.PerFrameFunctionalGroupsSequence:  # many writers leave this out
        for item in frame.DerivationImageSequence[0].SourceImageSequence:
            del item.SpatialLocationsPreserved
    written.save_as(source / "seg.dcm")
    convert("dicom-seg", source, tmp_path / "out")
    [image] = read_dataset(tmp_path / "out").images
    [note] = image.instances
    assert "PHANTOM" not in image.patient.upper()  # a hash of the PatientID
    assert note.level == "L3" and image.slice_index == 4 and image.n_slices == 9
    np.testing.assert_array_equal(note.mask, mask.astype(bool))
    assert image.spacing == pytest.approx((0.7, 0.7))


def test_what_is_missing_is_one_line(picture: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="format dicom: one of volumes"):
        convert("dicom", picture, tmp_path / "out")
    with pytest.raises(UsageError, match="--modality"):
        convert("labelme", picture, tmp_path / "out")
    with pytest.raises(SpineError, match="nothing in the format labelme"):
        convert("labelme", picture, tmp_path / "out", Conversion(modality="MR"))
    with pytest.raises(SpineError, match="no DICOM SEG"):
        convert("dicom-seg", picture, tmp_path / "out2")
    (picture / "p7_1.json").write_text('{"shapes": [], "imagePath": "gone.png"}')
    with pytest.raises(SpineError, match=r"gone.png: the annotated picture is missing"):
        convert("labelme", picture, tmp_path / "out3", Conversion(modality="MR"))


def test_results_with_a_corrected_mask(phantom_folder: Path, tmp_path: Path) -> None:
    """What segment wrote comes back as a data set; a level that was changed is the new one."""
    from spinetk.batch import Options, segment_all

    segment_all([phantom_folder / "dicom"], tmp_path / "results", Options(slices=4))
    [folder] = [p for p in (tmp_path / "results").iterdir() if p.is_dir()]
    mask = nibabel.load(folder / "mask.nii.gz")
    labels = np.asarray(mask.dataobj).copy()  # type: ignore[attr-defined]
    first = int(labels[labels > 0].min())
    expected = (labels == first)[:, :, 0].T
    labels[labels == first] = 22
    nibabel.save(nibabel.Nifti1Image(labels, mask.affine, mask.header), folder / "mask.nii.gz")
    done = convert("results", tmp_path / "results", tmp_path / "out")
    assert done.images == 1 and done.outlines == len(np.unique(labels)) - 1 and not done.lost
    [image] = read_dataset(tmp_path / "out").images
    assert image.modality == "MR" and image.slice_index == 4 and image.n_slices == 9
    patient = pydicom.dcmread(folder / "seg.dcm").PatientID
    assert image.patient == hashlib.sha256(patient.encode()).hexdigest()[:12]
    assert image.spacing == pytest.approx((0.7, 0.7))
    [changed] = [a for a in image.instances if a.level == "L3"]
    np.testing.assert_array_equal(changed.mask, expected)
    # a result of the same study whose DICOM files are missing or damaged is of the same patient
    for ending in ("2", "3"):
        other = folder.with_name(f"{folder.name}-corrected-{ending}")
        shutil.copytree(folder, other)
        (other / "sr.dcm").unlink()
        (other / "seg.dcm").write_bytes(b"no DICOM")
    convert("results", tmp_path / "results", tmp_path / "three")
    three = read_dataset(tmp_path / "three").images
    assert len(three) == 3 and {one.patient for one in three} == {image.patient}


def test_names_that_are_not_understood_are_told(picture: Path, tmp_path: Path) -> None:
    shapes = [{"label": name, "points": corners(*BODY_BOX)} for name in ("L 3", "vertebrea L4")]
    (picture / "p7_1.json").write_text(json.dumps({"shapes": shapes, "imagePath": "p7_1.png"}))
    done = convert("labelme", picture, tmp_path / "out", Conversion(modality="MR"))
    assert done.strange == ("vertebrea L4",)
    assert done.classes == {"vertebral_body": 1, "vertebrea L4": 1, "L3": 1}


def test_a_failed_conversion_leaves_nothing(picture: Path, tmp_path: Path) -> None:
    good = {"shapes": [], "imagePath": "p7_1.png"}
    (picture / "a.json").write_text(json.dumps(good))
    (picture / "b.json").write_text('{"shapes": [], "imagePath": "gone.png"}')
    with pytest.raises(SpineError, match="gone.png"):
        convert("labelme", picture, tmp_path / "out", Conversion(modality="MR"))
    assert not (tmp_path / "out").exists()


def test_label_numbers_that_mean_nothing_are_counted(tmp_path: Path) -> None:
    labels = np.zeros((4, 60, 60), np.uint8)
    labels[:, 20:40, 20:40] = 77
    labels[:, 20:40, 5:15] = 26  # S1, by SpineTK's numbers
    for name, array in (("a", labels * 2 + 9), ("a_seg", labels)):
        nibabel.save(nibabel.Nifti1Image(array, np.diag([3.0, 1, 1, 1])), tmp_path / f"{name}.nii")
    done = convert("volumes", tmp_path, tmp_path / "out", Conversion(modality="MR"))
    assert done.lost == {"labels numbered 77, which is no body or disc here": 1}
    assert done.classes == {"vertebral_body": 4, "S1": 4}


def test_our_own_segmentation_of_an_axial_study_comes_back_on_its_cut(tmp_path: Path) -> None:
    """SEG on the axial images -> sagittal cut: the outlines are those of the result."""
    from spinetk.batch import Options, segment_all
    from tests.writers.test_dicom import masks_of, write_axial

    write_axial(tmp_path / "in" / "ct")
    segment_all([tmp_path / "in" / "ct"], tmp_path / "out", Options(formats=("coco", "seg")))
    [result] = [p for p in (tmp_path / "out").iterdir() if p.is_dir()]
    (result / "seg.dcm").rename(tmp_path / "in" / "seg.dcm")
    convert("dicom-seg", tmp_path / "in", tmp_path / "set")
    index = json.loads((result / "run.json").read_text())["selected_slice"]
    images = read_dataset(tmp_path / "set").images
    [one] = [image for image in images if image.instances]
    assert one.slice_index == index and one.modality == "CT"
    expected = [mask for _, mask in masks_of(result)]
    assert len(one.instances) == len(expected)
    for note, mask in zip(one.instances, expected, strict=True):
        np.testing.assert_array_equal(note.mask, mask)
