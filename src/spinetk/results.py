"""The results in a folder: told from anything else on disk, and summed up in summary.csv."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SUMMARY_COLUMNS = (
    "key", "modality", "selected_slice", "n_slices", "bodies", "discs", "seconds", "warnings"
)  # fmt: skip


def is_result(folder: Path) -> bool:
    """Whether a folder is a result that SpineTK wrote (it holds its run.json)."""
    try:
        with (folder / "run.json").open(encoding="utf-8") as stream:
            return '"spinetk":' in stream.read(200)
    except (OSError, UnicodeDecodeError):
        return False


def read_record(folder: Path) -> dict[str, Any]:
    """The run.json of a result."""
    record: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return record


def result_folders(out: Path) -> list[Path]:
    """The results in a folder, by name."""
    return sorted(p for p in out.iterdir() if not p.name.startswith(".") and is_result(p))


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
    write_rows(
        out / "summary.csv", SUMMARY_COLUMNS, [summary_row(one) for one in result_folders(out)]
    )


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    """Write a CSV file, which is put in its place when complete: a server and its working process
    may write one at the same time."""
    partial = path.with_name(f".{uuid.uuid4().hex}.part")
    with partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=columns)
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(path)
