"""Each format from a small file in its true layout."""

import json
from pathlib import Path

import pytest

from spinetk.datasets.converters.convert import Conversion, convert
from spinetk.errors import SpineError, UsageError
from tests.datasets.converters.inputs import BODY_BOX, corners

"""Top, left, bottom, right of a body in a 120 x 100 picture."""


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
    with pytest.raises(SpineError, match=r"the annotated picture, gone.png, is missing"):
        convert("labelme", picture, tmp_path / "out3", Conversion(modality="MR"))


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


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        (
            "labelme",
            Conversion(modality="MR", whole_vertebrae=True),
            "--whole-vertebrae does nothing",
        ),
        ("results", Conversion(whole_vertebrae=True), "whole-vertebrae does nothing"),
        ("coco", Conversion(modality="MR", names=Path("names.txt")), "--names does nothing"),
        ("verse", Conversion(modality="MR"), "verse is CT"),
    ],
)
def test_an_option_that_does_nothing_is_refused(
    tmp_path: Path, kind: str, options: Conversion, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        convert(kind, tmp_path, tmp_path / "out", options)
