"""What is known of the persons of a cohort: a table by `participant_id` (BIDS), joined to
results."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from spinetk.cohort.long_table import COLUMNS
from spinetk.errors import UsageError
from spinetk.spreadsheet import separated_text


def read_participants(path: Path) -> dict[str, dict[str, str]]:
    """The rows of a table with tabs, semicolons or commas by their `participant_id` (BIDS), "sub-"
    left out; a column that is called as one of the table of measures gets "participant_" before it.

    Raises:
        UsageError: it cannot be read, has no such column, or one id twice.
    """
    try:
        text, separator = separated_text(path)
    except (OSError, ValueError) as error:
        raise UsageError("cannot be read as a table", path) from error
    try:
        rows = list(csv.DictReader(text.splitlines(), delimiter=separator))
    except csv.Error as error:
        raise UsageError(f"cannot be read as a table ({error})", path) from error
    if not rows or "participant_id" not in rows[0]:
        raise UsageError("has no column participant_id", path)
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        person = str(row["participant_id"]).removeprefix("sub-")
        if person in found:
            raise UsageError(f"has the participant_id {person} twice", path)
        found[person] = {
            f"participant_{name}" if name in COLUMNS else str(name): str(value or "")
            for name, value in row.items()
            if name not in ("participant_id", None)
        }
    return found


def matched_participants(
    keys: Iterable[str], participants: Mapping[str, Mapping[str, str]]
) -> dict[str, Mapping[str, str]]:
    """The participant of each result: the one whose id is its key, or all of its beginning up to a
    "_", "-" or "."; the longest of them."""
    found = {}
    for key in keys:
        plain = key.removeprefix("sub-")
        fits = [
            name for name in participants
            if plain == name or (plain.startswith(name) and plain[len(name)] in "_-.")
        ]  # fmt: skip
        if fits:
            found[key] = participants[max(fits, key=len)]
    return found
