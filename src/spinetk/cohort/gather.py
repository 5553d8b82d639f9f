"""Put together what runs, or the shards of one, left in a folder: tables, accounts and the page."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from spinetk.cohort.long_table import write_table
from spinetk.cohort.page import write_page
from spinetk.cohort.persons import matched_participants, read_participants
from spinetk.errors import UnreadableInput
from spinetk.results.folders import put_back, write_rows, write_summary
from spinetk.results.provenance import known_sources, write_sources
from spinetk.results.record import FILE as RECORD
from spinetk.results.record import whole_record
from spinetk.results.versions import last_versions


@dataclass(frozen=True)
class Gathered:
    """What was put together.

    Attributes:
        failed: rows of failures.csv.
        parquet: whether measurements.parquet was written, too.
        without_participant: results that the table of participants does not know.
        several: series of which more than one result counts: their persons do so twice.
    """

    results: int
    values: int
    failed: int
    parquet: bool
    page: Path
    without_participant: tuple[str, ...] = ()
    several: tuple[str, ...] = ()


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
    put_back(out)
    write_summary(out)
    shards = sorted(out.glob("sources-*-of-*.csv"))
    if shards:
        write_sources(out, (row for row in known_sources(out) if row.input))
    table = write_table(out, joined)
    unread = [*table.unread, *_without_record(out)]
    failed = _failures(out, unread)
    page = write_page(out, {key for key, _ in unread})
    several = tuple(key for key, count in table.series.items() if count > 1)
    return Gathered(
        table.results, table.values, failed, table.parquet, page, tuple(missing), several
    )


def _without_record(out: Path) -> list[tuple[str, str]]:
    """Folders whose run.json is there and cannot be read."""
    folders = (path for path in out.iterdir() if not path.name.startswith("."))
    return [
        (path.name, f"its {RECORD} cannot be read")
        for path in folders
        if (path / RECORD).exists() and whole_record(path) is None
    ]


def _failures(out: Path, unread: list[tuple[str, str]]) -> int:
    """Put together what failed in all runs and shards and has no result since, and what could not
    be read; returns how many there are."""
    columns = ("key", "reason")
    own = out / "failures.csv"
    rows: dict[str, str] = {}
    for path in (*sorted(out.glob("failures-*-of-*.csv")), own):
        if not path.is_file():
            continue
        with path.open(newline="", encoding="utf-8", errors="replace") as stream:
            for row in csv.DictReader(stream):
                cells = [(row.get(name) or "").removeprefix("'") for name in columns]
                if cells[0] and whole_record(out / _last_part(cells[0])) is None:
                    rows.setdefault(*cells)
    rows |= dict(unread)
    if rows:
        failed = [{"key": key, "reason": reason} for key, reason in rows.items()]
        write_rows(own, columns, failed, owner_only=True)
    else:
        own.unlink(missing_ok=True)
    return len(rows)


def _last_part(key: str) -> str:
    """The last part of what may be a path."""
    return Path(key).name or "-"
