"""What an outline's error does to features: known masks on known images."""

import numpy as np
import pytest

from spinetk.measures.outline_error import FEATURES, feature_spread, rim_error, unstable
from spinetk.measures.table import measurements
from spinetk.study import Segmentation

SHAPE = (120, 140)


def block(grow: int = 0) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[40 - grow : 70 + grow, 50 - grow : 90 + grow] = True
    return mask


@pytest.mark.parametrize("error", [1, 2, 3])
def test_the_error_of_an_outline_follows_from_its_dice(error: int) -> None:
    mask, larger = block(), block(error)
    dice = 2 * mask.sum() / (mask.sum() + larger.sum())
    assert rim_error(mask, float(dice)) == pytest.approx(error, rel=0.12)


def test_a_perfect_outline_is_still_tried() -> None:
    assert rim_error(block(), 1.0) == 0.25


def test_a_feature_of_an_even_image_does_not_depend_on_the_outline() -> None:
    image = np.full(SHAPE, 7.0, np.float32)
    spread = feature_spread(image, block(), None, 1.0)
    assert set(spread.values()) == {0.0}


def test_a_bright_rim_moves_the_whole_mask_and_not_its_core() -> None:
    rng = np.random.default_rng(1)
    image = rng.normal(100, 5, SHAPE).astype(np.float32)
    image[block(3) & ~block(0)] = 1000.0
    spread = feature_spread(image, block(), None, 1.0)
    assert spread["spread_mean"] > 10  # type: ignore[operator]
    assert spread["spread_skewness"] > 0.5  # type: ignore[operator]
    assert spread["spread_core_mean"] < 0.5  # type: ignore[operator]
    assert spread["spread_core_skewness"] < 0.2  # type: ignore[operator]


def test_the_mean_of_a_ramp_moves_as_far_as_the_mask() -> None:
    """On value = column, moving by r changes the mean by r, growing and shrinking do not."""
    image = np.tile(np.arange(SHAPE[1], dtype=np.float32), (SHAPE[0], 1))
    spread = feature_spread(image, block(), None, 2.0)
    assert spread["spread_mean"] == pytest.approx(np.std([0, 0, 2, -2, 0, 0], ddof=1), abs=0.05)


def test_a_mask_too_small_for_a_core_has_no_spread_of_one() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[40:46, 40:46] = True
    spread = feature_spread(np.ones(SHAPE, np.float32), mask, None, 1.0)
    assert spread["spread_core_mean"] is None and spread["spread_mean"] == 0.0


def test_what_moves_more_than_bodies_differ_is_unstable() -> None:
    names = [f"{part}{name}" for part in ("", "core_") for name in FEATURES]
    spreads = {f"spread_{name}": 0.1 for name in names}
    rows = [{"kind": "body"} | dict.fromkeys(names, float(k)) | spreads for k in range(5)]
    rows[2]["spread_kurtosis"] = 2.0
    assert unstable(rows) == ["", "", "kurtosis", "", ""]
    assert unstable(rows[:3]) == ["", "", ""]  # three bodies do not tell how much bodies differ


def test_rows_carry_the_spread(phantom_result: Segmentation) -> None:
    for row in measurements(phantom_result):
        assert row["spread_mean"] > 0 and isinstance(row["unstable"], str)  # type: ignore[operator]
