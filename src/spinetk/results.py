"""The results in a folder: told from anything else on disk, and summed up in summary.csv."""

from __future__ import annotations

import csv
import json
import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spinetk.errors import SpineError

SUMMARY_COLUMNS = (
    "key", "modality", "selected_slice", "instance_number", "n_slices", "bodies", "discs",
    "seconds", "warnings",
)  # fmt: skip


def is_result(folder: Path) -> bool:
    """Whether a folder is a result that SpineTK wrote (it holds its run.json)."""
    try:
        with (folder / "run.json").open(encoding="utf-8") as stream:
            return '"spinetk":' in stream.read(200)
    except (OSError, ValueError):  # ValueError: no text, or a name that no file can have
        return False


def read_record(folder: Path) -> dict[str, Any]:
    """The run.json of a result.

    Raises:
        SpineError: it cannot be read.
    """
    try:
        record: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpineError(f"{folder.name}: its run.json cannot be read") from error
    return record


def whole_record(folder: Path) -> dict[str, Any] | None:
    """The run.json of a result; None where none is there, or a power cut or another process that
    is just replacing it leaves nothing to read."""
    try:
        return read_record(folder) if is_result(folder) else None
    except SpineError:
        return None


def results_in(out: Path) -> dict[Path, dict[str, Any]]:
    """The results in a folder with their records, by name, p2 before p10; what has no whole record
    is passed over."""
    found = {
        path: record
        for path in out.iterdir()
        if not path.name.startswith(".") and (record := whole_record(path)) is not None
    }
    return dict(sorted(found.items(), key=lambda item: _natural(item[0].name)))


def _natural(name: str) -> list[tuple[str, int]]:
    """To sort by: numbers in a name as numbers."""
    return [(text, int(digits or -1)) for text, digits in re.findall(r"([^0-9]*)([0-9]*)", name)]


def summary_row(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    """What the summary says of a result: a value for each of `SUMMARY_COLUMNS`."""
    return {name: record.get(name) for name in SUMMARY_COLUMNS} | {
        "key": folder.name,
        "modality": record.get("modality") or "",
        "seconds": round(sum(record.get("seconds", {}).values()), 3),
        "warnings": "; ".join(record.get("warnings", ())),
    }


def write_summary(out: Path) -> None:
    """Write summary.csv: a row for every result that lies in the folder, whichever run made it."""
    rows = [summary_row(folder, record) for folder, record in results_in(out).items()]
    write_rows(out / "summary.csv", SUMMARY_COLUMNS, rows)


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    """Write a CSV file, which is put in its place when complete: a server and its working process
    may write one at the same time."""
    partial = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with partial.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, fieldnames=columns)
            writer.writeheader()
            writer.writerows(rows)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
