"""Exercised by tests of landmarks; here what it refuses."""

import numpy as np
import pytest

from spinetk.measures.own_axes import NoLandmarks, own_axes, to_pixels
from tests.conftest import Painter


def test_a_turned_mask_comes_back_to_its_pixels(block: Painter) -> None:
    mask = block(60, 60, 20, 10, 40, 50)
    turned, matrix = own_axes(mask, (1.0, 1.0), (0.0, 1.0), lower_counts=True)
    rows, columns = np.nonzero(turned)
    middle = to_pixels(np.array([[columns.mean(), rows.mean()]]), matrix)
    np.testing.assert_allclose(middle, [[29.5, 29.5]], atol=0.1)


def test_what_is_too_small_or_leans_too_far_is_refused(block: Painter) -> None:
    with pytest.raises(NoLandmarks, match="too small"):
        own_axes(block(60, 60, 20, 10, 22, 50), (1.0, 1.0), (0.0, 1.0), lower_counts=True)
    with pytest.raises(NoLandmarks, match="cannot be told"):
        own_axes(block(60, 60, 20, 10, 40, 50), (1.0, 1.0), (1.0, 1.0), lower_counts=True)
