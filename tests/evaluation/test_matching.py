import numpy as np
import pytest

from spinetk.evaluation.matching import dice, match


def test_pairs_are_one_to_one_with_the_largest_total_overlap() -> None:
    iou = np.array([[0.9, 0.8, 0.0], [0.85, 0.0, 0.0], [0.0, 0.0, 0.0]])
    # taking the best pair first would leave row 1 without a partner
    assert match(iou) == [(0, 1), (1, 0)]


def test_no_instances_give_no_pairs() -> None:
    assert match(np.zeros((0, 3))) == [] and match(np.zeros((3, 0))) == []


def test_dice_of_equal_disjoint_half_and_empty_masks() -> None:
    a = np.zeros((4, 4), dtype=bool)
    a[:2] = True
    b = np.roll(a, 1, axis=0)
    assert dice(a, a) == 1 and dice(a, ~a) == 0
    assert dice(a, b) == pytest.approx(0.5)
    assert dice(a & ~a, a & ~a) == 1
