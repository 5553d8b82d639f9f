"""Each fault of a data set is found before anything is trained on it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from spinetk.datasets.annotated import read_dataset, read_datasets
from spinetk.errors import SpineError
from spinetk.rle import encode_rle
from tests.make_dataset import make_dataset


def change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "annotations.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_dataset(tmp_path / "toy", patients=2)


def test_pictures_that_are_gone_damaged_or_of_another_size(folder: Path) -> None:
    first, second = (image.path for image in read_dataset(folder).images)
    first.write_bytes(b"no picture")
    with pytest.raises(SpineError, match=f"{first.name}: cannot be read as a picture$"):
        read_dataset(folder)
    cv2.imwrite(str(first), np.zeros((120, 100), np.uint16))
    with pytest.raises(SpineError, match="8-bit gray is needed"):
        read_dataset(folder)
    cv2.imwrite(str(first), np.zeros((60, 50), np.uint8))
    with pytest.raises(SpineError, match="60 x 50 pixels, said to be 120 x 100"):
        read_dataset(folder)
    second.unlink()
    with pytest.raises(SpineError, match=r"and 2 more faults"):
        read_dataset(folder)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda c: c["images"][1].update(id=1), "2 images have the id 1"),
        (lambda c: c["images"][1].update(file_name=c["images"][0]["file_name"]), "file_name"),
        (lambda c: c["annotations"][0].update(image_id=77), "image 77, which is not there"),
        (
            lambda c: c["images"][0].update(modality="mr"),
            "png: modality: .*'MR', 'CT' or 'XR', not 'mr'",
        ),
        (lambda c: c["images"][0].update(slice_index=1), "slice_index 1 of 1 slices"),
        (lambda c: c["images"][0].update(width=99), "120 x 100 pixels, said to be 120 x 99"),
        (lambda c: c["annotations"][0].update(level="L7"), "there is no level 'L7'"),
        (
            lambda c: c["images"][0].update(exhaustive="false"),
            "png: exhaustive: .*boolean, not 'false'",
        ),
        (lambda c: c["images"][0].update(labelled_categories=[1]), "labelled_categories"),
        (
            lambda c: c["images"][1].update(series_id=c["images"][0]["series_id"]),
            "2 images are slice 0 of series",
        ),
        (
            lambda c: c["annotations"][0]["segmentation"].update(
                encode_rle(np.zeros((120, 100), bool))
            ),
            "its mask is empty",
        ),
        (lambda c: c["annotations"][0]["segmentation"].update(counts="5"), "run lengths add up"),
    ],
)
def test_entries_that_do_not_fit(
    folder: Path, edit: Callable[[dict[str, Any]], object], told: str
) -> None:
    change(folder, edit)
    with pytest.raises(SpineError, match=told):
        read_dataset(folder)


def test_the_box_is_the_masks_own_whatever_the_file_says(folder: Path) -> None:
    right = read_dataset(folder).images[0].instances[0].box
    change(folder, lambda c: c["annotations"][0].update(bbox=[0, 0, 5, 5]))
    assert read_dataset(folder).images[0].instances[0].box == right


def test_two_sets_of_one_name_are_refused(folder: Path, tmp_path: Path) -> None:
    other = make_dataset(tmp_path / "b" / "toy")
    with pytest.raises(SpineError, match="2 data sets are called toy"):
        read_datasets([folder, other])
