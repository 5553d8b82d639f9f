import base64
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.converters.convert import Conversion, convert
from spinetk.errors import SpineError
from tests.conftest import Painter
from tests.datasets.converters.inputs import BODY_BOX, corners, only_mask


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


def annotated(folder: Path, image: str, data: str | None = None, encoding: str = "utf-8") -> None:
    """A LabelMe file with one body, of a picture of 120 x 100."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = {"label": "L3", "points": corners(*BODY_BOX), "shape_type": "polygon"}
    content = {"shapes": [shape], "imagePath": image, "imageData": data,
               "imageHeight": 120, "imageWidth": 100}  # fmt: skip
    (folder / "a.json").write_text(json.dumps(content), encoding=encoding)


def gray(path: Path, value: int, size: tuple[int, int] = (120, 100)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full(size, value, np.uint8))
    return path


def value_of(folder: Path, out: Path) -> int:
    """The grey value of the only picture that was converted."""
    done = convert("labelme", folder, out, Conversion(modality="MR"))
    assert done.images == 1 and done.outlines == 1
    [image] = read_dataset(out).images
    return int(image.pixels[0, 0])


def test_the_picture_is_where_the_path_leads_from_the_json(tmp_path: Path) -> None:
    gray(tmp_path / "a" / "p1" / "s.png", 10)
    gray(tmp_path / "a" / "p2" / "s.png", 20)  # of the same name, beside the JSON
    annotated(tmp_path / "a" / "p2", "../p1/s.png")
    assert value_of(tmp_path / "a", tmp_path / "out") == 10


def test_strokes_of_windows_and_byte_order_marks_are_understood(tmp_path: Path) -> None:
    gray(tmp_path / "a" / "images" / "s.png", 30)
    annotated(tmp_path / "a" / "json", "..\\images\\s.png", encoding="utf-8-sig")
    assert value_of(tmp_path / "a", tmp_path / "out") == 30


def test_a_picture_that_only_the_json_holds_is_taken(tmp_path: Path) -> None:
    held = base64.b64encode(gray(tmp_path / "s.png", 40).read_bytes()).decode()
    annotated(tmp_path / "a", "C:\\films\\s.png", data=held)
    assert value_of(tmp_path / "a", tmp_path / "out") == 40


def test_a_moved_picture_is_found_by_its_name_unless_two_have_it(tmp_path: Path) -> None:
    gray(tmp_path / "a" / "here" / "s.png", 50)
    annotated(tmp_path / "a", "C:\\films\\s.png")
    assert value_of(tmp_path / "a", tmp_path / "out") == 50
    gray(tmp_path / "a" / "there" / "s.png", 60)
    with pytest.raises(SpineError, match="which picture is meant: here/s.png, there/s.png"):
        convert("labelme", tmp_path / "a", tmp_path / "out2", Conversion(modality="MR"))


def test_a_picture_resized_since_is_refused(tmp_path: Path) -> None:
    gray(tmp_path / "a" / "s.png", 50, (60, 50))
    annotated(tmp_path / "a", "s.png")
    with pytest.raises(SpineError, match=r"s.png: was annotated at 100 x 120 .* has 50 x 60"):
        convert("labelme", tmp_path / "a", tmp_path / "out", Conversion(modality="MR"))


def test_outlines_of_two_points_are_counted(tmp_path: Path) -> None:
    gray(tmp_path / "a" / "s.png", 50)
    shapes = [{"label": "L3", "points": points} for points in ([], [[1, 2]], [[1, 2], [3, 4]])]
    content = json.dumps({"shapes": shapes, "imagePath": "s.png"})
    (tmp_path / "a" / "a.json").write_text(content)
    done = convert("labelme", tmp_path / "a", tmp_path / "out", Conversion(modality="MR"))
    assert done.lost == {"outlines of fewer than three points": 3} and done.outlines == 0


@pytest.mark.parametrize("group", [1, 0])
def test_shapes_of_one_group_are_one_instance(group: int, tmp_path: Path) -> None:
    gray(tmp_path / "a" / "s.png", 50)
    shapes = [{"label": "L3", "group_id": group, "points": corners(*box)}
              for box in ((10, 10, 30, 40), (30, 10, 50, 40))]  # fmt: skip
    content = json.dumps({"shapes": shapes, "imagePath": "s.png"})
    (tmp_path / "a" / "a.json").write_text(content)
    done = convert("labelme", tmp_path / "a", tmp_path / "out", Conversion(modality="MR"))
    assert done.outlines == 1
    assert read_dataset(tmp_path / "out").images[0].instances[0].mask.sum() == 40 * 30


def test_a_picture_beside_that_is_not_the_one_held_is_refused(tmp_path: Path) -> None:
    held = base64.b64encode(gray(tmp_path / "s.png", 40).read_bytes()).decode()
    gray(tmp_path / "a" / "s.png", 90)
    annotated(tmp_path / "a", "s.png", data=held)
    with pytest.raises(SpineError, match="the picture that it holds is another than s.png"):
        convert("labelme", tmp_path / "a", tmp_path / "out", Conversion(modality="MR"))


def test_a_picture_of_another_patients_folder_is_another_picture(tmp_path: Path) -> None:
    for patient in ("p1", "p2"):
        annotated(tmp_path / "a" / patient, "slice01.png")
    gray(tmp_path / "a" / "p2" / "slice01.png", 60)  # p1's own is missing
    with pytest.raises(SpineError, match=r"the annotated picture, slice01.png, is missing"):
        convert("labelme", tmp_path / "a", tmp_path / "out", Conversion(modality="MR"))
