import itertools

import numpy as np
import pytest

from spinetk.phantom.spine import NAMES, Block, build_spine


def test_bodies_stand_on_one_another_with_discs_between() -> None:
    spine = build_spine()
    assert [b.name for b in spine.bodies] == list(NAMES[:9])
    assert [d.name for d in spine.discs] == [
        f"{upper}-{lower}" for lower, upper in itertools.pairwise(NAMES[:9])
    ]
    heights = [b.centre[2] for b in spine.bodies]
    assert heights == sorted(heights)
    for lower, disc, upper in zip(spine.bodies, spine.discs, spine.bodies[1:], strict=False):
        assert lower.centre[2] < disc.centre[2] < upper.centre[2]


def test_a_block_contains_its_centre_and_not_what_is_beyond() -> None:
    block = Block("L3", (1.0, 2.0, 3.0), 0.0, depth=34.0, width=46.0, height=26.0)
    point = [np.array([v]) for v in block.centre]
    assert block.inside(*point).all()
    assert not block.inside(point[0], point[1], point[2] + 13.5).any()
    assert block.inside(point[0], point[1], point[2] + 12.5).all()
    assert not block.inside(point[0], point[1], point[2] + 12.5, shrink=1.0).any()


def test_a_fracture_lowers_the_front_of_its_level_alone() -> None:
    whole, broken = build_spine(), build_spine(fracture="L1")
    for one, other in zip(whole.bodies, broken.bodies, strict=True):
        if one.name == "L1":
            assert other.wedge == pytest.approx(0.4) and other.height < one.height
        else:
            assert (other.wedge, other.height) == (one.wedge, one.height)


def test_scoliosis_bends_to_the_side_it_is_told() -> None:
    sides = [b.centre[0] for b in build_spine(scoliosis_mm=20).bodies]
    assert max(sides) == pytest.approx(20, abs=1) and sides[0] == 0
    assert sides.index(max(sides)) == 3  # the apex is L3
