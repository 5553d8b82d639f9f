from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinetk.errors import UsageError
from spinetk.results.record import read_record
from spinetk.server.editing import Marked
from spinetk.server.review import (
    Review,
    all_named,
    as_mask,
    as_segmentation,
    described,
    open_review,
    with_open_level,
)
from spinetk.structures import BODY_KIND, DISC_KIND
from spinetk.study import Segmentation


@pytest.fixture
def review(written: Path, phantom_result: Segmentation) -> Review:
    return open_review(written, read_record(written), phantom_result.series)


def test_the_page_sees_the_result_upright_and_it_comes_back(
    review: Review, phantom_result: Segmentation
) -> None:
    again = as_segmentation(review, review.marked)
    for one, other in zip(again.instances, phantom_result.instances, strict=True):
        assert (one.mask == other.mask).all()
        assert (one.order, one.level, one.truncated) == (other.order, other.level, other.truncated)


def test_what_the_network_says_holds_for_its_own_outlines_and_names_only(review: Review) -> None:
    first, second, third, *rest = review.marked
    cut = first.mask.copy()
    cut[np.flatnonzero(cut.any(1))[0]] = False
    changed = [replace(first, mask=cut), replace(second, level="L4"), third, *rest]
    redrawn, renamed, kept, *_ = as_segmentation(review, changed).instances
    originals = review.result.instances
    assert redrawn.quality is None and redrawn.level_confidence is None
    assert renamed.quality == originals[1].quality is not None
    assert renamed.level_confidence is None
    assert (kept.quality, kept.quality_low) == (originals[2].quality, originals[2].quality_low)
    assert kept.level_confidence == originals[2].level_confidence is not None


def test_measures_are_those_of_the_table(review: Review) -> None:
    shown = described(review, review.marked)
    assert len(shown) == len(review.marked) and described(review, []) == []
    for mark, item in zip(shown, review.marked, strict=True):
        assert mark.measures["area_px"] == int(item.mask.sum())
        assert (as_mask(review, mark.rle.model_dump()) == item.mask).all()


def test_masks_of_another_size_are_refused(review: Review) -> None:
    assert not as_mask(review, None).any()
    with pytest.raises(ValueError, match="against"):
        as_mask(review, {"size": [3, 3], "counts": "9"})


def test_all_levels_follow_from_one(review: Review) -> None:
    bodies = [item for item in review.marked if item.kind == BODY_KIND]
    place = review.marked.index(bodies[1])
    marked = [
        Marked(m.id, m.kind, "L5" if k == place else None, m.mask, m.score)
        for k, m in enumerate(review.marked)
    ]
    named = [m.level for m in all_named(marked, place, None) if m.kind == BODY_KIND]
    assert named[:4] == ["S1", "L5", "L4", "L3"]
    with pytest.raises(UsageError, match="choose a vertebral body"):
        all_named(marked, 0, None)
    empty = Marked("new", BODY_KIND, "L5", np.zeros(review.view.shape, bool), None)
    with pytest.raises(UsageError, match="choose a vertebral body"):
        all_named([*marked, empty], len(marked), None)


@pytest.mark.parametrize(
    ("gone", "kind", "level"),
    [
        ("L3", BODY_KIND, "L3"),
        ("L2-L3", DISC_KIND, "L2-L3"),
        ("S1", BODY_KIND, "S1"),
        ("L5", BODY_KIND, "L5"),
    ],
)
def test_what_is_added_has_the_level_that_lies_open(
    gone: str, kind: str, level: str, review: Review
) -> None:
    marked = [replace(m, level=None) if m.level == gone else m for m in review.marked]
    place = next(k for k, m in enumerate(review.marked) if m.level == gone)
    assert marked[place].kind == kind
    assert with_open_level(marked, place)[place].level == level
    # of two at one place none takes the other's name, and nobody's neighbours tell nothing
    twice = [*review.marked, replace(review.marked[place], id="new", level=None)]
    assert with_open_level(twice, len(twice) - 1)[-1].level is None
    bare = [replace(m, level=None) for m in review.marked]
    assert with_open_level(bare, place)[place].level is None
    alone = [marked[place]]
    assert with_open_level(alone, 0)[0].level is None
