"""Six points of drawn shapes lie where they were drawn, whatever is stuck on or cut out."""

import numpy as np
import pytest
from numpy.typing import NDArray

from spinetk.measures.landmarks import ENDS, landmarks, lower_plate, upper_plate
from spinetk.measures.own_axes import NoLandmarks
from tests.conftest import Painter
from tests.measures.drawn import box, drawn, turned

LEFT, TOP, RIGHT, BOTTOM = 110.0, 130.0, 170.0, 170.0
BODY = box(LEFT, TOP, RIGHT, BOTTOM)
INSIDE = ENDS * (RIGHT - LEFT)
EXPECTED = np.array([[x, y] for y in (TOP, BOTTOM) for x in (LEFT + INSIDE, 140.0, RIGHT - INSIDE)])


def six(mask: NDArray[np.bool_], **more: object) -> NDArray[np.float64]:
    """The points, as pixel corners are counted."""
    found = landmarks(mask, **more)  # type: ignore[arg-type]
    return np.concatenate([found.upper[1:4], found.lower[1:4]]) + 0.5


def test_points_lie_on_the_end_plates() -> None:
    found = landmarks(drawn([(float(x), float(y)) for x, y in BODY]))
    np.testing.assert_allclose(six(drawn(BODY.tolist())), EXPECTED, atol=0.3)
    np.testing.assert_allclose(found.front + 0.5, (LEFT, 150), atol=0.3)
    np.testing.assert_allclose(found.back + 0.5, (RIGHT, 150), atol=0.3)
    assert found.fit > 0.97


@pytest.mark.parametrize("degrees", [-30, -12, 3, 25])
def test_points_turn_with_the_body(degrees: float) -> None:
    """The column's direction is known only roughly."""
    lean = np.radians(degrees + 9)
    got = six(drawn(turned(BODY, degrees)), along=(-float(np.sin(lean)), float(np.cos(lean))))
    np.testing.assert_allclose(got, turned(EXPECTED, degrees), atol=0.5)


def test_hollow_end_plates_are_followed() -> None:
    got = six(drawn(box(LEFT, TOP, RIGHT, BOTTOM, hollow=5).tolist()))
    assert got[4, 1] - got[1, 1] == pytest.approx(30, abs=0.6)
    inner = 5 * (1 - (1 - 2 * ENDS) ** 2)
    assert got[3, 1] - got[0, 1] == pytest.approx(40 - 2 * inner, abs=0.6)
    found = landmarks(drawn(box(LEFT, TOP, RIGHT, BOTTOM, hollow=5).tolist()))
    for corner in (0, 4):  # on the curve, not on a line through the others
        assert found.lower[corner, 1] - found.upper[corner, 1] == pytest.approx(40, abs=1.2)


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        (slice(164, 170), slice(170, 177), True),  # a spur at the lower back corner
        (slice(128, 134), slice(104, 110), True),  # a lip in front
        (slice(170, 174), slice(110, 116), True),  # a spur that grows downwards
        (slice(130, 136), slice(164, 170), False),  # a corner that is missing
        (slice(146, 152), slice(158, 170), False),  # where the basivertebral vein enters
        (slice(126, 130), slice(136, 140), True),  # a spot on the end plate
    ],
)
def test_spurs_corners_and_notches_do_not_move_them(row: slice, column: slice, value: bool) -> None:
    mask = drawn(BODY.tolist())
    mask[row, column] = value
    np.testing.assert_allclose(six(mask), EXPECTED, atol=0.9)


def test_a_spur_of_two_pixels_leaves_the_posterior_height() -> None:
    """It moved it from 27.0 to 15.4 mm when the smallest rectangle was the axis."""
    mask = drawn(box(120, 130, 155, 157).tolist())
    before = six(mask)
    mask[140:142, 155:159] = True
    after = six(mask)
    heights = np.linalg.norm(before[3:] - before[:3], axis=1)
    np.testing.assert_allclose(heights, 27, atol=0.4)
    np.testing.assert_allclose(np.linalg.norm(after[3:] - after[:3], axis=1), heights, atol=0.3)


def test_pixels_that_are_not_square(block: Painter) -> None:
    mask = block(90, 80, 20, 10, 50, 60)
    found = landmarks(mask, (0.5, 2.0))
    np.testing.assert_allclose((found.lower - found.upper)[:, 1], 30, atol=0.6)
    assert found.back[0] - found.front[0] == pytest.approx(50, abs=0.3)


def test_s1_has_its_upper_end_plate() -> None:
    wedge = [(100.0, 120.0), (160.0, 120.0), (150.0, 165.0), (120.0, 150.0)]
    plate = upper_plate(drawn(wedge)) + 0.5
    np.testing.assert_allclose(plate[:, 1], 120, atol=0.6)
    assert 100 < plate[0, 0] < 112 and abs(plate[4, 0] - 160) < 0.6
    mirrored = lower_plate(drawn(wedge)[::-1]) + 0.5
    np.testing.assert_allclose(mirrored, plate * [1, -1] + [0, 300], atol=1e-6)


@pytest.mark.parametrize("name", ["speck", "ball with a tail", "cross"])
def test_what_is_no_block_has_none(name: str, block: Painter) -> None:
    mask = np.zeros((120, 120), dtype=bool)
    if name == "speck":
        mask[50:53, 50:53] = True
    elif name == "cross":
        mask[20:100, 55:65] = mask[55:65, 20:100] = True
    else:
        rows, columns = np.ogrid[:120, :120]
        mask |= (rows - 60) ** 2 + (columns - 60) ** 2 < 100
        mask[58:62, 60:118] = True
    with pytest.raises(NoLandmarks):
        landmarks(mask)


@pytest.mark.parametrize("slant", [-12.0, 0.0, 12.0, 20.0])
def test_the_back_corner_of_s1_is_where_its_wall_meets_its_end_plate(slant: float) -> None:
    """A sacral body 64 long and 40 high whose back wall leaves the end plate's perpendicular."""
    mask = drawn([(118, 140), (182, 140), (182 - slant, 180), (125, 180)])
    corner = upper_plate(mask)[4] + 0.5
    assert corner == pytest.approx((182, 140), abs=0.8)
