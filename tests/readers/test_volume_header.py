from pathlib import Path

import numpy as np
import pytest

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers.volume_header import VolumeFile, three_axes


def test_axes_of_one_are_dropped_or_added() -> None:
    assert three_axes("a", (5, 6, 7, 1, 1)) == (5, 6, 7)
    assert three_axes("a", (5, 6)) == (5, 6, 1)
    with pytest.raises(Unsuitable, match="a: has 4 dimensions"):
        three_axes("a", (5, 6, 7, 2))
    with pytest.raises(UnreadableInput, match="sizes are not usable"):
        three_axes("a", (5, 0, 7))


def test_only_a_single_slice_without_a_place_is_a_picture() -> None:
    def header(shape: tuple[int, int, int], placed: bool) -> VolumeFile:
        return VolumeFile(Path("a"), shape, np.eye(4), lambda depth: iter(()), placed=placed)

    assert header((40, 50, 1), False).is_picture
    assert not header((40, 50, 1), True).is_picture
    assert not header((40, 50, 3), False).is_picture
    assert not header((1, 50, 40), False).is_picture
