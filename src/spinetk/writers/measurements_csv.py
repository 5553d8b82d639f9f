"""instances.csv and angles.csv: the tables of measurements."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from spinetk.measures.alignment import Angle
from spinetk.measures.table import Row, Value


def write_measurements(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as CSV (RFC 4180, UTF-8, point as decimal mark, empty where not known)."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _text(value) for name, value in row.items()} for row in rows)


def write_angles(path: Path, angles: Sequence[Angle]) -> None:
    """Write the angles of the column in the same way; the head alone where there are none."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["name", "upper", "lower", "degrees", "verdict"])
        writer.writerows([a.name, a.upper, a.lower, _text(a.degrees), a.verdict] for a in angles)


def _text(value: Value) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return float(f"{value:.10g}") if isinstance(value, float) else value
