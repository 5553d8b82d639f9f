"""Which results count: of one that a person corrected, the last version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from spinetk.results.folders import results_in
from spinetk.results.keys import in_order, looks_corrected, version_number
from spinetk.results.record import Record, whole_record


def version_of(record: Record) -> int:
    """The number of a corrected version; 0 is what the network gave."""
    return version_number(record.key) if record.correction else 0


def latest(records: Mapping[Path, Record]) -> dict[Path, Record]:
    """Of every result its last version, in the order of the results.

    Args:
        records: of each result's folder; keys are those of the folder that these lie in.
    """
    found: dict[tuple[Path, str], Path] = {}
    for place, record in records.items():
        own = place.parent, record.original_key
        if own not in found or version_of(record) > version_of(records[found[own]]):
            found[own] = place
    return {place: records[place] for place in found.values()}


def last_versions(out: Path) -> Iterator[tuple[Path, Record]]:
    """The results of a folder by name, each in its last version. Only the names of all are in
    memory at once."""
    last: dict[str, str] = {}
    for name in sorted((p.name for p in out.iterdir() if looks_corrected(p.name)), key=in_order):
        record = whole_record(out / name)
        if record is not None and record.correction is not None:
            last[record.original_key] = name
    versions = set(last.values())
    for folder, record in results_in(out):
        older = record.correction is not None and folder.name not in versions
        if folder.name not in last and not older:
            yield folder, record
