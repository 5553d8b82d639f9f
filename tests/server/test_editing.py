import numpy as np
import pytest
from numpy.typing import NDArray

from spinetk.server.editing import (
    SMALLEST_PIXELS,
    Marked,
    changes,
    filled,
    outlines,
    painted,
    replaced,
    with_outline_moved,
)
from tests.conftest import Painter


@pytest.fixture
def square(block: Painter) -> NDArray[np.bool_]:
    return block(40, 40, 10, 10, 30, 30)


def marked(name: str, mask: NDArray[np.bool_], level: str | None = None) -> Marked:
    return Marked(name, "vertebral_body", level, mask, 0.9)


def test_an_outline_has_handles_and_encloses_the_mask(square: NDArray[np.bool_]) -> None:
    [outline] = outlines(square)
    assert len(outline) >= 16
    assert (filled([outline], (40, 40)) == square).all()


def test_a_stroke_covers_what_the_brush_passes() -> None:
    brush = painted([(10, 20), (30, 20)], 3.0, (40, 40))
    assert brush[20, 10] and brush[20, 33] and not brush[20, 34]
    assert brush[17, 20] and not brush[16, 20]
    dot = painted([(10, 10)], 2.0, (40, 40))
    assert dot.sum() == 13
    assert not painted([(-90, -90), (-80, -80)], 3.0, (40, 40)).any()


def test_moving_a_part_leaves_the_rest_pixel_by_pixel(square: NDArray[np.bool_]) -> None:
    ragged = square.copy()
    ragged[10, 12] = False  # what no polygon of a few points has
    [before] = outlines(ragged)
    after = [(x + 5, y) if x > 28 else (x, y) for x, y in before]
    moved = with_outline_moved(ragged, [before], [after])
    assert (moved[:, :20] == ragged[:, :20]).all() and not moved[10, 12]
    assert moved[20, 33] and not ragged[20, 33]


def test_no_pixel_is_of_two_instances(square: NDArray[np.bool_], block: Painter) -> None:
    neighbour = marked("b", block(40, 40, 30, 10, 38, 30))
    grown = square | block(40, 40, 30, 10, 35, 30)
    one, other = replaced([marked("a", square), neighbour], 0, grown)
    assert not (one.mask & other.mask).any() and other.mask.sum() == 3 * 20
    gone = replaced([marked("a", square), neighbour], 0, square | neighbour.mask)
    assert [o.id for o in gone] == ["a"]
    tiny = block(40, 40, 0, 0, 1, SMALLEST_PIXELS - 1)
    assert replaced([marked("a", square)], 0, tiny) == []


def test_every_change_is_one_line(square: NDArray[np.bool_], block: Painter) -> None:
    before = [marked("a", square, "L3"), marked("b", square, "L4"), marked("c", square, "L5")]
    larger = square | block(40, 40, 30, 10, 32, 30)
    after = [marked("a", larger, "L3"), marked("b", square, "T12"), marked("d", square, "L1")]
    assert changes(before, after) == [
        "L3: outline (400 to 440 pixels, Dice 0.952)",
        "T12: renamed (was L4)",
        "L1: added (400 pixels)",
        "L5: deleted",
    ]
    assert changes(before, before) == []
