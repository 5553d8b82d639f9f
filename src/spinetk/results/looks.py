"""Who looked at which result, and what they decided: reviews.csv in the folder of results."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from spinetk.errors import UsageError
from spinetk.results.folders import cell_text, write_rows
from spinetk.results.record import FILE as RECORD
from spinetk.spreadsheet import separated_text
from spinetk.study import Judgement

FILE = "reviews.csv"
Decision = Literal["accept", "reject", ""]
MARK_DIGITS = 16


@dataclass(frozen=True)
class Look:
    """What a person says of a result.

    Attributes:
        key: of the result, or of the corrected version that was looked at.
        decision: empty for a comment alone.
        when: ISO 8601.
        of: tells the result from another one that takes its place (`mark_of`).
    """

    key: str
    decision: Decision
    who: str
    when: str
    comment: str
    of: str = ""


COLUMNS = tuple(Look.__annotations__)


def mark_of(result: Path) -> str:
    """Tells a result from one that takes its place, as by `--overwrite`: of its run.json, which a
    correction of the mask leaves alone. Empty where there is none. (A letter first: spreadsheets
    take digits for numbers.)"""
    try:
        content = (result / RECORD).read_bytes()
    except OSError:
        return ""
    return "r" + hashlib.sha256(content).hexdigest()[:MARK_DIGITS]


def looks_in(results: Path) -> dict[str, Look]:
    """What was said of the results that are there, by key.

    Raises:
        UsageError: the file cannot be read, or is not as it is written here.
    """
    return {k: look for k, look in _said(results).items() if look.of == mark_of(results / k)}


def look_of(results: Path, key: str) -> Look | None:
    """What was said of one result that is there; of the others nothing is read.

    Raises:
        UsageError: as `looks_in`.
    """
    look = _said(results).get(key)
    return look if look is not None and look.of == mark_of(results / key) else None


def decisions_in(results: Path) -> dict[str, str]:
    """What was decided, by key; results of which nobody decided anything are not in it.

    Raises:
        UsageError: as `looks_in`.
    """
    return {key: look.decision for key, look in looks_in(results).items() if look.decision}


def judged(verdict: Judgement | None, decision: str) -> Judgement | None:
    """What a result is taken for: a person's word goes before the verdict.

    Args:
        decision: "accept", "reject", or empty where nobody decided.

    >>> judged("reject", "accept"), judged("ok", "reject"), judged("check", "")
    ('ok', 'reject', 'check')
    """
    of_person: dict[str, Judgement] = {"accept": "ok", "reject": "reject"}
    return of_person.get(decision, verdict)


def write_look(results: Path, look: Look) -> Look:
    """Write down what a person says in the place of what was said before of the same result;
    returns it with the result's mark.

    Raises:
        UsageError: as `looks_in`; the file is left as it is.
    """
    known = _said(results)
    known.pop(look.key, None)
    marked = replace(look, of=mark_of(results / look.key))
    write_rows(results / FILE, COLUMNS, map(asdict, [*known.values(), marked]), owner_only=True)
    return marked


def _said(results: Path) -> dict[str, Look]:
    """Every row, also of results that are gone or were replaced."""
    path = results / FILE
    if not path.exists():
        return {}
    try:
        text, separator = separated_text(path)
        rows = list(csv.DictReader(io.StringIO(text), delimiter=separator))
    except (OSError, ValueError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"cannot be read ({why})", path) from error
    found = {}
    for number, row in enumerate(rows, start=1):
        if not all(isinstance(row.get(name), str) for name in COLUMNS):
            raise UsageError(f"row {number} lacks one of {', '.join(COLUMNS)}", path)
        cells = {name: cell_text(row[name]) for name in COLUMNS}
        decision = cells["decision"].strip().lower()
        if decision not in get_args(Decision):
            raise UsageError(f"row {number} decides {decision}: accept, reject or nothing", path)
        found[cells["key"]] = Look(**cells | {"decision": decision})  # type: ignore[arg-type]
    return found
