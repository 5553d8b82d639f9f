import numpy as np
import pytest

from spinetk.boxes import dice
from spinetk.evaluation.matching import match, surface_distance_95
from tests.conftest import Painter


def test_pairs_are_one_to_one_with_the_largest_total_overlap() -> None:
    iou = np.array([[0.9, 0.8, 0.0], [0.85, 0.0, 0.0], [0.0, 0.0, 0.0]])
    # taking the best pair first would leave row 1 without a partner
    assert match(iou) == [(0, 1), (1, 0)]


def test_what_overlaps_too_little_takes_no_partner_from_others() -> None:
    assert match(np.array([[0.5, 0.29], [0.29, 0.0]])) == [(0, 0)]


def test_no_instances_give_no_pairs() -> None:
    assert match(np.zeros((0, 3))) == [] and match(np.zeros((3, 0))) == []


def test_dice_of_equal_disjoint_half_and_empty_masks() -> None:
    a = np.zeros((4, 4), dtype=bool)
    a[:2] = True
    b = np.roll(a, 1, axis=0)
    assert dice(a, a) == 1 and dice(a, ~a) == 0
    assert dice(a, b) == pytest.approx(0.5)
    assert dice(a & ~a, a & ~a) == 1


def test_surface_distance_of_shifted_squares_is_the_shift(block: Painter) -> None:
    a, b = block(80, 80, 20, 20, 50, 50), block(80, 80, 20, 26, 50, 56)
    assert surface_distance_95(a, a) == 0
    assert surface_distance_95(a, b) == pytest.approx(6)
    assert surface_distance_95(a, b, (1.0, 0.5)) == pytest.approx(3)


def test_surface_distance_hardly_sees_a_single_spike(block: Painter) -> None:
    a = block(80, 80, 10, 10, 60, 60)
    spiked = a | block(80, 80, 30, 60, 32, 75)
    assert surface_distance_95(a, spiked) < 10
