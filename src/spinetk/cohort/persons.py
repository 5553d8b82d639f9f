"""What is known of the persons of a cohort: a table by `participant_id` (BIDS), joined to
results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from spinetk.cohort.long_table import COLUMNS
from spinetk.errors import UsageError
from spinetk.spreadsheet import table_of


def read_participants(path: Path) -> dict[str, dict[str, str]]:
    """The rows of a table with tabs, semicolons or commas by their `participant_id` (BIDS), "sub-"
    left out; a column that is called as one of the table of measures gets "participant_" before it.

    Raises:
        UsageError: it cannot be read, has no such column, or one id twice.
    """
    columns, rows = table_of(path, "a table")
    if "participant_id" not in columns:
        raise UsageError("has no column participant_id", path)
    found: dict[str, dict[str, str]] = {}
    for _, row in rows:
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
