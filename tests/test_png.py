import cv2
import numpy as np
import pytest

from spinetk.png import png_of


@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 3)])
def test_a_picture_comes_back_as_it_was(shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    content = np.frombuffer(png_of(picture), np.uint8)
    np.testing.assert_array_equal(cv2.imdecode(content, cv2.IMREAD_UNCHANGED), picture)
