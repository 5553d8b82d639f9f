"""Angles between end plates far apart: lordosis, kyphosis, and the Cobb angle of a frontal film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from spinetk.measures.relations import Member
from spinetk.measures.shape import slope_of
from spinetk.structures import BODY_KIND
from spinetk.study import Judgement

LORDOSES = (("L1", "S1"), ("L1", "L5"), ("C2", "C7"))
KYPHOSES = (("T4", "T12"), ("T1", "T12"))
LEAST_BETWEEN = 2
"""Bodies between the two of a Cobb angle, itself included: neighbours make no curve."""


@dataclass(frozen=True)
class Angle:
    """One angle.

    Attributes:
        name: "lordosis", "kyphosis" or "cobb".
        upper, lower: the bodies: their levels, or "#" and the order from below.
        degrees: of a cobb angle without a sign.
        verdict: the worse one of its two bodies'.
    """

    name: str
    upper: str
    lower: str
    degrees: float
    verdict: Judgement = "ok"


def angles(
    members: Sequence[Member], spacing: tuple[float, float], *, frontal: bool
) -> list[Angle]:
    """What can be measured of the column.

    Lordosis is from the upper end plate of the upper body to the upper one of S1, or the lower one
    of another body (C2's is its lower one); kyphosis likewise with its sign turned. The Cobb angle
    (Cobb, Instructional Course Lectures 5 (1948) 261) is the largest between the upper end plate
    of one body and the lower one of a lower body.

    Args:
        frontal: the image is a frontal one: left and right are shown, not front and back.
    """
    bodies = [m for m in members if m.kind == BODY_KIND]
    if frontal:
        return _cobb(sorted(bodies, key=lambda m: -m.order), spacing)
    by_level = {m.level: m for m in bodies if m.level}
    found = []
    for name, pairs in (("lordosis", LORDOSES), ("kyphosis", KYPHOSES)):
        for upper, lower in pairs:
            if upper not in by_level or lower not in by_level:
                continue
            above = by_level[upper].points.lower if upper == "C2" else by_level[upper].points.upper
            below = by_level[lower].points.upper if lower == "S1" else by_level[lower].points.lower
            first, last = slope_of(above, spacing), slope_of(below, spacing)
            if first is not None and last is not None:
                degrees = first - last if name == "lordosis" else last - first
                found.append(Angle(name, upper, lower, degrees))
    return found


def _cobb(bodies: Sequence[Member], spacing: tuple[float, float]) -> list[Angle]:
    """The largest angle; bodies from above."""
    best: Angle | None = None
    for first, last in combinations(range(len(bodies)), 2):
        above = slope_of(bodies[first].points.upper, spacing)
        below = slope_of(bodies[last].points.lower, spacing)
        between = bodies[first].order - bodies[last].order
        if above is None or below is None or between < LEAST_BETWEEN:
            continue
        if best is None or abs(above - below) > best.degrees:
            best = Angle("cobb", _name(bodies[first]), _name(bodies[last]), abs(above - below))
    return [best] if best else []


def _name(body: Member) -> str:
    return body.level or f"#{body.order}"
