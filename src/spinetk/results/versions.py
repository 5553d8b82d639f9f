"""Which results count: of one that a person corrected, the last version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from spinetk.results.folders import results_in
from spinetk.results.keys import looks_corrected, version_number
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
    named = (place for place in out.iterdir() if looks_corrected(place.name))
    read = ((place, whole_record(place)) for place in named)
    corrected = {place: record for place, record in read if record and record.correction}
    newest = latest(corrected)
    replaced = {record.original_key for record in newest.values()}
    for folder, record in results_in(out):
        if folder in newest or (folder not in corrected and folder.name not in replaced):
            yield folder, record
