from pathlib import Path

import cv2
import numpy as np
import pytest

from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.converters.convert import Conversion, convert
from spinetk.errors import SpineError
from tests.conftest import Painter
from tests.datasets.converters.inputs import BODY_BOX, corners


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


BODY = "0.25 0.0666 0.55 0.0666 0.55 0.2 0.25 0.2"


def yolo_set(folder: Path, lines: str) -> Path:
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    cv2.imwrite(str(folder / "images" / "a.png"), np.full((300, 200), 40, np.uint8))
    (folder / "labels" / "a.txt").write_text(lines)
    (folder / "data.yaml").write_text("names: [L3]\n")
    return folder


@pytest.mark.parametrize(
    "lines",
    [f"0 {BODY}\n", f"0 {BODY} 0.91\n", f"0.0 {BODY}\n", f"\ufeff0 {BODY}\n\n"],
)
def test_scores_decimal_classes_and_marks_are_understood(tmp_path: Path, lines: str) -> None:
    done = convert("yolo", yolo_set(tmp_path / "a", lines), tmp_path / "out",
                   Conversion(modality="MR"))  # fmt: skip
    assert done.outlines == 1 and not done.lost
    [image] = read_dataset(tmp_path / "out").images
    assert image.instances[0].box == (50, 20, 110, 60)


@pytest.mark.parametrize("box", ["0 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1 0.1 0.9"])
def test_a_box_among_outlines_is_counted(tmp_path: Path, box: str) -> None:
    folder = yolo_set(tmp_path / "a", f"0 {BODY}\n{box}\n")
    done = convert("yolo", folder, tmp_path / "out", Conversion(modality="MR", exhaustive=True))
    assert done.outlines == 1 and done.lost == {"boxes without an outline": 1}
    assert not read_dataset(tmp_path / "out").images[0].exhaustive


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"7 {BODY}", "class 7 is not named"),
        ("0 a b c d e f", "line of numbers"),
        ("0 50 20 110 20 110 60", "no shares of width and height"),
        ("0 nan 0.1 0.5 0.1 0.5 0.2", "no shares of width and height"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, line: str, why: str) -> None:
    folder = yolo_set(tmp_path / "a", f"0 {BODY}\n{line}\n")
    with pytest.raises(SpineError, match=f"a.txt: line 2: .*{why}"):
        convert("yolo", folder, tmp_path / "out", Conversion(modality="MR"))


def test_key_points_are_no_outlines(tmp_path: Path) -> None:
    folder = yolo_set(tmp_path / "in", f"0 0.5 0.5 0.2 0.2 {BODY}\n")
    (folder / "data.yaml").write_text("names: [L3]\nkpt_shape: [4, 2]\n")
    with pytest.raises(SpineError, match="key points"):
        convert("yolo", folder, tmp_path / "out", Conversion(modality="XR"))


def test_labels_that_may_be_of_another_picture_are_refused(tmp_path: Path) -> None:
    folder = yolo_set(tmp_path / "in", f"0 {BODY}\n")
    cv2.imwrite(str(folder / "images" / "a.jpg"), np.full((300, 200), 40, np.uint8))
    with pytest.raises(SpineError, match="has the labels of"):
        convert("yolo", folder, tmp_path / "out", Conversion(modality="XR"))
    (folder / "images" / "p1").mkdir()
    (folder / "images" / "a.jpg").unlink()
    (folder / "images" / "a.png").rename(folder / "images" / "p1" / "a.png")
    with pytest.raises(SpineError, match=r"images/p1/a.png: has no labels, and labels/a.txt"):
        convert("yolo", folder, tmp_path / "out", Conversion(modality="XR", exhaustive=True))
