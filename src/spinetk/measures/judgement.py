"""Which numbers not to trust at once: a verdict for each instance and for the whole result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinetk.measures.shape import ONLY_ONE, ONLY_PLATE
from spinetk.structures import BODY_KIND
from spinetk.study import UNSURE_SCORE, Judgement
from spinetk.warning import Warning

Row = Mapping[str, Any]
WRONG_NETWORK = ("other-modality-network", "several-patients")
"""Codes of warnings after which no number is to be used."""
OF_INSTANCES = ("low-quality", "low-score")
"""Codes of warnings that count what is told of each instance."""
NEIGHBOURS, FEWEST = 2, 2
"""Instances of a kind on either side that one is held against, and how many there must be."""
WIDTHS, HEIGHTS = (0.72, 1.4), (0.5, 1.7)
"""Shares of the neighbours' median beyond which a size stands out. A severe fracture is no error:
what is lower than half of its neighbours is."""
LEAST_APART, STEPS_AROUND = 0.55, 2
"""Of the usual distance to the next body, by so many steps on either side, below which one of two
is none: of 10,000 distances in reference outlines one is below (a neck's). A missing body is told
by `anatomy`."""
LEAST_FIT = 0.8
"""Of mask and fitted shape; good outlines have 0.9."""
LARGEST_LEAN = 30.0
"""Degrees between an end plate and its neighbours' mean."""
MOST_DOUBTFUL = 0.5
"""Share of bodies in doubt from which on the whole result is rejected."""


@dataclass(frozen=True)
class Verdict:
    """A judgement and its reasons, the weightiest first.

    Attributes:
        judgement: "ok"; "check": look before the numbers are used; "reject": do not use them.
    """

    judgement: Judgement = "ok"
    reasons: tuple[str, ...] = ()

    @classmethod
    def of(cls, rejected: Sequence[str], doubted: Sequence[str]) -> Verdict:
        """From reasons to reject and reasons to look."""
        judgement: Judgement = "reject" if rejected else "check" if doubted else "ok"
        return cls(judgement, (*rejected, *doubted))


def worse(one: Judgement, other: Judgement) -> Judgement:
    """The worse of two judgements.

    >>> worse("ok", "check")
    'check'
    """
    return max(one, other, key=("ok", "check", "reject").index)


def instance_verdicts(rows: Sequence[Row]) -> list[Verdict]:
    """A verdict for each row of the table of measurements (`table.measurements`)."""
    near = _too_near(rows)
    return [_of_instance(row, _around(row, rows), near.get(id(row))) for row in rows]


def _too_near(rows: Sequence[Row]) -> dict[int, float]:
    """The bodies that lie too near to the next one, by their `id`, and at which share of the usual
    distance."""
    bodies = sorted((r for r in rows if r["kind"] == BODY_KIND), key=lambda r: int(r["order"]))
    centres = np.array([_centre(row) for row in bodies]).reshape(-1, 2)
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    near: dict[int, float] = {}
    for place, step in enumerate(steps):
        before, after = steps[max(0, place - STEPS_AROUND) : place], steps[place + 1 :]
        around = [*before, *after[:STEPS_AROUND]]
        share = float(step) / max(float(np.median(around)), 1e-9) if len(around) >= FEWEST else 1.0
        if share < LEAST_APART:
            for row in bodies[place : place + 2]:
                near[id(row)] = min(share, near.get(id(row), 1.0))
    return near


def _centre(row: Row) -> tuple[float, float]:
    """Of its mask, in mm where they are known."""
    across, down = float(row["centroid_x_px"]), float(row["centroid_y_px"])
    return across * float(row["spacing_column_mm"] or 1), down * float(row["spacing_row_mm"] or 1)


def _around(row: Row, rows: Sequence[Row]) -> list[Row]:
    """The nearest of its kind on either side, S1 and C2 left out: they are of another shape."""
    same = [
        r
        for r in rows
        if r["kind"] == row["kind"] and r["level"] not in ONLY_PLATE and r is not row
    ]
    order = int(row["order"])
    return [r for r in same if abs(int(r["order"]) - order) <= NEIGHBOURS]


def _of_instance(row: Row, around: Sequence[Row], apart: float | None) -> Verdict:
    if row["truncated"]:
        return Verdict("reject", ("the border of the image cuts it",))
    doubts = []
    if row["poor"]:
        doubts.append("its outline is probably poor")
    score = float(row["score"])
    if 0 < score < UNSURE_SCORE:  # 0: a person's
        doubts.append(f"the network is unsure of it (score {score:.2f})")
    if apart is not None:
        doubts.append(f"it lies at {apart:.0%} of the usual distance from the next body")
    if row["level"] in ONLY_PLATE:
        if row[f"{ONLY_PLATE[row['level']]}_slope_deg"] is None:
            doubts.append(str(row["unmeasured"]))
        return Verdict.of((), doubts)
    if row["unmeasured"] == ONLY_ONE.format("upper"):  # S1 without its name
        return Verdict.of((), doubts)
    if row["unmeasured"]:
        doubts.append(str(row["unmeasured"]))
    elif float(row["shape_fit"]) < LEAST_FIT:
        doubts.append(f"it is hardly a block (fit {float(row['shape_fit']):.2f})")
    if row["ungraded"]:
        doubts.append(str(row["ungraded"]))
    unit = "px" if row["spacing_row_mm"] is None else "mm"  # pixels may not be square
    for name, column, (least, most) in (
        ("width", f"width_{unit}", WIDTHS),
        ("height", f"height_middle_{unit}", HEIGHTS),
    ):
        own, others = row[column], _known(around, column)
        if own is not None and len(others) >= FEWEST:
            share = float(own) / float(np.median(others))
            if not least <= share <= most:
                doubts.append(f"its {name} is {share:.0%} of its neighbours'")
    own, others = row["upper_slope_deg"], _known(around, "upper_slope_deg")
    if own is not None and row["kind"] == BODY_KIND and len(others) >= FEWEST:
        lean = abs(float(own) - float(np.mean(others)))
        if lean > LARGEST_LEAN:
            doubts.append(f"it leans {lean:.0f} degrees against its neighbours")
    return Verdict.of((), doubts)


def _known(rows: Sequence[Row], column: str) -> list[float]:
    return [float(r[column]) for r in rows if r[column] is not None]


def study_verdict(rows: Sequence[Row], warnings: Sequence[Warning]) -> Verdict:
    """The verdict on a whole result.

    What the border cuts is in no study's numbers and is no reason; notes (`Warning.severity`) are
    none either.

    Args:
        rows: of its instances, with their verdicts.
        warnings: of the result.
    """
    rejected = [w.text for w in warnings if w.code in WRONG_NETWORK]
    if not rows:
        rejected.append("nothing was found")
    whole = [row for row in rows if not row["truncated"] and row["verdict"] != "ok"]
    bodies = [r for r in rows if r["kind"] == BODY_KIND and not r["truncated"]]
    if not bodies and any(row["kind"] == BODY_KIND for row in rows):
        rejected.append("the border of the image cuts every body")
    doubtful = [row for row in whole if row["kind"] == BODY_KIND]
    if bodies and len(doubtful) > MOST_DOUBTFUL * len(bodies):
        rejected.append(f"{len(doubtful)} of {len(bodies)} bodies are in doubt")
    told = (*WRONG_NETWORK, *OF_INSTANCES)
    doubted = [w.text for w in warnings if w.severity == "check" and w.code not in told]
    doubted += [f"{_name(row)}: {row['reasons']}" for row in whole]
    return Verdict.of(rejected, doubted)


def _name(row: Row) -> str:
    kind = "body" if row["kind"] == BODY_KIND else "disc"
    return str(row["level"] or f"{kind} #{row['order']}")
