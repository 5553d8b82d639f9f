"""Put together what runs, or the shards of one, left in a folder: tables, accounts and the page."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from spinetk.cohort.long_table import last_versions, write_table
from spinetk.cohort.page import write_page
from spinetk.cohort.persons import matched_participants, read_participants
from spinetk.errors import UnreadableInput
from spinetk.results.folders import write_rows, write_summary
from spinetk.results.provenance import known_sources, write_sources


@dataclass(frozen=True)
class Gathered:
    """What was put together.

    Attributes:
        failed: rows of failures.csv.
        parquet: whether measurements.parquet was written, too.
        without_participant: results that the table of participants does not know.
    """

    results: int
    values: int
    failed: int
    parquet: bool
    page: Path
    without_participant: tuple[str, ...] = ()


def gather(out: Path, participants: Path | None = None) -> Gathered:
    """Write summary.csv, failures.csv, sources.csv, measurements.csv (and .parquet), codebook.csv
    and cohort.html over all results of a folder.

    Args:
        participants: a table by `participant_id`, whose columns are added to every value.

    Raises:
        UnreadableInput: there is no result in the folder.
        UsageError: the participants cannot be read.
    """
    joined, missing = None, []
    if participants is not None:
        keys = [folder.name for folder, _ in last_versions(out)]
        joined = matched_participants(keys, read_participants(participants))
        missing = [key for key in keys if key not in joined]
    if not out.is_dir() or next(last_versions(out), None) is None:
        raise UnreadableInput("holds no results", out)
    write_summary(out)
    shards = sorted(out.glob("sources-*-of-*.csv"))
    if shards:
        write_sources(out, known_sources(out))
    failed = _failures(out)
    results, values, parquet = write_table(out, joined)
    return Gathered(results, values, failed, parquet, write_page(out), tuple(missing))


def _failures(out: Path) -> int:
    """Put the shards' failures together; returns how many there are."""
    columns = ("key", "reason")
    own = out / "failures.csv"
    shards = sorted(out.glob("failures-*-of-*.csv"))
    rows: list[dict[str, str]] = []
    for path in shards or ([own] if own.is_file() else []):
        with path.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                rows.append({name: (row.get(name) or "").removeprefix("'") for name in columns})
    if shards and rows:
        write_rows(own, columns, rows)
    return len(rows)
