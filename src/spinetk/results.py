"""The results in a folder: told from anything else on disk, and summed up in summary.csv."""

from __future__ import annotations

import contextlib
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


def result_folders(out: Path) -> list[Path]:
    """The results in a folder by name, p2 before p10; what is just being written or deleted, or
    whose record is damaged, is passed over."""
    found = []
    for path in out.iterdir():
        with contextlib.suppress(SpineError):
            if not path.name.startswith(".") and is_result(path) and read_record(path):
                found.append(path)
    return sorted(found, key=lambda path: _natural(path.name))


def _natural(name: str) -> list[tuple[str, int]]:
    """To sort by: numbers in a name as numbers."""
    return [(text, int(digits or -1)) for text, digits in re.findall(r"([^0-9]*)([0-9]*)", name)]


def summary_row(folder: Path) -> dict[str, Any]:
    """What the summary says of a result: a value for each of `SUMMARY_COLUMNS`."""
    record = read_record(folder)
    return {name: record.get(name) for name in SUMMARY_COLUMNS} | {
        "key": folder.name,
        "modality": record.get("modality") or "",
        "seconds": round(sum(record.get("seconds", {}).values()), 3),
        "warnings": "; ".join(record.get("warnings", ())),
    }


def write_summary(out: Path) -> None:
    """Write summary.csv: a row for every result that lies in the folder, whichever run made it."""
    rows = []
    for one in result_folders(out):
        with contextlib.suppress(SpineError):  # just being replaced
            rows.append(summary_row(one))
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
