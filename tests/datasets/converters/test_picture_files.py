from pathlib import Path

import cv2
import numpy as np
import pytest

from spinetk.datasets.converters.picture_files import named_picture, read_picture, size_of
from spinetk.errors import SpineError


def test_a_base_of_the_format_comes_before_a_name_that_fits(tmp_path: Path) -> None:
    for place in ("a/s.png", "b/a/s.png", "c/s.png"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    assert named_picture("a/s.png", (tmp_path,), tmp_path, alone=True) == tmp_path / "a" / "s.png"
    below = (tmp_path / "b",)
    assert named_picture("a/s.png", below, tmp_path, alone=True) == below[0] / "a" / "s.png"
    assert named_picture("D:\\x\\c\\s.png", (), tmp_path, alone=True) == tmp_path / "c" / "s.png"
    with pytest.raises(SpineError, match="which picture is meant"):
        named_picture("/home/x/s.png", (), tmp_path, alone=True)
    assert named_picture("gone.png", (tmp_path,), tmp_path, alone=True) is None


@pytest.mark.parametrize("name", ["é" * 300, "a\0b", "", "..", "/" * 5000])
def test_a_name_that_no_file_has_leads_nowhere(name: str, tmp_path: Path) -> None:
    assert named_picture(name, [tmp_path], tmp_path, alone=True) is None


def test_the_size_that_was_annotated_is_the_size_that_is_there(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((40, 50), np.uint8))
    assert read_picture(tmp_path / "a.png", (40, 50)).shape == (40, 50)
    with pytest.raises(SpineError, match="was annotated at 40 x 50 pixels and has 50 x 40"):
        read_picture(tmp_path / "a.png", (50, 40))
    assert size_of(40, 50) == (40, 50)
    assert size_of(None, 50) is None and size_of(0, 50) is None
