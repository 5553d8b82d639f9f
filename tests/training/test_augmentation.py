import pytest

pytest.importorskip("torch", reason="needs the train extra")

from dataclasses import replace

import numpy as np

from spinetk.training.augmentation import NO_LEVEL, Sample, augment
from tests.training.small_samples import STILL


def test_masks_move_with_the_pixels() -> None:
    """After any geometric change the bright square is where its mask is."""
    pixels = np.zeros((120, 100), dtype=np.float32)
    pixels[40:80, 30:70] = 1
    masks = (pixels > 0.5).astype(np.uint8)[None]
    sample = Sample(
        pixels, masks, np.array([1]), np.zeros((120, 100), np.uint8), "MR", (4.0, 4.0),
        np.array([20]),
    )  # fmt: skip
    for seed in range(30):
        moved = augment(sample, 192, STILL, np.random.default_rng(seed))
        shown, mask = moved.pixels > 0.5, moved.masks[0].astype(bool)
        assert 2 * (shown & mask).sum() / (shown.sum() + mask.sum()) > 0.97


def test_bodies_get_a_width_of_the_range_whatever_their_picture() -> None:
    config = replace(
        STILL, p_body_width=1.0, body_width=(40.0, 60.0), stretch=(1, 1), shear_degrees=0
    )
    config = replace(config, rotation_degrees=0)
    for side in (12, 30, 90):  # of the body in its picture
        masks = np.zeros((2, 200, 200), dtype=np.uint8)
        masks[0, 100 - side // 2 : 100 + side // 2, 100 - side // 2 : 100 + side // 2] = 1
        masks[1, 100 + side // 2 : 103 + side // 2, 100 - side : 100 + side] = (
            1  # a disc says nothing
        )
        sample = Sample(
            masks[0].astype(np.float32), masks, np.array([1, 2]), np.zeros((200, 200), np.uint8),
            "XR", (1.0, 1.0), np.array([20, NO_LEVEL]),
        )  # fmt: skip
        for seed in range(10):
            moved = augment(sample, 192, config, np.random.default_rng(seed))
            body = moved.masks[list(moved.categories).index(1)]
            assert 38 <= np.ptp(np.flatnonzero(body.any(0))) + 1 <= 62
