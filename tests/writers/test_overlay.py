from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from spinetk.orientation import upright
from spinetk.study import Segmentation, Slice
from spinetk.writers.overlay import (
    SHORTEST_SIDE,
    caption_of,
    display_centre,
    display_outline,
    display_size,
    draw_overlay,
    write_overlay,
)


def slice_of(height: int, width: int, spacing: tuple[float, float] | None = None) -> Slice:
    return Slice(np.zeros((height, width), np.float32), 0, None, spacing, Path())


def test_pixels_are_shown_square_and_large_enough() -> None:
    assert display_size(upright(slice_of(300, 150))) == (450, SHORTEST_SIDE)
    assert display_size(upright(slice_of(300, 150, (0.5, 1.0)))) == (900, 900)
    assert display_size(upright(slice_of(2000, 1000))) == (1000, 2000)


def test_the_outline_encloses_the_mask_to_half_a_pixel() -> None:
    view = upright(slice_of(300, 150))
    mask = np.zeros((300, 150), dtype=bool)
    mask[100:140, 40:90] = True
    [polygon] = display_outline(view, mask)
    scale = 3.0
    area = cv2.contourArea(polygon.astype(np.float32)) / scale**2
    assert abs(area - mask.sum()) < 0.5 * 2 * (40 + 50)
    np.testing.assert_allclose(polygon.min(0) / scale, (40, 100), atol=0.5)
    np.testing.assert_allclose(polygon.max(0) / scale, (90, 140), atol=0.5)
    np.testing.assert_allclose(display_centre(view, mask) / scale, (65, 120), atol=0.01)


def test_the_drawing_has_colour_on_the_outlines_only(
    phantom_result: Segmentation, tmp_path: Path
) -> None:
    drawn = draw_overlay(phantom_result)
    columns, rows = display_size(upright(phantom_result.slice))
    assert drawn.shape == (rows, columns, 3)
    coloured = np.ptp(drawn.astype(int), axis=2) > 20
    assert 0.002 < coloured.mean() < 0.2
    bare = draw_overlay(replace(phantom_result, instances=()))
    assert (np.ptp(bare.astype(int), axis=2) == 0).all()
    write_overlay(tmp_path / "a.png", phantom_result)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.png")), drawn)


def test_captions_are_levels_or_places_from_below(phantom_result: Segmentation) -> None:
    body = phantom_result.instances[0]
    assert caption_of(replace(body, level="L5")) == "L5"
    assert caption_of(replace(body, level=None, order=3)) == "#3"
