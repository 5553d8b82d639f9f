import json
from pathlib import Path

import cv2
import numpy as np

from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.converters.convert import Conversion, convert
from spinetk.datasets.converters.pictures import picture_name
from tests.datasets.converters.inputs import BODY_BOX, corners


def test_pictures_of_16_bit_keep_their_contrast(picture: Path, tmp_path: Path) -> None:
    wide = np.linspace(0, 1499, 120 * 100).reshape(120, 100).astype(np.uint16)
    cv2.imwrite(str(picture / "p7_1.png"), wide)
    shape = {"label": "L3", "points": corners(*BODY_BOX)}
    (picture / "p7_1.json").write_text(json.dumps({"shapes": [shape], "imagePath": "p7_1.png"}))
    convert("labelme", picture, tmp_path / "out", Conversion(modality="MR"))
    assert len(np.unique(read_dataset(tmp_path / "out").images[0].pixels)) > 200


def test_names_follow_the_path_and_are_short_enough(tmp_path: Path) -> None:
    path = tmp_path / "images" / "p1" / "scan.png"
    assert picture_name(path, tmp_path) == "p1_scan"
    assert picture_name(tmp_path / "p" / "scan.png", tmp_path / "other") == "p_scan"


def test_a_name_longer_than_file_systems_take_loses_no_picture(tmp_path: Path) -> None:
    for first, value in (("a", 9), ("b", 10)):
        deep = tmp_path / "source" / (first * 120) / ("c" * 120) / ("d" * 120)
        deep.mkdir(parents=True)
        cv2.imwrite(str(deep / "scan.png"), np.full((120, 100), value, np.uint8))
        content = {"shapes": [], "imagePath": "scan.png"}
        (deep / "scan.json").write_text(json.dumps(content))
    convert("labelme", tmp_path / "source", tmp_path / "out", Conversion(modality="MR"))
    images = read_dataset(tmp_path / "out").images
    assert sorted(int(image.pixels[0, 0]) for image in images) == [9, 10]
