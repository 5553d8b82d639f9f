"""completed.csv: which studies of an archive or a store are done, so that a run that goes on does
not fetch them again. Studies are told by a hash: the file holds no number and no name."""

from __future__ import annotations

import contextlib
import csv
import hashlib
from collections.abc import Iterable
from pathlib import Path

from spinetk.results.folders import append_rows, cell_text
from spinetk.results.provenance import has_results

FILE = "completed.csv"
COLUMNS = ("study", "key")


def name_of(study: str) -> str:
    """What a study is called in the file.

    Args:
        study: its StudyInstanceUID, or its address.

    >>> name_of("1.2.3")
    'c47f5b18b8a430e6'
    """
    return hashlib.sha256(study.encode(errors="surrogateescape")).hexdigest()[:16]


def note_completed(out: Path, study: str, keys: Iterable[str], name: str = FILE) -> None:
    """Write down that all of a study is done.

    Args:
        keys: of its results. A study without any is looked at again: it may get images.
        name: of the file: every shard writes its own.
    """
    append_rows(out / name, COLUMNS, ({"study": name_of(study), "key": key} for key in keys))


def completed(out: Path) -> dict[str, list[str]]:
    """The studies that are done, by `name_of`, with the keys of their results; not those of which a
    result is there no more."""
    keys: dict[str, list[str]] = {}
    for path in sorted(out.glob("completed*.csv")):
        _read(path, keys)
    return {
        study: sorted(set(those))
        for study, those in keys.items()
        if all(has_results(out, key) for key in those)
    }


def _read(path: Path, keys: dict[str, list[str]]) -> None:
    with (
        contextlib.suppress(csv.Error),
        path.open(newline="", encoding="utf-8", errors="replace") as stream,
    ):
        for row in csv.DictReader(stream):
            if row.get("study") and row.get("key"):
                keys.setdefault(row["study"], []).append(cell_text(row["key"]))
