"""One person's studies held against each other: which body is which, what changed, and whether by
more than chance.

    results, earliest first -> structures matched -> changes of each measure
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spinetk.cohort.long_table import Value, values_of
from spinetk.cohort.of_network import figures_of
from spinetk.cohort.study_date import study_date
from spinetk.errors import SpineError, UsageError
from spinetk.results.looks import judged, look_of
from spinetk.results.record import Record, whole_record
from spinetk.structures import BODY_KIND

COMPARED = ("height_anterior", "height_middle", "height_posterior", "width", "area", "wedge_ratio",
            "biconcave_ratio", "slip", "slip_percent", "segment_angle", "disc_height_index",
            "core_mean", "core_skewness", "lordosis", "kyphosis", "cobb")  # fmt: skip
SIZED = ("height_anterior", "height_middle", "height_posterior", "width", "area",
         "disc_height_index")  # fmt: skip
BY_LEVEL, BY_SHAPE = "level", "shape"
FEWEST_SHARED = 3
"""Bodies that two studies must share to be matched by their shapes."""
BETTER = 0.8
"""The best alignment of two columns differs by less than this share of the next best; else nobody
knows which body is which."""
SCALE = 0.1
"""A body's size differs by about this share between levels."""

Structure = tuple[str, str]
"""(kind, level), or with "#" and the order where the level is not known."""


@dataclass(frozen=True)
class TimePoint:
    """A result of one study.

    Attributes:
        name: what it is called: its folder, with the one that it lies in.
        values: by structure and measure.
        doubtful: the result is not `ok`, by its verdict or a person's word.
        date: of the study (ISO 8601), as the result's own DICOM files have it; empty without any.
    """

    folder: Path
    record: Record
    values: Mapping[Structure, Mapping[str, Value]]
    doubtful: bool
    date: str

    @property
    def name(self) -> str:
        """The last two parts of the folder's path."""
        return "/".join(self.folder.absolute().parts[-2:])


@dataclass(frozen=True)
class Change:
    """A measure of one structure at two times.

    Attributes:
        matched: "level" or "shape": how it is known that it is the same structure.
        least: least detectable change, as the network was evaluated; None where it was not.
        detectable: whether the change is larger; None where that is not known.
        doubtful: one of the two instances is not `ok`.
    """

    level: str
    structure: str
    measure: str
    unit: str
    earlier: float
    later: float
    matched: str
    least: float | None
    doubtful: bool

    @property
    def change(self) -> float:
        """Later less earlier."""
        return self.later - self.earlier

    @property
    def percent(self) -> float | None:
        """Of the earlier value, of what has a natural zero; a slip or an angle has none."""
        sized = self.measure in SIZED and self.earlier > 0
        return 100 * self.change / self.earlier if sized else None

    @property
    def detectable(self) -> bool | None:
        """Whether chance alone hardly explains it."""
        return None if self.least is None else abs(self.change) > self.least


def time_point(folder: Path) -> TimePoint:
    """Read a result; of a folder that holds a single one, that.

    Raises:
        UsageError: there is none, or several.
    """
    folder = folder.resolve()
    record = whole_record(folder) if folder.is_dir() else None
    if record is None:
        below = sorted(folder.iterdir()) if folder.is_dir() else []
        inside = [path for path in below if whole_record(path)]
        if len(inside) != 1:
            found = f"holds {len(inside)} results" if inside else "is no result"
            raise UsageError(f"{found}: name the folder of one (with its run.json)", folder)
        [folder] = inside
        record = whole_record(folder)
        assert record is not None
    values: dict[Structure, dict[str, Value]] = {}
    for value in values_of(folder, record):
        name = value.level or f"#{value.order}"
        if not value.truncated:
            values.setdefault((value.structure, name), {})[value.measure] = value
    if not values:
        raise UsageError("holds no measurements: it was written without CSV", folder)
    look = look_of(folder.parent, folder.name)
    taken_for = judged(record.verdict, look.decision if look else "")
    return TimePoint(folder, record, values, taken_for in ("check", "reject"), study_date(folder))


def changes(earlier: TimePoint, later: TimePoint) -> list[Change]:
    """Every measure that both times have of the same structure, in the same unit.

    Raises:
        UsageError: they are of different modalities.
        SpineError: nobody knows which body is which.
    """
    kinds = [point.record.modality for point in (earlier, later)]
    if kinds[0] != kinds[1]:
        text = f"{later.name} is {kinds[1] or 'of no known modality'}, not {kinds[0]}: they differ"
        raise UsageError(text, earlier.name)
    out = []
    least = figures_of(later.record.model, "least_change")
    for one, other, matched in matches(earlier, later):
        before, after = earlier.values[one], later.values[other]
        for measure in COMPARED:
            if measure not in before or measure not in after:
                continue
            a, b = before[measure], after[measure]
            if a.unit != b.unit:
                continue
            out.append(
                Change(
                    level=one[1] if not one[1].startswith("#") else other[1],
                    structure=one[0],
                    measure=measure,
                    unit=a.unit,
                    earlier=a.value,
                    later=b.value,
                    matched=matched,
                    least=least.get(one[0], {}).get(measure, {}).get(a.unit),
                    doubtful={a.of_instance, b.of_instance} - {"ok", ""} != set(),
                )
            )
    if not out:
        text = "have no structure that is known in both: name one with --anchor and segment again"
        raise SpineError(text, f"{earlier.name} and {later.name}")
    return out


def matches(earlier: TimePoint, later: TimePoint) -> list[tuple[Structure, Structure, str]]:
    """Structures that are the same: by their levels, or where one study names none by the sizes of
    its bodies along the column."""
    same = [(s, s, BY_LEVEL) for s in earlier.values if s in later.values and not _unnamed(s)]
    if any(structure[0] == BODY_KIND for structure, _, _ in same):
        return same
    offset = _offset(earlier, later)
    if offset is None:
        return same
    orders = {_order(later, s): s for s in later.values if s[0] == BODY_KIND}
    pairs = [
        (s, orders[_order(earlier, s) + offset], BY_SHAPE)
        for s in earlier.values
        if s[0] == BODY_KIND and _order(earlier, s) + offset in orders
    ]
    return [*same, *pairs]


def _unnamed(structure: Structure) -> bool:
    return structure[1].startswith("#")


def _order(point: TimePoint, structure: Structure) -> int:
    """Place of a body from below."""
    value = next(iter(point.values[structure].values()))
    return int(value.order or 0)


def _offset(earlier: TimePoint, later: TimePoint) -> int | None:
    """By how many places the later study's bodies are counted differently; None where the sizes do
    not tell."""
    first, second = _sizes(earlier), _sizes(later)
    scores: dict[int, float] = {}
    for offset in range(-len(first), len(second) + 1):
        shared = [(first[k], second[k + offset]) for k in first if k + offset in second]
        if len(shared) >= min(FEWEST_SHARED, len(first), len(second)) and len(shared) > 1:
            away = np.array([np.log(a / b) for a, b in shared]) / SCALE
            # columns that overlap more are held together by more
            scores[offset] = float(np.sqrt(np.mean(away**2))) + 2.0 / len(shared)
    ranked = sorted(scores, key=scores.__getitem__)
    if not ranked:
        return None
    if len(ranked) > 1 and scores[ranked[0]] > BETTER * scores[ranked[1]]:
        return None
    return ranked[0]


def _sizes(point: TimePoint) -> dict[int, np.ndarray[Any, np.dtype[np.float64]]]:
    """Middle height, width and root of the area of each body, by its order."""
    sizes = {}
    for structure, values in point.values.items():
        known = all(name in values for name in ("height_middle", "width", "area"))
        if structure[0] == BODY_KIND and known:
            sizes[_order(point, structure)] = np.array(
                [
                    values["height_middle"].value,
                    values["width"].value,
                    float(np.sqrt(values["area"].value)),
                ]
            )
    return sizes
