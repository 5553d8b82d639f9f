"""The results in a folder, and summary.csv over them."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spinetk.atomic import leftovers, whole_file
from spinetk.results.keys import in_order
from spinetk.results.record import FILE, Record, whole_record

LEFT_SECONDS = 60.0
"""A process of another machine that shares the folder is not known here; it writes longer never."""
OWNER_ONLY = 0o600
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
SUMMARY_COLUMNS = (
    "key", "verdict", "reasons", "modality", "selected_slice", "instance_number", "n_slices",
    "bodies", "discs", "seconds", "warnings", "warning_codes", "model",
)  # fmt: skip


def results_in(out: Path) -> Iterator[tuple[Path, Record]]:
    """The results in a folder with their records, by name, p2 before p10; what has no whole record
    is passed over. Only the names of all are in memory at once."""
    names = sorted((p.name for p in out.iterdir() if not p.name.startswith(".")), key=in_order)
    for name in names:
        record = whole_record(out / name)
        if record is not None:
            yield out / name, record


def results_below(folder: Path) -> dict[Path, Record]:
    """Every result below a folder, at any depth, with its record."""
    places = sorted(path.parent for path in folder.rglob(FILE) if not _is_hidden(path, folder))
    return {path: record for path in places if (record := whole_record(path)) is not None}


def _is_hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def put_back(out: Path) -> None:
    """Put complete results whose process was killed while it renamed them into their places, and
    delete what other killed processes left."""
    for path in leftovers(out):
        record = whole_record(path) if path.is_dir() else None
        if record is not None:
            content = json.loads((path / FILE).read_text(encoding="utf-8"))
            place = out / str(content.get("key"))
            if place.parent == out and not place.exists():
                path.rename(place)
                continue
        if time.time() - path.stat().st_mtime > LEFT_SECONDS:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def summary_row(record: Record) -> dict[str, Any]:
    """What the summary says of a result: a value for each of `SUMMARY_COLUMNS`."""
    return {
        "key": record.key,
        "verdict": record.verdict or "",
        "reasons": "; ".join(record.reasons),
        "modality": record.modality or "",
        "selected_slice": record.selected_slice,
        "instance_number": record.instance_number,
        "n_slices": record.n_slices,
        "bodies": record.bodies,
        "discs": record.discs,
        "seconds": round(sum(record.seconds.values()), 3),
        "warnings": "; ".join(warning.text for warning in record.warnings),
        "warning_codes": " ".join(warning.code for warning in record.warnings),
        "model": f"{record.model.name} {record.model.sha256[:8]}",
    }


def write_summary(out: Path) -> None:
    """Write summary.csv: a row for every result that lies in the folder, whichever run made it."""
    rows = (summary_row(record) for _, record in results_in(out))
    write_rows(out / "summary.csv", SUMMARY_COLUMNS, rows)


def write_rows(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    *,
    owner_only: bool = False,
) -> None:
    """Write a CSV file; a server and its working process may write one at the same time.

    Args:
        rows: a dict of the columns' values each. Text that a spreadsheet would take for a formula
            (names of files, for one) gets an apostrophe before it.
        owner_only: nobody else may read it, from its first byte on.
    """
    with whole_file(path) as partial:
        if owner_only:
            partial.touch(OWNER_ONLY)
        _write(partial, columns, rows)


def append_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows to the end of a CSV file that only its owner may read, at once, so that processes
    which share it do not mix theirs. A row that a killed process left unfinished ends there."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=columns)
    writer.writerows({name: plain_cell(value) for name, value in row.items()} for row in rows)
    if not text.getvalue():
        return
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
    with open(os.open(path, flags, OWNER_ONLY), "r+b", buffering=0) as stream:
        end = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, end - 1))
        before = "" if end and stream.read(1) == b"\n" else "\r\n"
        if not end:
            before = ",".join(columns) + "\r\n"
        stream.write((before + text.getvalue()).encode(errors="replace"))


def _write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    # a record may hold what no text can
    with path.open("w", newline="", encoding="utf-8", errors="replace") as stream:
        writer = csv.DictWriter(stream, fieldnames=columns)
        writer.writeheader()
        writer.writerows({name: plain_cell(value) for name, value in row.items()} for row in rows)


def cell_text(cell: str) -> str:
    """What a cell said before `plain_cell` made it plain."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULAS) else cell


def plain_cell(value: Any) -> Any:
    """A cell that is no formula (OWASP, CSV injection): text that begins as one gets an apostrophe
    before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value
