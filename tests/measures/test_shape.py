import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from spinetk.boxes import mask_centre
from spinetk.measures.shape import measure
from spinetk.phantom import Phantom


def quadrilateral(corners: list[tuple[float, float]], side: int = 300) -> NDArray[np.bool_]:
    """A filled polygon whose corners are given in pixel corners, drawn at 8-fold resolution."""
    big = np.zeros((side * 8, side * 8), dtype=np.uint8)
    cv2.fillPoly(big, [np.round(np.array(corners) * 8).astype(np.int32)], 255)
    return cv2.resize(big, (side, side), interpolation=cv2.INTER_AREA) > 127


def turned(corners: NDArray[np.float64], degrees: float) -> list[tuple[float, float]]:
    angle = np.radians(degrees)
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return [tuple(p) for p in (corners - 150) @ rotate.T + 150]


def test_an_upright_rectangle_is_measured_exactly() -> None:
    mask = np.zeros((90, 80), dtype=bool)
    mask[20:50, 10:60] = True
    got = measure(mask)
    assert got.area == 1500
    assert mask_centre(mask) == (34.5, 34.5)
    for value in (got.height_anterior, got.height_middle, got.height_posterior):
        assert value == pytest.approx(30, abs=0.5)
    assert got.width == pytest.approx(50, abs=0.5)


@pytest.mark.parametrize("degrees", [-65, -46, -44, -10, 0, 5, 20, 44, 46, 65])
def test_lengths_follow_the_column_not_the_image(degrees: float) -> None:
    box = np.array([[110.0, 130], [190, 130], [190, 170], [110, 170]])
    lean = np.radians(degrees + 8)  # the column's direction is known only roughly
    along = (-float(np.sin(lean)), float(np.cos(lean)))
    got = measure(quadrilateral(turned(box, degrees)), along=along)
    assert got.width == pytest.approx(80, abs=1.6)
    for value in (got.height_anterior, got.height_middle, got.height_posterior):
        assert value == pytest.approx(40, abs=1.6)


def test_a_wedge_is_lower_in_front() -> None:
    got = measure(quadrilateral([(110, 140), (190, 130), (190, 170), (110, 160)]))
    # the heights of the wedge at 15 %, 50 % and 85 % of its width
    assert got.height_anterior == pytest.approx(23, abs=1.2)
    assert got.height_middle == pytest.approx(30, abs=1.2)
    assert got.height_posterior == pytest.approx(37, abs=1.2)


def test_non_square_pixels_are_measured_in_mm() -> None:
    mask = np.zeros((90, 80), dtype=bool)
    mask[20:50, 10:60] = True
    got = measure(mask, (0.5, 2.0))
    assert got.area == 1500
    assert got.height_middle == pytest.approx(15, abs=0.3)
    assert got.width == pytest.approx(100, abs=0.8)


def test_the_phantoms_bodies_have_their_built_in_size(phantom: Phantom) -> None:
    """L3 is level: 27 mm high at its rim, 33.3 mm deep, by the phantom's construction."""
    from spinetk.phantom.spine import build_spine

    truth = next(b for b in build_spine().bodies if b.name == "L3")
    middle = len(phantom.labels) // 2
    got = measure(phantom.labels[middle] == 22, (0.7, 0.7))
    assert got.width == pytest.approx(truth.depth, abs=1.0)
    assert got.height_middle == pytest.approx(truth.height * (1 - truth.concavity), abs=0.8)
