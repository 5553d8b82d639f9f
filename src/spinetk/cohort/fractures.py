"""New fractures between two studies, as far as heights tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spinetk.cohort.over_time import Change
from spinetk.structures import BODY_KIND

HEIGHTS = ("height_anterior", "height_middle", "height_posterior")
FRACTURE_SHARE, FRACTURE_MM = 0.20, 4.0
"""A height that falls by more than both is a new fracture (Black et al., Lancet 348 (1996) 1535).
"""


@dataclass(frozen=True)
class Fracture:
    """A body whose height fell by more than 20 % and 4 mm.

    Attributes:
        doubtful: its outline, or a whole result, is not `ok` at one of the times.
    """

    level: str
    measure: str
    earlier: float
    later: float
    doubtful: bool


def fractures(found: Sequence[Change], doubtful: bool = False) -> list[Fracture]:
    """Bodies that may have broken between the two times: the height that fell the most of each.

    Args:
        doubtful: one of the two results is.
    """
    worst: dict[str, Fracture] = {}
    for change in found:
        if change.measure not in HEIGHTS or change.structure != BODY_KIND or change.unit != "mm":
            continue
        lost = -change.change
        if lost > FRACTURE_MM and lost > FRACTURE_SHARE * change.earlier:
            known = worst.get(change.level)
            if known is None or lost > known.earlier - known.later:
                worst[change.level] = Fracture(
                    change.level, change.measure, change.earlier, change.later,
                    doubtful or change.doubtful,
                )  # fmt: skip
    return list(worst.values())
