import numpy as np
import pytest

from spinetk.orthonormal import orthonormal, shear


def test_rounded_cosines_become_right_angled_and_stay_where_they_are() -> None:
    row, column = np.array([0.127, 0.989, -0.072]), np.array([0.071, -0.082, -0.994])
    first, second = orthonormal(row, column)
    assert abs(first @ second) < 1e-15
    np.testing.assert_allclose([np.linalg.norm(first), np.linalg.norm(second)], 1)
    np.testing.assert_allclose(first, row, atol=0.01)
    np.testing.assert_allclose(second, column, atol=0.01)
    # in the plane that the two span: the normal does not move
    normal = np.cross(row, column)
    np.testing.assert_allclose(np.cross(first, second), normal / np.linalg.norm(normal), atol=1e-12)


def test_shear_is_the_largest_cosine_whatever_the_lengths() -> None:
    axes = np.array([[3.0, 0.7 * 0.1, 0], [0, 0.7 * np.sqrt(1 - 0.01), 0], [0, 0, 0.5]])
    assert shear(axes) == pytest.approx(0.1)
    assert shear(np.diag([1.0, 2.0, 3.0])) == 0
