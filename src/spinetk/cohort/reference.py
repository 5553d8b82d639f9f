"""A reference group: how a measure is spread among people that somebody knows, by level, sex and
age, and where a new value lies in it.

    measurements.csv (with sex and age, where given) -> groups -> reference.json
    a result's values -> z-scores and percentiles

Nothing is shipped: a reference is as good as the people whom it was made of.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spinetk.atomic import whole_file
from spinetk.cohort.long_table import TABLE, Value
from spinetk.errors import UsageError
from spinetk.results.looks import judged

FORMAT = 1
PERCENTILES = (3, 5, 10, 25, 50, 75, 90, 95, 97)
FEWEST = 20
"""People of a group; of fewer there are no percentiles."""
TINY = 1e-9
"""A smaller share of the mean is no spread but rounding."""
DECADE = 10
EVERYBODY = "all"
SEX, AGE = ("sex", "gender", "patientsex"), ("age", "patientage")
"""What the columns may be called."""


@dataclass(frozen=True)
class Norm:
    """A measure of one level in one group.

    Attributes:
        percentiles: at `PERCENTILES`.
    """

    people: int
    mean: float
    sd: float
    percentiles: tuple[float, ...]


@dataclass(frozen=True)
class Reference:
    """A reference group.

    Attributes:
        about: who they are, in the words of whoever made it.
        norms: by group ("all", "F", "F 60-69"), then by what is measured (`measured_thing`).
    """

    about: str
    people: int
    networks: tuple[str, ...]
    norms: Mapping[str, Mapping[str, Norm]] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """Where a value lies in the reference group.

    Attributes:
        z: standard deviations from the group's mean; None where all have the same.
        percentile: share of the group with a smaller value, between the group's own percentiles;
            below 3 or above 97 these two.
    """

    level: str
    structure: str
    measure: str
    value: float
    unit: str
    group: str
    people: int
    z: float | None
    percentile: float


def measured_thing(value: Mapping[str, str] | Value) -> str:
    """What is held against what: modality, structure, level, measure and unit."""
    if isinstance(value, Value):
        value = {k: str(v) for k, v in asdict(value).items()}
    names = ("modality", "structure", "level", "measure", "unit")
    return " | ".join(value[name] for name in names)


def groups_of(sex: str, age: str) -> tuple[str, ...]:
    """The groups of a person, the closest first.

    >>> groups_of("f", "067Y"), groups_of("", "")
    (('F 60-69', 'F', 'all'), ('all',))
    """
    letter = sex.strip().upper()[:1]
    number = re.match(r"\s*0*([0-9]{1,3})(?:[.,][0-9]+)?\s*Y?\s*$", age.upper())
    if letter not in ("F", "M"):
        return (EVERYBODY,)
    if number is None:
        return letter, EVERYBODY
    first = int(number[1]) // DECADE * DECADE
    return f"{letter} {first}-{first + DECADE - 1}", letter, EVERYBODY


def build(out: Path, about: str) -> Reference:
    """A reference group of the results in a folder, of which `spinetk gather` wrote the table: with
    `--participants` the columns sex and age make groups.

    What the border cuts, instances that are not `ok`, results that are to be rejected and
    structures without a level are left out. Of a person with several results each counts.

    Raises:
        UsageError: there is no table, or it holds too few people.
    """
    table = out / TABLE
    if not table.is_file():
        raise UsageError("holds no measurements.csv: run spinetk gather first", out)
    values: dict[tuple[str, str], list[float]] = {}
    people: set[str] = set()
    try:
        for row, groups in _usable(table):
            people.add(row["result"])
            for group in groups:
                values.setdefault((group, measured_thing(row)), []).append(float(row["value"]))
        networks = _networks(out)
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise UsageError("is not as spinetk gather writes it", table) from error
    norms: dict[str, dict[str, Norm]] = {}
    for (group, thing), own in values.items():
        if len(own) >= FEWEST:
            norms.setdefault(group, {})[thing] = Norm(
                len(own),
                float(np.mean(own)),
                float(np.std(own, ddof=1)),
                tuple(float(v) for v in np.percentile(own, PERCENTILES)),
            )
    if not norms:
        text = f"holds no measure of {FEWEST} people or more: {len(people)} can be used"
        raise UsageError(f"{text} (not what is to be checked, cut, or without a level)", table)
    return Reference(about, len(people), networks, norms)


def write_reference(path: Path, reference: Reference) -> None:
    """Write it as JSON."""
    content = {"format": FORMAT, "percentiles": PERCENTILES, **asdict(reference)}
    with whole_file(path) as partial:
        partial.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read_reference(path: Path) -> Reference:
    """Read what `write_reference` wrote.

    Raises:
        UsageError: it is something else.
    """
    try:
        if not path.is_file():  # a pipe would be waited for
            raise FileNotFoundError
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or tuple(content["percentiles"]) != PERCENTILES:
            raise ValueError("another version")
        if not np.isfinite([float(v) for v in _numbers(content["norms"])]).all():
            raise ValueError("no numbers")
        norms = {
            str(group): {
                str(thing): Norm(
                    int(norm["people"]),
                    float(norm["mean"]),
                    float(norm["sd"]),
                    _nine(norm["percentiles"]),
                )
                for thing, norm in things.items()
            }
            for group, things in content["norms"].items()
        }
        networks = tuple(map(str, content["networks"]))
        return Reference(str(content["about"]), int(content["people"]), networks, norms)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError("is no reference group of SpineTK", path) from error


def _numbers(norms: Mapping[str, Any]) -> Iterator[Any]:
    for things in norms.values():
        for norm in things.values():
            yield from (norm["mean"], norm["sd"], *norm["percentiles"])


def _nine(values: Sequence[Any]) -> tuple[float, ...]:
    found = tuple(map(float, values))
    if len(found) != len(PERCENTILES):
        raise ValueError("percentiles are missing")
    return found


def standings(
    values: Iterable[Value], reference: Reference, groups: tuple[str, ...]
) -> list[Standing]:
    """Where the values of a result lie, each in the closest group that has enough people.

    Args:
        groups: of the person, as `groups_of` gives them.
    """
    out = []
    for value in values:
        thing = measured_thing(value)
        group = next((g for g in groups if thing in reference.norms.get(g, {})), None)
        if group is None or value.truncated:
            continue
        norm = reference.norms[group][thing]
        share = float(np.interp(value.value, norm.percentiles, PERCENTILES))
        spread = norm.sd > TINY * abs(norm.mean)
        out.append(
            Standing(
                level=value.level,
                structure=value.structure,
                measure=value.measure,
                value=value.value,
                unit=value.unit,
                group=group,
                people=norm.people,
                z=(value.value - norm.mean) / norm.sd if spread else None,
                percentile=share,
            )
        )
    return out


def _usable(table: Path) -> Iterator[tuple[dict[str, str], tuple[str, ...]]]:
    with table.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        names = {name.lower(): name for name in rows.fieldnames or ()}
        sex, age = (next((names[n] for n in known if n in names), "") for known in (SEX, AGE))
        for row in rows:
            sound = row["truncated"] != "true" and row["of_instance"] in ("ok", "")
            taken_for = judged(row["verdict"], row.get("decision", ""))  # type: ignore[arg-type]
            if sound and row["level"] and taken_for != "reject":
                yield row, groups_of(row.get(sex) or "", row.get(age) or "")


def _networks(out: Path) -> tuple[str, ...]:
    path = out / "summary.csv"
    if not path.is_file():
        return ()
    with path.open(newline="", encoding="utf-8") as stream:
        return tuple(sorted({row["model"] for row in csv.DictReader(stream)}))
