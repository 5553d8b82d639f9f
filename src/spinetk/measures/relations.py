"""What a body or a disc is in comparison with its neighbours: fracture grade, slip, angles.

Slopes are degrees by which an end plate falls from front to back; of two end plates the difference
is positive where they open to the front (lordosis).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spinetk.measures.shape import Outline, slope_of
from spinetk.structures import BODY_KIND, BODY_LEVELS, DISC_LEVELS

NEIGHBOURS, FEWEST, REACH = 3, 3, 6
"""Bodies above, and as many below, whose heights tell what is to be expected; so many must be
measured; none is further away than the last."""
GROWTH = 0.04
"""Share of its height by which a body differs from the next one at most, unless one is deformed."""
GRADED = BODY_LEVELS[BODY_LEVELS.index("T4") : BODY_LEVELS.index("L5")]
"""Bodies that Genant's grades are of."""
GRADES = (0.20, 0.25, 0.40)
"""Losses of height from which on a fracture is mild, moderate, severe."""
WEDGED, BICONCAVE = 0.80, 0.70
"""Of its own posterior height, what a body is below in front or in the middle that is no measure
for others. (Sound end plates are hollow: a tenth of the height is usual in the middle.)"""
TALLER, SPARE = 1.25, 0.15
"""A body that is so many times as high as another everywhere, and by the second more than bodies
grow between them, contradicts that this one is sound."""
FEWEST_HIGHER, ALIKE = 2, 0.05
NO_MEASURE = "its neighbours are no measure: no fracture grade can be told"
TOO_HIGH = "it is a quarter higher than all others around it"


@dataclass(frozen=True)
class Member:
    """One instance of a column.

    Attributes:
        centre: (x, y) of its mask, pixels of the upright slice.
    """

    kind: str
    level: str | None
    order: int
    centre: tuple[float, float]
    points: Outline


@dataclass(frozen=True)
class Relations:
    """Of one instance; None where a neighbour or a point is missing, and of the other class.

    Attributes:
        wedge_ratio, biconcave_ratio: anterior and middle height over the posterior one.
        crush_ratio: posterior height over what is expected from the bodies around.
        genant_grade: 0 none, 1 mild, 2 moderate, 3 severe loss of height against that.
        ungraded: why there is no grade though bodies around it are measured, else empty.
        slip, slip_percent: of a body to the front against the one below it, in units of the
            spacing and of the length of that one's upper end plate (Taillard).
        segment_angle: degrees between the end plates above and below a disc.
        disc_height_index: mean height of a disc over that of the bodies beside it.
    """

    wedge_ratio: float | None = None
    biconcave_ratio: float | None = None
    crush_ratio: float | None = None
    genant_grade: int | None = None
    ungraded: str = ""
    slip: float | None = None
    slip_percent: float | None = None
    segment_angle: float | None = None
    disc_height_index: float | None = None


def relations(
    members: Sequence[Member], gaps: Collection[int], spacing: tuple[float, float]
) -> list[Relations]:
    """Relations of every member, in their order.

    Args:
        gaps: places k, bodies counted from below from 0, where one is missing between k and k + 1.
        spacing: (row, column) in mm, or pixels' ratio.
    """
    bodies = sorted((m for m in members if m.kind == BODY_KIND), key=lambda m: m.order)
    runs = _runs(bodies, gaps)
    of: dict[int, Relations] = {}
    for run in runs:
        for place, body in enumerate(run):
            of[id(body)] = _of_body(run, place, spacing)
    pairs = [pair for run in runs for pair in pairwise(run)]
    for disc in (m for m in members if m.kind != BODY_KIND):
        beside = _beside(disc, pairs)
        of[id(disc)] = _of_disc(disc, *beside, spacing) if beside else Relations()
    return [of[id(member)] for member in members]


def _runs(bodies: Sequence[Member], gaps: Collection[int]) -> list[list[Member]]:
    """Bodies from below, parted where one is missing between them."""
    runs = [list(bodies[:1])]
    for place, (below, body) in enumerate(pairwise(bodies)):
        named = below.level and body.level
        if place in gaps or (named and f"{body.level}-{below.level}" not in DISC_LEVELS):
            runs.append([])
        runs[-1].append(body)
    return runs


def _heights(member: Member, spacing: tuple[float, float]) -> NDArray[np.float64] | None:
    """Height at the front corners, in the middle and at the back corners, as the published ratios
    and grades have it."""
    points = member.points
    if points.upper is None or points.lower is None:
        return None
    apart = (points.upper - points.lower)[[0, 2, 4]] * [spacing[1], spacing[0]]
    return np.asarray(np.linalg.norm(apart, axis=1))


Heights = dict[int, NDArray[np.float64]]
"""Of the bodies around one, by how many places they are above it."""


def _measured(run: Sequence[Member], place: int, spacing: tuple[float, float]) -> Heights:
    """Of those that are near enough to say anything of the body."""
    near = range(max(0, place - REACH), min(len(run), place + REACH + 1))
    return {
        k - place: h for k in near if k != place and (h := _heights(run[k], spacing)) is not None
    }


def _is_block(size: NDArray[np.float64]) -> bool:
    """Whether a body is neither a wedge nor biconcave."""
    return bool(size[0] >= WEDGED * size[2] and size[1] >= BICONCAVE * size[2])


def _nearest(measured: Heights) -> Heights:
    """Those that tell what is to be expected: the nearest blocks, where these are enough; else the
    nearest, whatever they are."""
    blocks = {step: h for step, h in measured.items() if _is_block(h)}
    if len(blocks) < FEWEST:
        return {step: h for step, h in measured.items() if abs(step) <= NEIGHBOURS}
    above = sorted(step for step in blocks if step > 0)[:NEIGHBOURS]
    below = sorted(step for step in blocks if step < 0)[-NEIGHBOURS:]
    return {step: blocks[step] for step in (*below, *above)}


def _expected(around: Heights) -> NDArray[np.float64] | None:
    """Heights of a body by the trend of those around it: bodies grow towards the feet. The trend is
    the median of the slopes of all pairs (Theil and Sen), within what bodies grow by, so that one
    that is fractured bends it little, at the end of a column too; None where too few are
    measured."""
    if len(around) < FEWEST:
        return None
    at, sizes = np.array(list(around)), np.array(list(around.values()))
    first, last = np.triu_indices(len(at), k=1)
    slopes = (sizes[last] - sizes[first]) / (at[last] - at[first])[:, None]
    most = GROWTH * np.median(sizes, axis=0)
    growth = np.clip(np.median(slopes, axis=0), -most, most)
    return np.asarray(np.median(sizes - growth * at[:, None], axis=0))


def _higher(size: NDArray[np.float64], measured: Heights) -> list[int]:
    """Places of the bodies that are a quarter higher than one everywhere, and by more than bodies
    grow between them."""
    return [
        step for step, other in measured.items()
        if bool((other > max(TALLER, (1 + GROWTH) ** -step + SPARE) * size).all())
    ]  # fmt: skip


def _ungraded(size: NDArray[np.float64], measured: Heights) -> str:
    """Why nobody can say that a body has lost nothing; empty where it is one of many that are
    alike.

    Several higher ones: fractures side by side are each other's measure. One alone that is higher
    than all others, or a body that is none of the blocks where too few are, is itself in doubt.
    """
    if len(_higher(size, measured)) >= FEWEST_HIGHER:
        return NO_MEASURE
    if not _is_block(size) and sum(map(_is_block, measured.values())) < FEWEST:
        return NO_MEASURE
    near = all(
        _higher(other, {-step: size}) for step, other in measured.items() if abs(step) <= NEIGHBOURS
    )
    alike = any(
        bool((size < (1 + GROWTH) ** max(0, step) * (1 + ALIKE) * other).any())
        for step, other in measured.items()
    )
    return TOO_HIGH if near and not alike else ""


def _of_body(run: list[Member], place: int, spacing: tuple[float, float]) -> Relations:
    body = run[place]
    slip, percent = _slip(body, run[place - 1], spacing) if place else (None, None)
    slipped = Relations(slip=slip, slip_percent=percent)
    size = _heights(body, spacing)
    if size is None:
        return slipped
    measured = _measured(run, place, spacing)
    expected = _expected(_nearest(measured))
    crush = None if expected is None else float(size[2] / expected[2])
    grade, why = None, ""
    if expected is not None and body.level in GRADED:
        grade = int(np.searchsorted(GRADES, float((1 - size / expected).max()), side="right"))
        why = _ungraded(size, measured) if grade == 0 else ""
        if why:
            grade, crush = None, None
    return replace(
        slipped,
        wedge_ratio=float(size[0] / size[2]),
        biconcave_ratio=float(size[1] / size[2]),
        crush_ratio=None if crush is not None and crush > TALLER else crush,
        genant_grade=grade,
        ungraded=why,
    )


def _slip(
    upper: Member, lower: Member, spacing: tuple[float, float]
) -> tuple[float | None, float | None]:
    """How far the upper body's lower back corner lies in front of the lower body's upper one, along
    that one's end plate, and as a share of its length in per cent."""
    if upper.points.lower is None or lower.points.upper is None:
        return None, None
    scale = np.array([spacing[1], spacing[0]])
    front, back = lower.points.upper[[0, 4]] * scale
    length = float(np.linalg.norm(back - front))
    other = upper.points.lower[4] * scale
    slip = float((back - other) @ (back - front)) / length
    return slip, 100 * slip / length


def _beside(disc: Member, pairs: list[tuple[Member, Member]]) -> tuple[Member, Member] | None:
    """The bodies below and above a disc: by its name, or between which it lies."""
    for lower, upper in pairs:
        if disc.level is not None and upper.level and lower.level:
            if disc.level == f"{upper.level}-{lower.level}":
                return lower, upper
        elif upper.centre[1] < disc.centre[1] < lower.centre[1]:
            return lower, upper
    return None


def _of_disc(disc: Member, lower: Member, upper: Member, spacing: tuple[float, float]) -> Relations:
    above, below = (slope_of(plate, spacing) for plate in (upper.points.lower, lower.points.upper))
    angle = None if above is None or below is None else above - below
    own, *others = (_heights(member, spacing) for member in (disc, lower, upper))
    # below L5-S1 there is one plate only
    enough = 1 if disc.level is not None and disc.level.endswith("-S1") else 2
    known = [h.mean() for h in others if h is not None]
    index = None if own is None or len(known) < enough else float(own.mean() / np.mean(known))
    return Relations(segment_angle=angle, disc_height_index=index)
