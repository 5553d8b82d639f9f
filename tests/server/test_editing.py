import time

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from spinetk.server.editing import (
    SMALLEST_PIXELS,
    Marked,
    borders,
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
    assert painted([(-3, 20), (-3, 30)], 5.0, (40, 40))[25, :3].tolist() == [True, True, True]


def test_a_brush_covers_what_lies_within_its_radius() -> None:
    rng = np.random.default_rng(3)
    for _ in range(30):
        stroke = rng.uniform(-20, 70, (int(rng.integers(1, 6)), 2))
        radius = float(rng.uniform(0.5, 12))
        rows, columns = np.mgrid[:50, :60]
        centres = np.stack([columns, rows], axis=-1).astype(float)
        away = np.full((50, 60), np.inf)
        for start, end in zip(stroke, [*stroke[1:], stroke[-1]], strict=True):
            along = end - start
            share = ((centres - start) @ along) / max(float(along @ along), 1e-9)
            nearest = start + np.clip(share, 0, 1)[..., None] * along
            away = np.minimum(away, np.linalg.norm(centres - nearest, axis=-1))
        brush = painted([(float(x), float(y)) for x, y in stroke], radius, (50, 60))
        clear = np.abs(away - radius) > 0.3
        np.testing.assert_array_equal(brush[clear], (away <= radius)[clear])


def test_a_stroke_of_many_points_takes_no_longer() -> None:
    across = [(float(900 * (i % 2)), float(i % 1000)) for i in range(20_000)]
    start = time.perf_counter()
    assert painted(across, 4.0, (1000, 1000)).any()
    assert time.perf_counter() - start < 5


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


def test_a_border_is_the_masks_own_to_a_third_of_a_pixel() -> None:
    """Every edge between a pixel and one outside has its middle near the drawn line, and the line
    encloses the mask's area; a hole has a line of its own."""
    rows, columns = np.indices((60, 70))
    mask = np.hypot((rows - 30) / 0.8, columns - 35) < 22
    mask[28:33, 30:40] = False
    lines = borders(mask)
    assert len(lines) == 2
    area = [cv2.contourArea(np.array(line, dtype=np.float32)) for line in lines]
    assert max(area) - min(area) == pytest.approx(mask.sum(), rel=0.03)
    inside = mask & ~np.roll(mask, -1, axis=1)
    for row, column in np.argwhere(inside):
        away = [
            abs(cv2.pointPolygonTest(np.array(line, np.float32), (column + 0.5, float(row)), True))
            for line in lines
        ]
        assert min(away) <= 0.34
    assert borders(np.zeros((5, 5), bool)) == []
