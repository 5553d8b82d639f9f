"""One table over all results of a folder, one row a value: what goes into an analysis.

    instances.csv and angles.csv of each result -> rows -> measurements.csv (.parquet), codebook.csv

Results are read one by one: memory does not grow with their number.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spinetk.atomic import whole_file
from spinetk.cohort.codebook import ANGLES, MEASURES, column_of, unit_of
from spinetk.cohort.of_network import figures_of
from spinetk.errors import SpineError
from spinetk.results.folders import plain_cell, write_rows
from spinetk.results.looks import decisions_in, judged
from spinetk.results.record import Record
from spinetk.results.versions import last_versions

TABLE, PARQUET, CODEBOOK = "measurements.csv", "measurements.parquet", "codebook.csv"
OF_VALUE = ("result", "verdict", "modality", "level", "structure", "order", "measure", "value",
            "unit", "error", "of_instance", "truncated")  # fmt: skip
COLUMNS = (*OF_VALUE, "decision")
"""`decision`: of a person on the result ("accept", "reject"), empty without one."""
COLUMN = "column"
"""Structure of the angles."""
LARGEST = 2**23
"""Bytes of instances.csv; a result of a hundred structures has a fiftieth of it."""
BATCH = 20_000
"""Rows that are written to the Parquet file at once."""


@dataclass(frozen=True)
class Value:
    """One row.

    Attributes:
        result: its key.
        verdict: on the result; `of_instance` is that on the instance.
        level: of the body or disc, or the two bodies of an angle; "" where it is not known.
        structure: kind of the instance, or "column".
        order: from below, within its kind.
        error: root mean square error of the measure against reference outlines, in its unit, as the
            network was evaluated; None where it was not.
    """

    result: str
    verdict: str
    modality: str
    level: str
    structure: str
    order: int | None
    measure: str
    value: float
    unit: str
    error: float | None
    of_instance: str
    truncated: bool


def values_of(folder: Path, record: Record) -> list[Value]:
    """The rows of one result; none where it was written without CSV.

    Raises:
        SpineError: a table cannot be read, or is cut.
    """
    try:
        return list(_values_of(folder, record))
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        text = "its tables cannot be read, or are not as SpineTK writes them"
        raise SpineError(text, folder.name) from error


def _values_of(folder: Path, record: Record) -> Iterator[Value]:
    of_result = (folder.name, record.verdict or "", record.modality or "")
    errors = figures_of(record.model, "errors")
    rows = _read(folder / "instances.csv")
    if (folder / "instances.csv").exists() and len(rows) < record.bodies + record.discs:
        raise ValueError("cut")
    yield from values_of_rows(rows, of_result, errors)
    for row in _read(folder / "angles.csv"):
        name = f"{row['upper']}-{row['lower']}"
        kind = row["name"] if row["name"] == "cobb" else f"{row['name']} {name}"
        error = errors.get(COLUMN, {}).get(kind, {}).get("degrees")
        yield Value(
            *of_result, name, COLUMN, None, row["name"], _finite(row["degrees"]), "degrees",
            error, row.get("verdict") or "", False,
        )  # fmt: skip


def values_of_rows(
    rows: Iterable[Mapping[str, Any]],
    of_result: tuple[str, str, str],
    errors: Mapping[str, Any] | None = None,
) -> Iterator[Value]:
    """The values of the instances of one result.

    Args:
        rows: of instances.csv, as they are or as text.
        of_result: its key, verdict and modality.
        errors: of the network, by kind, measure and unit.
    """
    for row in rows:
        in_mm = row.get("spacing_row_mm") not in (None, "")
        for measure in MEASURES:
            value = row.get(column_of(measure, in_mm=in_mm))
            if value in (None, ""):
                continue
            unit = unit_of(measure, in_mm=in_mm, modality=of_result[2])
            error = (errors or {}).get(row["kind"], {}).get(measure.name, {}).get(unit)
            yield Value(
                *of_result, row["level"] or "", row["kind"], int(row["order"]), measure.name,
                _finite(value), unit, error, row.get("verdict") or "",
                row["truncated"] in (True, "true"),
            )  # fmt: skip


@dataclass
class Written:
    """What is in the table.

    Attributes:
        parquet: whether a Parquet file was written, too (it is where pyarrow is installed: extra
            `cohort`).
        unread: key and reason of results that could not be read.
        series: how many results of each series count.
    """

    results: int = 0
    values: int = 0
    parquet: bool = False
    unread: list[tuple[str, str]] = field(default_factory=list)
    series: Counter[str] = field(default_factory=Counter)


def write_table(out: Path, participants: Mapping[str, Mapping[str, str]] | None = None) -> Written:
    """Write the table and the codebook of a folder of results; those that cannot be read are left
    out and named.

    Args:
        participants: columns to be added, by the key of a result.
    """
    more = tuple(next(iter(participants.values()), {})) if participants else ()
    done = Written()
    with ExitStack() as files:
        path = files.enter_context(whole_file(out / TABLE))
        stream = files.enter_context(path.open("w", newline="", encoding="utf-8"))
        writer = csv.writer(stream)
        writer.writerow((*COLUMNS, *map(plain_cell, more)))
        parquet = _parquet(files, out, more)
        waiting: list[tuple[Any, ...]] = []
        decided = decisions_in(out)
        for folder, record in last_versions(out):
            decision = decided.get(folder.name, "")
            if judged(record.verdict, decision) != "reject":
                done.series[record.series_key] += 1
            try:
                found = values_of(folder, record)
            except SpineError as error:
                done.unread.append((folder.name, error.reason))
                continue
            done.results += 1
            own = (participants or {}).get(folder.name, {})
            added = (decision, *(own.get(name, "") for name in more))
            for value in found:
                cells = tuple(getattr(value, name) for name in OF_VALUE)
                writer.writerow(plain_cell(cell) for cell in (*map(_cell, cells), *added))
                done.values += 1
                if parquet is not None:
                    waiting.append((*cells, *added))
            if len(waiting) >= BATCH:
                parquet(waiting)
                waiting = []
        if parquet is not None:
            parquet(waiting)
            done.parquet = True
    write_rows(out / CODEBOOK, ("measure", "unit", "definition"), _codebook())
    return done


def _codebook() -> Iterator[dict[str, str]]:
    for measure in (*MEASURES, *ANGLES):
        units = dict.fromkeys(
            unit_of(measure, in_mm=in_mm, modality=modality)
            for in_mm in (True, False)
            for modality in ("MR", "CT")
        )
        yield {
            "measure": measure.name,
            "unit": " or ".join(units),
            "definition": measure.text,
        }


def _read(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    if path.stat().st_size > LARGEST:
        raise ValueError("larger than a table of one result")
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("no number")
    return number


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return float(f"{value:.10g}") if isinstance(value, float) else value


def _parquet(files: ExitStack, out: Path, more: tuple[str, ...]) -> Any:
    """What writes rows to the Parquet file; None without pyarrow."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return None
    kinds = {"order": pyarrow.int32(), "value": pyarrow.float64(), "error": pyarrow.float64(),
             "truncated": pyarrow.bool_()}  # fmt: skip
    schema = pyarrow.schema(
        [(name, kinds.get(name, pyarrow.string())) for name in (*COLUMNS, *more)]
    )
    path = files.enter_context(whole_file(out / PARQUET))
    writer = files.enter_context(pyarrow.parquet.ParquetWriter(path, schema))

    def write(rows: list[tuple[Any, ...]]) -> None:
        arrays = [
            pyarrow.array([row[place] for row in rows], kind)
            for place, kind in enumerate(schema.types)
        ]
        writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))

    return write
