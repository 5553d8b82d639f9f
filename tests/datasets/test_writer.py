from pathlib import Path

import numpy as np
import pytest

from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.writer import DatasetWriter, eight_bit, hashed_patient, polygon_mask
from spinetk.errors import SpineError
from tests.conftest import Painter

BODY, DISC = "vertebral_body", "intervertebral_disc"
PICTURE = np.arange(60 * 50, dtype=np.uint8).reshape(60, 50)


def test_what_is_written_is_read_again(tmp_path: Path, block: Painter) -> None:
    writer = DatasetWriter(tmp_path / "set", {"source": "a test"})
    masks = block(60, 50, 5, 5, 20, 25), block(60, 50, 20, 5, 26, 25)
    writer.add(
        "a", PICTURE, [((BODY, "L4"), masks[0]), ((DISC, "L4-L5"), masks[1])],
        patient="p1", modality="MR", series="s1", place=(3, 9), spacing=(0.8, 0.7),
    )  # fmt: skip
    writer.add("b", PICTURE, [], patient="p2", modality="CT", labelled=(BODY,), exhaustive=True)
    assert writer.close() == 2
    first, second = read_dataset(tmp_path / "set").images
    assert (first.pixels == PICTURE).all() and first.spacing == (0.8, 0.7)
    assert (first.slice_index, first.n_slices, first.series) == (3, 9, "s1")
    for note, mask, level in zip(first.instances, masks, ("L4", "L4-L5"), strict=True):
        assert (note.mask == mask).all() and note.level == level
    assert second.labelled_categories == (1,) and second.exhaustive and second.spacing is None


def test_a_spacing_that_would_not_be_read_is_not_written(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path / "set", {})
    with pytest.raises(SpineError, match="a: a spacing of 0.7 x 700 mm cannot be"):
        writer.add("a", PICTURE, [], patient="p", modality="MR", spacing=(0.7, 700.0))


def test_pictures_of_one_name_stay_apart_and_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path / "set", {})
    for name, values in (("a", 1), ("a-2", 2), ("a", 3), ("a", 4)):
        writer.add(name, PICTURE // values, [], patient="p", modality="MR")
    writer.close()
    images = read_dataset(tmp_path / "set").images
    assert [image.path.stem for image in images] == ["a", "a-2", "a-3", "a-4"]
    assert len({image.series for image in images}) == 4
    for image, values in zip(images, (1, 2, 3, 4), strict=True):
        assert (image.pixels == PICTURE // values).all()
    with pytest.raises(SpineError, match="holds a data set already"):
        DatasetWriter(tmp_path / "set", {})


def test_what_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path / "set", {})
    writer.add("a", PICTURE, [], patient="p", modality="MR")
    writer.discard()
    assert not (tmp_path / "set").exists()


def test_a_patients_number_is_not_kept() -> None:
    assert hashed_patient("123") == hashed_patient("123") != hashed_patient("124")
    assert "123" not in hashed_patient("123") and len(hashed_patient("123")) == 12


def test_grey_values_and_polygons() -> None:
    values = np.array([[-10.0, 0.0, 50.0, 100.0, 900.0]], dtype=np.float32)
    assert eight_bit(values, 0, 100).tolist() == [[0, 0, 128, 255, 255]]
    square = polygon_mask(np.array([[2, 3], [6, 3], [6, 8], [2, 8]]), (10, 10))
    assert square.sum() == 20 and square[3:8, 2:6].all()
