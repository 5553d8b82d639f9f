import numpy as np
import pytest

from spinetk.measures.robust_curve import NoCurve, fitted


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 8), (40, 60), (60, 80), (94, 100)])
def test_what_stands_off_does_not_move_a_curve(first: int, last: int) -> None:
    at = np.arange(100.0)
    true = 0.01 * (at - 40) ** 2 + 3
    values = true + np.random.default_rng(0).normal(0, 0.2, 100)
    values[first:last] -= 12
    curve = fitted(at, values, 2, 0.3)
    np.testing.assert_allclose(curve.at(at), true, atol=0.5)


def test_a_line_has_its_slope_and_a_level_its_height() -> None:
    at = np.arange(10.0, 60.0)
    assert fitted(at, 0.25 * at - 7, 1, 0.1).slope == pytest.approx(0.25)
    assert float(fitted(at, np.full(50, 4.0), 0, 0.1).at(99.0)) == pytest.approx(4.0)


def test_too_few_points_are_no_curve() -> None:
    with pytest.raises(NoCurve):
        fitted(np.array([1.0, 2.0, 3.0]), np.array([1.0, 5.0, 2.0]), 2, 0.1)
