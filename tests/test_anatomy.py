from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spinetk.anatomy import (
    column_directions,
    cut_by_border,
    gaps_between,
    order_and_name,
    without_doubles,
    without_overlap,
    without_strays,
)
from spinetk.boxes import mask_box
from spinetk.errors import UsageError
from spinetk.naming import NamingRule
from spinetk.structures import BODY_LEVELS, SACRAL_CLASS
from spinetk.study import Instance
from tests.conftest import Painter

BODY, DISC = "vertebral_body", "intervertebral_disc"


def make(kind: str, top: int, height: int = 20, score: float = 0.9) -> Instance:
    mask = np.zeros((400, 60), dtype=bool)
    mask[top : top + height, 10:40] = True
    return Instance(kind, mask, mask_box(mask), score)


def column(places: list[int], **sacral: Any) -> list[Instance]:
    """Bodies at 30-pixel places counted from the top, discs between neighbours."""
    bodies = [make(BODY, 10 + 30 * p) for p in places]
    discs = [make(DISC, 31 + 30 * p, 8) for p in places[:-1]]
    return [*discs, *bodies]


def test_bodies_then_discs_each_counted_from_below() -> None:
    found, _ = order_and_name(column([0, 1, 2]), None)
    assert [(i.kind, i.order, i.box[1]) for i in found] == [
        (BODY, 1, 70), (BODY, 2, 40), (BODY, 3, 10), (DISC, 1, 61), (DISC, 2, 31),
    ]  # fmt: skip
    assert all(i.level is None for i in found)


def test_an_anchor_names_bodies_and_discs_upwards_and_downwards() -> None:
    found, warnings = order_and_name(column([0, 1, 2, 3]), ("L5", 2))
    assert [i.level for i in found] == [
        "S1", "L5", "L4", "L3", "L5-S1", "L4-L5", "L3-L4",
    ]  # fmt: skip
    assert not warnings


def test_s1_found_as_the_lowest_body_anchors_l5() -> None:
    instances = [*column([0, 1, 2]), make(SACRAL_CLASS, 100)]
    found, _ = order_and_name(instances, None)
    bodies = [i for i in found if i.kind == BODY]
    assert [b.level for b in bodies] == ["S1", "L5", "L4", "L3"]


RULE = NamingRule(weight=1.0, bound=0.8)


def looking_like(instances: list[Instance], *levels: str, share: float = 0.9) -> list[Instance]:
    """The bodies, from below, with evidence for these levels."""
    bodies = sorted((i for i in instances if i.kind != DISC), key=lambda i: -i.box[1])
    out = [i for i in instances if i.kind == DISC]
    for body, level in zip(bodies, levels, strict=True):
        chances = np.full(len(BODY_LEVELS), (1 - share) / (len(BODY_LEVELS) - 1))
        chances[BODY_LEVELS.index(level)] = share
        out.append(replace(body, evidence=np.log(chances)))
    return out


def test_bodies_and_discs_are_named_by_the_looks_of_all() -> None:
    found, warnings = order_and_name(looking_like(column([0, 1, 2]), "T2", "T1", "C7"), None, RULE)
    assert [i.level for i in found] == ["T2", "T1", "C7", "T1-T2", "C7-T1"]
    assert not warnings and all(b.level_confidence > 0.8 for b in found[:3])  # type: ignore[operator]
    assert found[3].level_confidence is None


def test_looks_that_leave_it_open_name_nothing_and_say_so() -> None:
    unsure = looking_like(column([0, 1, 2]), "L3", "L3", "T8", share=0.3)
    found, [warning] = order_and_name(unsure, None, RULE)
    assert all(i.level is None for i in found) and warning.code == "level-unsure"
    assert 0 < found[0].level_confidence < 0.8  # type: ignore[operator]


def test_s1_decides_where_looks_are_unsure_but_say_the_same() -> None:
    bodies = [*column([0, 1, 2])[2:], make(SACRAL_CLASS, 100)]
    agreeing = looking_like(bodies, "S1", "L5", "L4", "L3", share=0.2)
    found, _ = order_and_name(agreeing, None, replace(RULE, bound=0.999))
    assert [b.level for b in found] == ["S1", "L5", "L4", "L3"]
    found, warnings = order_and_name(looking_like(bodies, "L5", "L4", "L3", "L2"), None, RULE)
    assert [b.level for b in found] == ["L5", "L4", "L3", "L2"]
    assert [w.code for w in warnings] == ["looks-against-sacrum"]


def test_a_persons_anchor_is_above_the_looks() -> None:
    looks = looking_like(column([0, 1]), "L5", "L4")
    found, warnings = order_and_name(looks, ("L3", 1), RULE)
    assert [i.level for i in found] == ["L3", "L2", "L2-L3"]
    assert all(i.level_confidence is None for i in found)
    assert [w.code for w in warnings] == ["anchor-against-looks"]  # but it is said
    assert "named L3 looks like L5" in warnings[0].text
    assert order_and_name(looks, ("L5", 1), RULE)[1] == []


def test_names_by_looks_go_on_beyond_a_gap() -> None:
    gap = looking_like(column([0, 1, 3, 4, 5]), "L5", "L4", "L3", "L1", "T12")
    found, warnings = order_and_name(gap, None, RULE)
    assert [i.level for i in found if i.kind == BODY] == ["L5", "L4", "L3", "L1", "T12"]
    assert [w.code for w in warnings] == ["body-missing"]


def test_s1_above_another_body_names_nothing_and_warns() -> None:
    found, warnings = order_and_name([*column([1, 2]), make(SACRAL_CLASS, 10)], None)
    assert all(i.level is None for i in found)
    assert "not as the lowest" in warnings[0].text


def test_names_stop_at_a_gap_where_a_body_is_missing() -> None:
    found, warnings = order_and_name(column([0, 1, 3, 4, 5]), ("L5", 1))
    assert [i.level for i in found if i.kind == BODY] == ["L5", "L4", "L3", None, None]
    assert "missing beside L3" in warnings[0].text


def test_gaps_are_told_in_millimetres() -> None:
    """Of a column that runs aslant through pixels which are not square."""

    def leaning(places: list[tuple[int, int]]) -> list[Instance]:
        masks = []
        for left, top in places:
            mask = np.zeros((400, 400), dtype=bool)
            mask[top : top + 20, left : left + 30] = True
            masks.append(Instance(BODY, mask, mask_box(mask), 0.9))
        return masks[::-1]  # from below

    # in a kyphosis the upper steps go sideways; a pixel is 1 mm high and 0.4 mm wide
    bent = leaning([(10, 10), (80, 20), (150, 30), (170, 58), (175, 88), (178, 118)])
    assert gaps_between(bent, (1.0, 0.4)) == set() != gaps_between(bent)
    upright = leaning([(10, 10), (10, 40), (10, 100), (10, 130)])
    assert gaps_between(upright) == gaps_between(upright, (1.0, 0.4)) == {1}


@pytest.mark.parametrize(
    "level,expected", [("L6", ["S1", "L6", "L5"]), ("T13", ["L1", "T13", "T12"])]
)
def test_transitional_levels_are_part_of_the_chain(level: str, expected: list[str]) -> None:
    found, _ = order_and_name(column([0, 1, 2]), (level, 2))
    assert [i.level for i in found if i.kind == BODY] == expected


def test_an_anchor_beyond_the_bodies_found_is_an_error() -> None:
    with pytest.raises(UsageError, match="only 2 vertebral bodies"):
        order_and_name(column([0, 1]), ("L5", 3))


def test_a_mask_on_the_border_is_truncated() -> None:
    found, _ = order_and_name([make(BODY, 0), make(BODY, 30)], None)
    assert [i.truncated for i in found] == [False, True]


def test_of_two_discs_between_the_same_bodies_the_better_has_the_name() -> None:
    extra = make(DISC, 27, height=3, score=0.95)  # beside the disc at 31, between the same bodies
    found, warnings = order_and_name([*column([0, 1, 2]), extra], ("L5", 1))
    named = [(i.level, i.score) for i in found if i.kind == DISC]
    assert named == [("L4-L5", 0.9), (None, 0.9), ("L3-L4", 0.95)]
    assert [w.code for w in warnings] == ["disc-twice"]


def test_of_two_instances_at_one_place_the_better_score_stays() -> None:
    kept = without_doubles(
        [make(BODY, 10, score=0.6), make(SACRAL_CLASS, 12, score=0.8), make(DISC, 10, score=0.3)]
    )
    assert [i.kind for i in kept] == [SACRAL_CLASS, DISC]


def test_shared_pixels_go_to_the_better_score() -> None:
    low, high = make(BODY, 10, height=30, score=0.6), make(DISC, 30, height=20, score=0.9)
    kept = {i.kind: i for i in without_overlap([low, high])}
    assert kept[DISC].mask.sum() == 20 * 30 and kept[BODY].mask.sum() == 20 * 30
    assert kept[BODY].box == (10.0, 10.0, 40.0, 30.0)
    assert not (kept[BODY].mask & kept[DISC].mask).any()
    assert without_overlap([]) == []


def test_the_columns_direction_follows_its_curve() -> None:
    masks = []
    for x, y in ((50, 20), (50, 80), (110, 140)):
        mask = np.zeros((200, 200), dtype=bool)
        mask[y - 10 : y + 10, x - 10 : x + 10] = True
        masks.append(mask)
    angles = [
        float(np.degrees(np.arctan2(x, y))) for x, y in column_directions(masks[:2], [BODY] * 2)
    ]
    assert angles == pytest.approx([0, 0], abs=0.01)
    angles = [float(np.degrees(np.arctan2(x, y))) for x, y in column_directions(masks, [BODY] * 3)]
    assert angles == pytest.approx([26.565] * 3, abs=0.01)
    assert column_directions(masks[:1], [BODY]) == [(0.0, 1.0)] and column_directions([], []) == []


def test_what_stands_off_the_column_does_not_turn_the_others() -> None:
    masks = []
    for x, y in ((40, 20), (40, 80), (40, 140), (40, 200), (220, 110)):
        mask = np.zeros((260, 260), dtype=bool)
        mask[y - 15 : y + 15, x - 20 : x + 20] = True
        masks.append(mask)
    assert all(x == 0 and y > 0 for x, y in column_directions(masks, [BODY] * 5))


def test_thin_discs_and_a_tilted_sacrum_are_of_the_column() -> None:
    # bodies and discs of a lumbar spine that curves to a steep L5-S1, as centres and sizes
    places = [(60, 30, 44, 34), (60, 53, 40, 5), (62, 78, 44, 34), (66, 101, 40, 5),
              (70, 124, 44, 34), (80, 146, 40, 6), (92, 166, 46, 34), (104, 188, 38, 14),
              (124, 206, 40, 36)]  # fmt: skip
    masks = []
    for x, y, width, height in places:
        mask = np.zeros((260, 260), dtype=bool)
        mask[y - height // 2 : y + height // 2, x - width // 2 : x + width // 2] = True
        masks.append(mask)
    kinds = [BODY, DISC] * 4 + [SACRAL_CLASS]
    directions = column_directions(masks, kinds)
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(places, places[4:], strict=False)]
    found = [np.degrees(np.arctan2(x, y)) for x, y in directions[2:7]]
    assert found == pytest.approx([np.degrees(np.arctan2(*step)) for step in steps], abs=2)


def test_a_column_of_pixels_that_are_not_square_is_one_column(block: Painter) -> None:
    """Bodies of 30 x 36 mm, 36 mm apart, in pixels of 3 x 1 mm: twelve rows apart, 36 wide."""
    bodies = [
        Instance(BODY, m, mask_box(m), 0.9)
        for m in (block(80, 100, 4 + 12 * k, 30, 14 + 12 * k, 66) for k in range(5))
    ]
    assert len(without_strays(bodies, (3.0, 1.0))) == 5
    assert len(without_strays(bodies)) < 5


def test_what_the_edge_of_the_exposed_part_cuts_is_cut() -> None:
    mask = np.zeros((100, 80), bool)
    mask[30:50, 20:60] = True
    assert not cut_by_border(mask) and not cut_by_border(mask, (20, 10, 90, 70))
    for content in ((29, 10, 90, 70), (20, 19, 90, 70), (20, 10, 51, 70), (20, 10, 90, 61)):
        assert cut_by_border(mask, content)
    shifted = replace(make(BODY, 30), mask=mask)
    [found], _ = order_and_name([shifted], None, content=(29, 0, 100, 80))
    assert found.truncated
