import numpy as np
import pytest

from spinetk.measures.shape import CUT, Outline, Shape, lengths, one_plate, outline_points, slope_of
from spinetk.phantom import Phantom
from tests.conftest import Painter
from tests.measures.drawn import box, drawn, turned


def test_an_upright_rectangle_is_measured_exactly(block: Painter) -> None:
    got = lengths(outline_points(block(90, 80, 20, 10, 50, 60)))
    assert got.height_anterior == pytest.approx(30, abs=0.2)
    assert got.height_middle == pytest.approx(30, abs=0.2)
    assert got.height_posterior == pytest.approx(30, abs=0.2)
    assert got.width == pytest.approx(50, abs=0.2)


@pytest.mark.parametrize("degrees", [-65, -46, -44, -10, 0, 5, 20, 44, 46, 65])
def test_lengths_follow_the_column_not_the_image(degrees: float) -> None:
    lean = np.radians(degrees + 8)  # the column's direction is known only roughly
    along = (-float(np.sin(lean)), float(np.cos(lean)))
    got = lengths(outline_points(drawn(turned(box(110, 130, 190, 170), degrees)), along=along))
    assert got.width == pytest.approx(80, abs=0.6)
    assert got.height_middle == pytest.approx(40, abs=0.6)


def test_a_wedge_is_lower_in_front() -> None:
    wedge = drawn([(110, 140), (190, 130), (190, 170), (110, 160)])
    points = outline_points(wedge)
    got = lengths(points)
    # the heights of the wedge at 15 %, 50 % and 85 % of its width
    assert got.height_anterior == pytest.approx(23, abs=0.6)
    assert got.height_middle == pytest.approx(30, abs=0.6)
    assert got.height_posterior == pytest.approx(37, abs=0.6)
    slope = float(np.degrees(np.arctan2(10, 80)))
    assert slope_of(points.upper, (1.0, 1.0)) == pytest.approx(-slope, abs=0.5)
    assert slope_of(points.lower, (1.0, 1.0)) == pytest.approx(slope, abs=0.5)


def test_non_square_pixels_are_measured_in_mm(block: Painter) -> None:
    points = outline_points(block(90, 80, 20, 10, 50, 60), (0.5, 2.0))
    got = lengths(points, (0.5, 2.0))
    assert got.height_middle == pytest.approx(15, abs=0.3)
    assert got.width == pytest.approx(100, abs=0.8)


def test_what_is_cut_off_or_no_block_has_no_lengths_and_a_reason(block: Painter) -> None:
    mask = block(90, 80, 20, 10, 50, 60)
    cut = outline_points(mask, truncated=True)
    assert lengths(cut) == Shape() and cut.reason == CUT
    assert outline_points(block(90, 80, 20, 10, 23, 13)).reason == "it is too small"
    sacral = outline_points(mask, only="upper")
    assert lengths(sacral) == Shape() and sacral.reason == "only its upper end plate is measured"
    assert slope_of(sacral.upper, (1.0, 1.0)) == pytest.approx(0, abs=0.2)
    assert slope_of(sacral.lower, (1.0, 1.0)) is None


@pytest.mark.parametrize("degrees", [0, 15, 30, 45, 60, 70])
def test_a_sacrum_of_any_slope_is_found_from_the_body_above(degrees: float) -> None:
    """S1 tapers downwards; its front is higher than its back; L5 leans two thirds as far."""
    wedge = np.array([[118.0, 135], [182, 135], [172, 172], [135, 180]])
    mask = drawn(turned(wedge, -degrees))
    above = outline_points(
        drawn(turned(box(118, 80, 182, 120), -degrees * 2 / 3)), along=(0.2, 1.0)
    )
    assert above.lower is not None
    got = one_plate(mask, (1, 1), (0.2, 1.0), {"L5": above}, "S1", truncated=False)
    assert slope_of(got.upper, (1, 1)) == pytest.approx(-degrees, abs=1.5)
    assert got.lower is None and got.reason


def test_another_border_than_the_end_plate_is_not_taken_for_it(block: Painter) -> None:
    above = outline_points(block(300, 300, 60, 100, 100, 160))
    narrow = block(300, 300, 120, 100, 200, 130)
    got = one_plate(narrow, (1, 1), (0.0, 1.0), {"L5": above}, "S1", truncated=False)
    assert got == Outline(reason="its upper end plate cannot be told")


def test_c2_has_its_lower_end_plate() -> None:
    dens = [(140, 60), (156, 60), (158, 110), (172, 116), (172, 150), (120, 158), (124, 112)]
    c3 = outline_points(drawn([(118, 172), (170, 164), (174, 200), (122, 208)]))
    got = one_plate(drawn(dens), (1, 1), (0.0, 1.0), {"C3": c3}, "C2", truncated=False)
    assert got.upper is None
    assert slope_of(got.lower, (1, 1)) == pytest.approx(-np.degrees(np.arctan(8 / 52)), abs=1.5)


@pytest.mark.parametrize("level", ["L5", "L4", "L3", "L2", "L1", "T12", "T11"])
def test_the_phantoms_bodies_have_their_built_in_size(phantom: Phantom, level: str) -> None:
    from spinetk.phantom.spine import build_spine
    from spinetk.structures import VERSE_NUMBERS

    truth = next(b for b in build_spine().bodies if b.name == level)
    middle = phantom.labels[len(phantom.labels) // 2]
    points = outline_points(middle == VERSE_NUMBERS[level], (0.7, 0.7))
    got = lengths(points, (0.7, 0.7))
    at = 1 - 2 * 0.15  # the outer points, from the middle outwards
    rim = truth.height * (1 - truth.concavity * (1 - at**2))
    front = rim * (1 - truth.wedge * (1 + at) / 2)
    assert got.height_middle == pytest.approx(
        truth.height * (1 - truth.wedge / 2) * (1 - truth.concavity), abs=0.5
    )
    assert got.height_anterior == pytest.approx(front, abs=0.6)
    assert got.height_posterior == pytest.approx(rim * (1 - truth.wedge * (1 - at) / 2), abs=0.6)
    assert got.width == pytest.approx(truth.depth, abs=2.5)  # its walls are hollow by 6 %
