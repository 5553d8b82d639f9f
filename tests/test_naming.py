import numpy as np
import pytest

from spinetk.naming import name_column
from spinetk.structures import BODY_LEVELS


def seen(*levels: str | None, share: float = 0.5) -> np.ndarray:
    """Evidence for each body that gives its level so much, and nothing for None."""
    count = len(BODY_LEVELS)
    out = np.full((len(levels), count), 1 / count)
    for row, level in zip(out, levels, strict=True):
        if level is not None:
            row[:] = (1 - share) / (count - 1)
            row[BODY_LEVELS.index(level)] = share
    return np.log(out)


def test_bodies_of_no_look_are_named_by_the_others() -> None:
    naming = name_column(seen("S1", None, None, "L3", None))
    assert naming.levels == ("S1", "L5", "L4", "L3", "L2") and naming.confidence > 0.8


def test_one_body_that_looks_like_another_is_outvoted() -> None:
    naming = name_column(seen("L4", "L4", "L3", "L2"))
    assert naming.levels == ("L5", "L4", "L3", "L2")


def test_contradictions_lower_the_confidence() -> None:
    agreed = name_column(seen("L5", "L4", "L3", "L2"))
    divided = name_column(seen("L5", "L4", "L2", "L1"))
    assert divided.confidence < agreed.confidence - 0.1
    assert name_column(seen(None, None)).confidence < 0.1


def test_evidence_of_less_weight_is_believed_less() -> None:
    column = seen("L5", "L4", "L3")
    assert name_column(column, 0.3).confidence < name_column(column, 1.0).confidence


@pytest.mark.parametrize(
    "levels",
    [
        ("S1", "L6", "L5", "L4"),
        ("S1", "L4", "L3", "L2"),
        ("L2", "L1", "T13", "T12"),
        ("L2", "L1", "T11", "T10"),
        ("T2", "T1", "C7", "C6", "C5", "C4", "C3", "C2"),
    ],
)
def test_spines_with_a_body_more_or_less_are_possible(levels: tuple[str, ...]) -> None:
    assert name_column(seen(*levels, share=0.9)).levels == levels


def test_a_level_is_left_out_where_the_column_shows_a_gap() -> None:
    bodies = seen("L5", "L4", "L2", "L1")
    assert name_column(bodies, gaps={1}).levels == ("L5", "L4", "L2", "L1")
    assert name_column(bodies, gaps={1}).confidence > name_column(bodies).confidence


def test_confidence_is_the_share_among_all_namings() -> None:
    """Held against an enumeration of every chain of three bodies."""
    from itertools import product

    from spinetk import naming

    evidence = seen("L1", "T12", None, share=0.4)
    steps = naming._STEPS[False]
    scores = {
        path: sum(evidence[k, level] for k, level in enumerate(path))
        - naming._START[path[0]]
        - steps[path[0], path[1]]
        - steps[path[1], path[2]]
        for path in product(range(len(BODY_LEVELS)), repeat=3)
    }
    best = max(scores, key=scores.__getitem__)
    found = name_column(evidence)
    assert found.levels == tuple(BODY_LEVELS[k] for k in best)
    whole = np.logaddexp.reduce(list(scores.values()))
    assert found.confidence == pytest.approx(np.exp(scores[best] - whole), rel=1e-9)
