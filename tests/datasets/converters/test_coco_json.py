import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.converters.convert import Conversion, convert
from spinetk.errors import SpineError
from spinetk.rle import encode_rle
from tests.conftest import Painter
from tests.datasets.converters.inputs import BODY_BOX, corners, only_mask


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


def cvat(folder: Path, annotated: tuple[str, ...], size: tuple[int, int] = (300, 200)) -> Path:
    """COCO as CVAT writes it: pictures of one name in folders of two patients."""
    boxes = {"patient1": (20, 60, 50, 110), "patient2": (200, 260, 80, 150)}
    images, notes = [], []
    for number, (patient, (y0, y1, x0, x1)) in enumerate(boxes.items(), start=1):
        gray = np.full(size, 40, np.uint8)
        gray[y0:y1, x0:x1] = 220
        (folder / "images" / patient).mkdir(parents=True)
        cv2.imwrite(str(folder / "images" / patient / "s.png"), gray)
        if patient in annotated:
            images.append({"id": number, "file_name": f"{patient}/s.png", "width": 200,
                           "height": 300})  # fmt: skip
            notes.append({"image_id": number, "category_id": 1,
                          "segmentation": [[x0, y0, x1, y0, x1, y1, x0, y1]]})  # fmt: skip
    (folder / "annotations").mkdir()
    (folder / "annotations" / "instances_default.json").write_text(
        json.dumps({"images": images, "annotations": notes,
                    "categories": [{"id": 1, "name": "L3"}]})
    )  # fmt: skip
    return folder


@pytest.mark.parametrize("annotated", [("patient2",), ("patient1", "patient2")])
def test_a_picture_is_known_by_its_path_not_by_its_name(
    tmp_path: Path, annotated: tuple[str, ...]
) -> None:
    convert("coco", cvat(tmp_path / "a", annotated), tmp_path / "out", Conversion(modality="MR"))
    images = read_dataset(tmp_path / "out").images
    assert len(images) == len(annotated)
    for image in images:
        [note] = image.instances
        np.testing.assert_array_equal(image.pixels > 100, note.mask)


def test_a_picture_resized_since_is_refused(tmp_path: Path) -> None:
    folder = cvat(tmp_path / "a", ("patient1",), (600, 400))
    with pytest.raises(SpineError, match="was annotated at 200 x 300 pixels and has 400 x 600"):
        convert("coco", folder, tmp_path / "out", Conversion(modality="MR", exhaustive=True))


def test_a_run_length_code_of_another_size_is_refused(tmp_path: Path) -> None:
    folder = cvat(tmp_path / "a", ("patient1",))
    path = folder / "annotations" / "instances_default.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["segmentation"] = {"size": [30, 20], "counts": [0, 600]}
    path.write_text(json.dumps(content), encoding="utf-8-sig")
    with pytest.raises(SpineError, match=r"a mask of \[30, 20\]"):
        convert("coco", folder, tmp_path / "out", Conversion(modality="MR"))


def test_polygons_of_two_points_are_counted(tmp_path: Path) -> None:
    folder = cvat(tmp_path / "a", ("patient1",))
    path = folder / "annotations" / "instances_default.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["segmentation"] = [[1, 2, 3, 4]]
    path.write_text(json.dumps(content))
    done = convert("coco", folder, tmp_path / "out", Conversion(modality="MR"))
    assert done.lost == {"outlines of fewer than three points": 1}


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ([0.1, 0.1, 0.4, 0.1, 0.4, 0.3], "next to no pixel"),
        ([500, 20, 560, 20, 560, 60], "outside"),
    ],
)
def test_an_outline_that_is_not_on_the_picture_is_counted(
    tmp_path: Path, points: list[float], told: str
) -> None:
    folder = cvat(tmp_path / "a", ("patient1",))
    path = folder / "annotations" / "instances_default.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["segmentation"] = [points]
    path.write_text(json.dumps(content))
    done = convert("coco", folder, tmp_path / "out", Conversion(modality="MR", exhaustive=True))
    assert done.outlines == 0 and any(told in reason for reason in done.lost)
    assert not read_dataset(tmp_path / "out").images[0].exhaustive


def test_numbers_as_text_fit_and_annotations_of_no_image_are_counted(tmp_path: Path) -> None:
    folder = cvat(tmp_path / "a", ("patient1",))
    path = folder / "annotations" / "instances_default.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["image_id"] = "1"
    content["annotations"].append(content["annotations"][0] | {"image_id": 7})
    path.write_text(json.dumps(content))
    done = convert("coco", folder, tmp_path / "out", Conversion(modality="MR"))
    assert done.outlines == 1 and done.lost == {"annotations of no image": 1}


def test_what_programs_leave_empty_or_write_as_other_numbers_is_taken(tmp_path: Path) -> None:
    folder = cvat(tmp_path / "in", ("patient1",))
    path = folder / "annotations" / "instances_default.json"
    content = json.loads(path.read_text())
    content["images"][0] |= {"id": 1.0, "height": float("nan"), "width": None}
    content["categories"].append({"id": 2, "name": None})
    [note] = content["annotations"]
    note |= {"category_id": 1.0, "level": {"of": "another tool"}}
    content["annotations"] += [
        {"image_id": 1, "category_id": None, "bbox": [1, 1, 9, 9], "segmentation": None},
        {"image_id": 1, "category_id": 1, "segmentation": [[]]},
        {"image_id": None, "category_id": 1, "segmentation": note["segmentation"]},
    ]
    path.write_text(json.dumps(content))
    done = convert("coco", folder, tmp_path / "out", Conversion(modality="MR"))
    assert done.outlines == 1 and done.classes["L3"] == 1
    assert sum(done.lost.values()) == 3


def test_coordinates_that_would_fill_memory_are_refused(tmp_path: Path) -> None:
    folder = cvat(tmp_path / "a", ("patient1",))
    path = folder / "annotations" / "instances_default.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["segmentation"] = [[50, 20, 1e9, 20, 110, 60]]
    path.write_text(json.dumps(content))
    with pytest.raises(SpineError, match=r"s.png: an outline cannot be used .*far outside"):
        convert("coco", folder, tmp_path / "out", Conversion(modality="MR"))
