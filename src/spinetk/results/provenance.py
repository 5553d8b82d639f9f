"""sources.csv: which input each result is of. It alone holds names of files and folders, which may
be a patient's: its owner alone may read it."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from spinetk.results.folders import append_rows, cell_text, write_rows
from spinetk.results.keys import slice_keys_glob
from spinetk.results.record import whole_record

FILE = "sources.csv"


@dataclass(frozen=True)
class SourceRow:
    """Where a result comes from.

    Attributes:
        input: path from the folder that holds the input that the user named.
        series_number: of a DICOM series, else empty.
        input_sha256: as in run.json.
    """

    key: str
    input: str
    series_number: str
    input_sha256: str


COLUMNS = tuple(SourceRow.__annotations__)


def write_sources(out: Path, rows: Iterable[SourceRow], name: str = FILE) -> None:
    """Add rows to the file; those of keys that are there already are replaced, and those of results
    that are gone go.

    Args:
        name: of the file: every shard writes its own.
    """
    path = out / name
    known = {row.key: row for row in (*read_sources(path), *rows)}
    there = (row for row in known.values() if has_results(out, row.key))
    write_rows(path, COLUMNS, map(asdict, there), owner_only=True)


def append_sources(out: Path, rows: Iterable[SourceRow], name: str = FILE) -> None:
    """Add rows to the end of the file, in a time that does not grow with it: of a key that has a
    row there already the last one counts."""
    append_rows(out / name, COLUMNS, map(asdict, rows))


def read_sources(path: Path) -> list[SourceRow]:
    """The rows of the file; none where it is missing, or is not as it is written here."""
    if not path.is_file():
        return []
    with (
        contextlib.suppress(csv.Error),
        path.open(newline="", encoding="utf-8", errors="replace") as stream,
    ):
        rows = csv.DictReader(stream)
        return [
            SourceRow(**{name: cell_text(row[name]) for name in COLUMNS})
            for row in rows
            if all(row.get(name) is not None for name in COLUMNS)
        ]
    return []


def known_sources(out: Path) -> list[SourceRow]:
    """What the files of all runs and shards say of the results that are there; of results that they
    do not know, what their records say."""
    rows = [row for path in sorted(out.glob("sources*.csv")) for row in read_sources(path)]
    known = [row for row in rows if has_results(out, row.key)]
    named = {row.key for row in known}
    for path in sorted(out.iterdir()):  # of a run that was killed; what is known is not read
        if path.name in named or path.name.startswith("."):
            continue
        record = whole_record(path)
        if record is not None and record.series_key not in named and record.input_sha256:
            known.append(SourceRow(record.series_key, "", "", record.input_sha256))
            named.add(record.series_key)
    return known


def has_results(out: Path, key: str) -> bool:
    """Whether there are results of a series: one, or those of its slices."""
    return (out / key).is_dir() or any(out.glob(slice_keys_glob(key)))
