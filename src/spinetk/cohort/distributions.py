"""How each measure is spread over a cohort, by level, and what stands out: in two passes over the
table, with memory that does not grow with the number of results."""

from __future__ import annotations

import csv
import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spinetk.results.looks import judged
from spinetk.structures import BODY_LEVELS, DISC_LEVELS

SHOWN = ("area", "height_anterior", "height_middle", "height_posterior", "width", "wedge_ratio",
         "slip_percent", "segment_angle", "disc_height_index", "core_mean", "core_skewness",
         "lordosis", "kyphosis", "cobb")  # fmt: skip
"""Measures that a person looks at."""
KEPT = 2_000
"""Values of a measure at a level that the quartiles are told from: all of a small cohort, a random
sample of a large one."""
FEWEST = 8
"""Values that tell what is usual."""
FAR = 3.5
"""Robust standard deviations (1.4826 times the median distance from the median) from which on a
value stands out (Iglewicz and Hoaglin 1993)."""
MOST = 200
"""Of what stands out, so many are listed: the furthest."""
ORDER = {level: k for k, level in enumerate((*BODY_LEVELS, *DISC_LEVELS))}

OF_PICTURES = ("px", "px²")
"""Units of lengths that nobody knows the scale of: of unlike pictures they are no distribution."""

Place = tuple[str, str, str, str, str]
"""(measure, unit, modality, structure, level)."""


@dataclass
class Spread:
    """Values of one measure at one level.

    Attributes:
        count: of all values.
        sample: up to `KEPT` of them, each as likely as another.
    """

    count: int = 0
    sample: list[float] = field(default_factory=list)

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """25th, 50th and 75th percentile of the sample."""
        low, middle, high = np.percentile(self.sample, (25, 50, 75))
        return float(low), float(middle), float(high)

    @property
    def scale(self) -> float:
        """Robust standard deviation; 0 where more than half of the values are the same."""
        return 1.4826 * float(np.median(np.abs(np.array(self.sample) - self.quartiles[1])))


@dataclass(frozen=True, order=True)
class Outlier:
    """A value that stands out, `far` robust standard deviations from its level's median."""

    far: float
    result: str
    measure: str
    level: str
    value: float
    unit: str
    median: float


def spreads(table: Path, seed: int = 1) -> dict[Place, Spread]:
    """Of every measure that is shown, unit, modality, structure and level: its values. What the
    border cuts, results that are to be rejected, and lengths in pixels are left out.

    Args:
        table: measurements.csv.
    """
    rng = random.Random(seed)
    found: dict[Place, Spread] = {}
    for place, value, _ in _values(table):
        spread = found.setdefault(place, Spread())
        spread.count += 1
        if len(spread.sample) < KEPT:
            spread.sample.append(value)
        elif (slot := rng.randrange(spread.count)) < KEPT:
            spread.sample[slot] = value
    return dict(sorted(found.items(), key=lambda item: _order(item[0])))


def outliers(table: Path, found: dict[Place, Spread]) -> list[Outlier]:
    """What stands out, the furthest first."""
    usual = {
        place: (spread.quartiles[1], spread.scale)
        for place, spread in found.items()
        if spread.count >= FEWEST and spread.scale > 0
    }
    furthest: list[Outlier] = []
    for place, value, result in _values(table):
        if place not in usual:
            continue
        median, scale = usual[place]
        far = abs(value - median) / scale
        if far < FAR:
            continue
        outlier = Outlier(far, result, place[0], place[4], value, place[1], median)
        if len(furthest) < MOST:
            heapq.heappush(furthest, outlier)
        else:
            heapq.heappushpop(furthest, outlier)
    return sorted(furthest, reverse=True)


def _values(table: Path) -> Iterator[tuple[Place, float, str]]:
    with table.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            taken_for = judged(row["verdict"], row.get("decision", ""))  # type: ignore[arg-type]
            sound = row["truncated"] != "true" and taken_for != "reject"
            if row["measure"] in SHOWN and row["unit"] not in OF_PICTURES and sound:
                names = ("measure", "unit", "modality", "structure", "level")
                place: Place = tuple(row[name] for name in names)  # type: ignore[assignment]
                yield place, float(row["value"]), row["result"]


def _order(place: Place) -> tuple[int, str, str, str, int, str]:
    measure, unit, modality, structure, level = place
    return SHOWN.index(measure), unit, modality, structure, ORDER.get(level, len(ORDER)), level
