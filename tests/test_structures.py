import itertools

import pytest

from spinetk.boxes import mask_box
from spinetk.structures import (
    BODY_KIND,
    BODY_LEVELS,
    DISC_KIND,
    DISC_LEVELS,
    LEVELS,
    RANKS,
    column_with,
    disc_below,
    group_of,
    label_number,
    label_numbers,
    level_of_number,
    levels_of,
)
from spinetk.study import Instance
from tests.conftest import Painter


def test_every_disc_lies_between_neighbours() -> None:
    columns = [column_with(level) for level in BODY_LEVELS]
    columns.append(tuple(level for level in LEVELS if level != "T12"))
    columns.append(tuple(level for level in LEVELS if level != "L5"))
    neighbours = {f"{a}-{b}" for column in columns for a, b in itertools.pairwise(column)}
    assert set(DISC_LEVELS) == neighbours
    assert "L1-L5" not in DISC_LEVELS and "L5-L4" not in DISC_LEVELS


def test_levels_run_from_the_head_down() -> None:
    assert BODY_LEVELS[0] == "C1" and BODY_LEVELS[-1] == "S1"
    assert BODY_LEVELS.index("T13") == BODY_LEVELS.index("T12") + 1
    assert list(BODY_LEVELS) == sorted(BODY_LEVELS, key=RANKS.__getitem__)
    assert levels_of("rib") == () and levels_of(DISC_KIND) == DISC_LEVELS


def test_numbers_are_verses() -> None:
    known = {"C1": 1, "C7": 7, "T1": 8, "T12": 19, "L1": 20, "L5": 24, "L6": 25, "S1": 26}
    assert {level: label_number(level) for level in known} == known
    assert label_number("T13") == 28 and label_number("L5-S1") == 124
    assert [disc_below(level) for level in ("C1", "L5", "S1", "L6")] == [
        "C1-C2", "L5-S1", None, None,
    ]  # fmt: skip


def test_every_number_leads_back_to_its_level() -> None:
    for level in BODY_LEVELS:
        number = label_number(level)
        assert number is not None and level_of_number(number) == level
    for disc in DISC_LEVELS:
        number = label_number(disc)
        back = level_of_number(number, set(disc.split("-"))) if number else None
        # of a body that is not outlined nothing can be said
        assert back == {"T11-L1": "T11-T12", "L4-S1": "L4-L5"}.get(disc, disc)
    assert [level_of_number(n) for n in (0, 27, 99, 126, 199, 124)] == [
        None, None, None, None, None, "L5-S1",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["first_sacral_body", BODY_KIND])
def test_s1_is_a_body_outside(kind: str) -> None:
    assert group_of(kind) == BODY_KIND


def test_no_two_instances_share_a_label(block: Painter) -> None:
    def make(kind: str, order: int, level: str | None) -> Instance:
        mask = block(20, 20, 0, 0, 9, 9)
        return Instance(kind, mask, mask_box(mask), 0.9, order, level)

    instances = [
        make(BODY_KIND, 1, "L5"),
        make(BODY_KIND, 2, "L5"),  # named twice by a person
        make(BODY_KIND, 3, None),
        make(DISC_KIND, 1, "L4-L5"),
        make(DISC_KIND, 2, None),
        make("cage", 1, None),
    ]
    assert label_numbers(instances) == [24, 202, 203, 123, 302, 401]
