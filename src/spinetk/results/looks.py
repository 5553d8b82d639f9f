"""Who looked at which result, and what they decided: reviews.csv in the folder of results."""

from __future__ import annotations

import contextlib
import csv
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from spinetk.results.folders import cell_text, write_rows

FILE = "reviews.csv"
Decision = Literal["accept", "reject"]


@dataclass(frozen=True)
class Look:
    """What a person says of a result.

    Attributes:
        key: of the result, or of the corrected version that was looked at.
        decision: "accept" or "reject"; empty for a comment alone.
        when: ISO 8601.
    """

    key: str
    decision: Decision | Literal[""]
    who: str
    when: str
    comment: str


COLUMNS = tuple(Look.__annotations__)


def looks_in(results: Path) -> dict[str, Look]:
    """What was said, by key; nothing where the file is missing or is not as it is written here."""
    path = results / FILE
    if not path.is_file():
        return {}
    found = {}
    with (
        contextlib.suppress(csv.Error),
        path.open(newline="", encoding="utf-8", errors="replace") as stream,
    ):
        for row in csv.DictReader(stream):
            if all(isinstance(row.get(name), str) for name in COLUMNS):
                look = Look(**{name: cell_text(row[name]) for name in COLUMNS})  # type: ignore[arg-type]
                found[look.key] = look
    return found


def decisions_in(results: Path) -> dict[str, str]:
    """What was decided, by key; results of which nobody decided anything are not in it."""
    return {key: look.decision for key, look in looks_in(results).items() if look.decision}


def counts(verdict: str | None, decision: str) -> bool:
    """Whether a result counts in what is said of a cohort: a person's word goes before the verdict.

    Args:
        decision: "accept", "reject", or empty where nobody decided.

    >>> counts("reject", "accept"), counts("ok", "reject"), counts("check", "")
    (True, False, True)
    """
    return decision == "accept" or (decision != "reject" and verdict != "reject")


def write_look(results: Path, look: Look) -> None:
    """Write down what a person says in the place of what was said before of the same result."""
    known = looks_in(results)
    known.pop(look.key, None)
    write_rows(results / FILE, COLUMNS, map(asdict, [*known.values(), look]), owner_only=True)
