"""Levels of a column of bodies: the cheapest path through what the network sees in each of them.

A body's own look tells its level roughly, its place among the others exactly: from one body to the
next the level moves by one, so that a column has few possible namings, and each body is a witness
to all of them. The form of VERIDAH (Moeller et al. 2025) and of Sekuboyina et al. 2021, without
their learned parts.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinetk.structures import BODY_LEVELS, DISC_LEVELS, VARIANTS

VARIANT_COST = 3.5
"""Of a variant, and of a spine that has one body less, as a natural logarithm: one in thirty."""
GAP_COST = 4.0
"""Of a step that leaves a level out where the column shows no gap, or none where it shows one."""
IMPOSSIBLE = 1e3


@dataclass(frozen=True)
class Naming:
    """A column's levels.

    Attributes:
        levels: of each body, from below upwards.
        confidence: 0..1, the share of this naming among all possible ones.
    """

    levels: tuple[str, ...]
    confidence: float


@dataclass(frozen=True)
class NamingRule:
    """How a network's evidence is used, as measured on patients that it never saw.

    Attributes:
        weight: of each body's evidence: less than 1, since neighbours tell the same story.
        bound: a naming of less confidence is not given.
    """

    weight: float
    bound: float


def name_column(
    evidence: NDArray[np.floating], weight: float = 1.0, gaps: Collection[int] = ()
) -> Naming:
    """The likeliest naming of a column.

    Args:
        evidence: [N, 27], log probability of each of `BODY_LEVELS` for N bodies, from below
            upwards; N is at least 1.
        weight: of the evidence.
        gaps: k where a body seems to be missing between bodies k and k + 1.

    >>> sure = np.log(np.full((3, 27), 0.01))
    >>> sure[0, BODY_LEVELS.index("L5")] = 0.0
    >>> name_column(sure).levels
    ('L5', 'L4', 'L3')
    """
    own = np.asarray(evidence, dtype=np.float64) * weight
    steps = [_STEPS[k in gaps] for k in range(len(own) - 1)]
    best = whole = own[0] - _START
    back = []
    for k, step in enumerate(steps):
        ways = best[:, None] - step  # from the lower body's level to the upper one's
        back.append(ways.argmax(axis=0))
        best = ways.max(axis=0) + own[k + 1]
        whole = np.logaddexp.reduce(whole[:, None] - step, axis=0) + own[k + 1]
    place = int(best.argmax())
    confidence = float(np.exp(best[place] - np.logaddexp.reduce(whole)))
    path = [place]
    for came_from in reversed(back):
        path.append(int(came_from[path[-1]]))
    return Naming(tuple(BODY_LEVELS[p] for p in reversed(path)), confidence)


def _step_costs(gap: bool) -> NDArray[np.float64]:
    """Cost of the step from a body (row) to the next one above it (column)."""
    count = len(BODY_LEVELS)
    pairs = [disc.split("-") for disc in DISC_LEVELS]
    near = np.full((count, count), IMPOSSIBLE)
    for upper, lower in pairs:
        rare = upper in VARIANTS or (upper, lower) in (("T11", "L1"), ("L4", "S1"))
        near[BODY_LEVELS.index(lower), BODY_LEVELS.index(upper)] = VARIANT_COST if rare else 0.0
    # one level left out: two steps through any level between
    far = (near[:, :, None] + near[None]).min(axis=1)
    cost: NDArray[np.float64] = np.minimum(near + GAP_COST * gap, far + GAP_COST * (not gap))
    return cost.clip(max=IMPOSSIBLE)


_STEPS = {False: _step_costs(False), True: _step_costs(True)}
_START = np.array([VARIANT_COST * (level in VARIANTS) for level in BODY_LEVELS])
