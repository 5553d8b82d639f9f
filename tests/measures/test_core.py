import numpy as np
import pytest

from spinetk.measures.core import FEWEST, core
from tests.conftest import Painter


def test_a_rim_of_two_millimetres_is_taken_off(block: Painter) -> None:
    mask = block(60, 60, 10, 10, 40, 50)  # rows 10..39, columns 10..49
    inside = core(mask, (0.5, 1.0))  # 4 rows, 2 columns
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (14, 35, 12, 47)


def test_without_spacing_it_is_a_pixel_and_a_half(block: Painter) -> None:
    mask = block(60, 60, 10, 10, 40, 50)
    assert np.count_nonzero(core(mask, None)) == 28 * 38
    mask[20, 20] = False  # a hole has a rim, too: its eight neighbours
    assert np.count_nonzero(core(mask, None)) == 28 * 38 - 9


def test_what_lies_at_the_border_of_the_image_has_its_rim_there(block: Painter) -> None:
    inside = core(block(60, 60, 0, 0, 30, 40), (1.0, 1.0))
    assert not inside[:2].any() and not inside[:, :2].any() and inside[2, 2]


@pytest.mark.parametrize("side", [5, 9])
def test_too_small_a_core_is_none(side: int, block: Painter) -> None:
    inside = core(block(60, 60, 10, 10, 10 + side, 10 + side), (1.0, 1.0))
    assert np.count_nonzero(inside) == 0 and (side - 4) ** 2 < FEWEST
