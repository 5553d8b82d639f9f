import numpy as np

from spinetk.network.paste import paste_mask


def soft_disc(side: int = 56) -> np.ndarray:
    """A disc of radius 0.35 box sides with a soft edge."""
    y, x = (np.indices((side, side)) + 0.5) / side - 0.5
    return np.clip((0.35 - np.hypot(x, y)) * side + 0.5, 0, 1).astype(np.float32)


def test_lands_where_the_box_is_at_sub_pixel_precision() -> None:
    for shift in (0.0, 0.25, 0.5, 0.75):
        mask = paste_mask(
            soft_disc(), np.array([20 + shift, 30, 60 + shift, 90], np.float32), 120, 100
        )
        rows, columns = np.nonzero(mask)
        assert abs(columns.mean() + 0.5 - (40 + shift)) < 0.15
        assert abs(rows.mean() + 0.5 - 60) < 0.15
        # an ellipse of 14 x 21 pixels
        assert abs(mask.sum() / (np.pi * 14 * 21) - 1) < 0.02


def test_is_cut_at_the_image_border() -> None:
    mask = paste_mask(soft_disc(), np.array([-20, -20, 20, 20], np.float32), 50, 50)
    assert mask[0, 0] and mask.sum() < 0.3 * np.pi * 14 * 14


def test_a_box_outside_the_image_gives_nothing() -> None:
    assert not paste_mask(soft_disc(), np.array([200, 0, 240, 40], np.float32), 50, 50).any()


def test_keeps_the_largest_piece_and_fills_its_holes() -> None:
    soft = np.zeros((56, 56), np.float32)
    soft[5:50, 5:40] = 1
    soft[20:24, 20:24] = 0
    soft[50:54, 50:54] = 1
    mask = paste_mask(soft, np.array([0, 0, 56, 56], np.float32), 56, 56)
    assert mask[22, 22] and not mask[52, 52]
    assert mask.sum() == 45 * 35
