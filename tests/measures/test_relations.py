"""Columns of drawn bodies with known fractures, slips and angles."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from spinetk.boxes import mask_centre
from spinetk.measures.relations import (
    GROWTH,
    TALLER,
    TOO_HIGH,
    Member,
    Relations,
    relations,
)
from spinetk.measures.shape import outline_points
from spinetk.structures import BODY_KIND, DISC_KIND
from tests.measures.drawn import box, drawn

LEVELS = ("L5", "L4", "L3", "L2", "L1", "T12")
PARTS = ("front", "middle", "back")
HEIGHT, GAP, LEFT, WIDTH = 40.0, 14.0, 100.0, 60.0


def body(level: str, place: int, **shape: float) -> Member:
    """`place` from below; `front`, `middle`, `back` are shares of the height, `forward` pixels."""
    bottom = 380.0 - place * (HEIGHT + GAP)
    left = LEFT - shape.get("forward", 0.0)
    tops = [bottom - HEIGHT * shape.get(part, 1.0) for part in ("front", "middle", "back")]
    u = np.linspace(0, 1, 31)
    x = left + WIDTH * u
    # a parabola through the three
    y = np.polyval(np.polyfit([0, 0.5, 1], tops, 2), u)
    outline = [*zip(x.tolist(), y.tolist(), strict=True), (left + WIDTH, bottom), (left, bottom)]
    mask = drawn(outline, 400)
    return Member(BODY_KIND, level, place + 1, mask_centre(mask), outline_points(mask))


def disc(level: str, place: int, front: float = GAP, back: float = GAP) -> Member:
    """Above the body at `place`."""
    bottom = 380.0 - place * (HEIGHT + GAP) - HEIGHT
    corners = [(LEFT, bottom - front), (LEFT + WIDTH, bottom - back), (LEFT + WIDTH, bottom),
               (LEFT, bottom)]  # fmt: skip
    mask = drawn(corners, 400)
    return Member(DISC_KIND, level, place + 1, mask_centre(mask), outline_points(mask))


def column(**changed: Member) -> list[Member]:
    return [changed.get(level, body(level, place)) for place, level in enumerate(LEVELS)]


def of(members: list[Member], level: str, spacing: tuple[float, float] = (1, 1)) -> Relations:
    found = relations(members, (), spacing)
    return found[[m.level for m in members].index(level)]


@pytest.mark.parametrize(
    ("shape", "grade"),
    [
        ({}, 0),
        ({"front": 0.85, "middle": 0.925}, 0),
        ({"front": 0.78, "middle": 0.89}, 1),
        ({"front": 0.7, "middle": 0.85}, 2),
        ({"front": 0.55, "middle": 0.775}, 3),
        ({"middle": 0.7}, 2),
        ({"front": 0.7, "middle": 0.7, "back": 0.7}, 2),  # crushed
    ],
)
def test_genants_grade_is_the_loss_against_the_neighbours(
    shape: dict[str, float], grade: int
) -> None:
    assert of(column(L2=body("L2", 3, **shape)), "L2").genant_grade == grade


def test_ratios_of_a_wedge_and_of_a_crushed_body() -> None:
    wedge = of(column(L2=body("L2", 3, front=0.6, middle=0.8)), "L2")
    assert wedge.wedge_ratio == pytest.approx(0.6, abs=0.02)
    assert wedge.biconcave_ratio == pytest.approx(0.8, abs=0.02)
    crushed = of(column(L2=body("L2", 3, front=0.7, middle=0.7, back=0.7)), "L2")
    assert crushed.crush_ratio == pytest.approx(0.7, abs=0.02)
    assert crushed.wedge_ratio == pytest.approx(1, abs=0.02)


def test_a_body_beside_a_missing_one_is_no_neighbour() -> None:
    whole = column(L3=body("L3", 2, front=0.5, middle=0.5, back=0.5))
    alone = [m for m in whole if m.level in ("L5", "L3", "L1")]
    assert of(alone, "L3").genant_grade is None and of(alone, "L3").slip is None
    unnamed = [replace(m, level=None) for m in whole]
    without, gap = relations(unnamed, (), (1, 1))[2], relations(unnamed, {1}, (1, 1))[2]
    assert without.slip == pytest.approx(0, abs=0.6) and gap.slip is None


def test_a_slip_is_told_in_millimetres_and_per_cent() -> None:
    members = column(L4=body("L4", 1, forward=12))
    slipped = of(members, "L4", (0.5, 0.5))
    assert slipped.slip == pytest.approx(6, abs=0.4)
    assert slipped.slip_percent == pytest.approx(20, abs=1.2)
    assert of(members, "L3").slip == pytest.approx(-12, abs=0.8)  # L4 stands before it
    assert of(members, "L5").slip is None


def test_a_disc_between_level_bodies_and_one_that_opens_to_the_front() -> None:
    level = [*column(), disc("L3-L4", 1)]
    assert of(level, "L3-L4").segment_angle == pytest.approx(0, abs=0.4)
    assert of(level, "L3-L4").disc_height_index == pytest.approx(GAP / HEIGHT, abs=0.02)
    leaning = column(L4=body("L4", 1, front=0.9, middle=0.95))
    opens = of([*leaning, disc("L3-L4", 1)], "L3-L4")
    assert opens.segment_angle == pytest.approx(np.degrees(np.arctan(4 / 60)), abs=0.5)
    unnamed = [replace(m, level=None) for m in level]
    assert relations(unnamed, (), (1, 1))[-1].disc_height_index == pytest.approx(
        GAP / HEIGHT, abs=0.02
    )


def test_grades_are_of_the_bodies_that_genant_graded() -> None:
    assert of(column(), "L5").genant_grade is None
    assert of(column(), "L4").genant_grade == 0


def test_a_biconcave_body_has_its_ratio() -> None:
    """A fifth of the middle is gone; the corners are whole."""
    mask = drawn(box(110, 130, 170, 170, hollow=4).tolist())
    alone = Member(BODY_KIND, "L2", 1, mask_centre(mask), outline_points(mask))
    assert relations([alone], (), (1, 1))[0].biconcave_ratio == pytest.approx(0.8, abs=0.04)


def test_a_lip_in_front_makes_no_slip() -> None:
    lipped = body("L4", 1)
    outline = [(LEFT - 12, 326.0), (LEFT, 312.0), (LEFT, 286.0), (LEFT + WIDTH, 286.0),
               (LEFT + WIDTH, 326.0)]  # fmt: skip
    mask = drawn(outline, 400)
    lipped = Member(BODY_KIND, "L4", 2, mask_centre(mask), outline_points(mask))
    assert abs(of(column(L4=lipped), "L4").slip_percent) < 2
    assert abs(of(column(L4=lipped), "L3").slip_percent) < 2


def test_bodies_that_grow_towards_the_feet_have_lost_nothing() -> None:
    """By as much as a body grows at most; the upper and the lower end, too."""
    sizes = {level: (1 - GROWTH) ** place for place, level in enumerate(LEVELS)}
    members = column(**{
        level: body(level, place, front=sizes[level], middle=sizes[level], back=sizes[level])
        for place, level in enumerate(LEVELS)
    })  # fmt: skip
    for found in relations(members, (), (1, 1)):
        assert found.genant_grade in (None, 0) and found.crush_ratio == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("count", [4, 5, 6])
@pytest.mark.parametrize("broken", [1, 2])
def test_whichever_bodies_are_fractured_the_others_are_not(count: int, broken: int) -> None:
    levels = ["L4", "L3", "L2", "L1", "T12", "T11"][:count]
    for low in itertools.combinations(levels, broken):
        members = [
            body(level, place, **dict.fromkeys(PARTS, 0.5 if level in low else 1.0))
            for place, level in enumerate(levels)
        ]
        for level, found in zip(levels, relations(members, (), (1, 1)), strict=True):
            assert found.genant_grade == (3 if level in low else 0), (low, level)
            if broken == 1:
                whole = 0.5 if level in low else 1
                assert found.crush_ratio == pytest.approx(whole, abs=4 * GROWTH)


def test_a_fractured_neighbour_hides_no_fracture() -> None:
    low = {"front": 0.6, "middle": 0.6, "back": 0.6}
    members = column(L3=body("L3", 2, **low), L2=body("L2", 3, **low))
    assert of(members, "L3").genant_grade == of(members, "L2").genant_grade == 3
    assert of(members, "L1").genant_grade == of(members, "L4").genant_grade == 0


def test_too_few_neighbours_make_no_grade() -> None:
    low = body("L4", 0, front=0.6, middle=0.6, back=0.6)
    assert relations([low, body("L3", 1), body("L2", 2)], (), (1, 1))[0].genant_grade is None


def test_a_missing_body_parts_named_ones_too() -> None:
    """S1 and L4 may be neighbours, in a spine of four lumbar bodies; not so far apart."""
    pair = [body("S1", 0), body("L4", 1), body("L3", 2)]
    assert relations(pair, (), (1, 1))[1].slip is not None
    assert relations(pair, {0}, (1, 1))[1].slip is None


@pytest.mark.parametrize("count", [6, 8])
@pytest.mark.parametrize("broken", [2, 3, 4])
@pytest.mark.parametrize("parts", [{"front": 0.7, "middle": 0.85}, dict.fromkeys(PARTS, 0.7)])
def test_fractures_side_by_side_are_never_called_sound(
    count: int, broken: int, parts: dict[str, float]
) -> None:
    levels = ["L4", "L3", "L2", "L1", "T12", "T11", "T10", "T9"][:count]
    for first in range(count - broken + 1):
        low = levels[first : first + broken]
        members = [
            body(level, place * 0.8, **parts if level in low else {})
            for place, level in enumerate(levels)
        ]
        for level, found in zip(levels, relations(members, (), (1, 1)), strict=True):
            if level in low:
                assert found.genant_grade or found.ungraded, (low, level)
            else:
                assert found.genant_grade == 0 and not found.ungraded, (low, level)
            assert found.crush_ratio is None or found.crush_ratio < TALLER
        wedged = parts["front"] != parts["back"] if "back" in parts else True
        if wedged and broken <= count - 3:
            grades = {m.level: f.genant_grade for m, f in
                      zip(members, relations(members, (), (1, 1)), strict=True)}  # fmt: skip
            assert all(grades[level] == 2 for level in low), (low, grades)


@pytest.mark.parametrize("high", [1.3, 1.6, 1.9])
@pytest.mark.parametrize("level", ["L4", "L2", "T12"])
def test_one_body_that_is_too_high_is_in_doubt_and_no_other(high: float, level: str) -> None:
    tall = dict.fromkeys(PARTS, high)
    members = [
        body(name, place, **(tall if name == level else {})) for place, name in enumerate(LEVELS)
    ]
    for member, found in zip(members, relations(members, (), (1, 1)), strict=True):
        if member.level == level:
            assert found.ungraded == TOO_HIGH and found.genant_grade is None
        else:
            assert not found.ungraded and found.genant_grade == (
                None if member.level == "L5" else 0
            )
