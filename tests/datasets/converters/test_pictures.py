import base64
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat

from spinetk.datasets.annotated import AnnotatedSet, read_dataset
from spinetk.datasets.converters.convert import Conversion, convert
from spinetk.rle import encode_rle
from tests.conftest import Painter
from tests.datasets.converters.inputs import BODY_BOX, corners


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
