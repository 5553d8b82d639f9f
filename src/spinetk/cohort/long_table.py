"""One table over all results of a folder, one row a value: what goes into an analysis.

    instances.csv and angles.csv of each result -> rows -> measurements.csv (.parquet), codebook.csv

Results are read one by one: memory does not grow with their number.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinetk.atomic import whole_file
from spinetk.cohort.codebook import ANGLES, MEASURES, column_of, unit_of
from spinetk.cohort.of_network import figures_of
from spinetk.results.folders import results_in, write_rows
from spinetk.results.keys import in_order, looks_corrected
from spinetk.results.record import Record, whole_record

TABLE, PARQUET, CODEBOOK = "measurements.csv", "measurements.parquet", "codebook.csv"
COLUMNS = ("result", "verdict", "modality", "level", "structure", "order", "measure", "value",
           "unit", "error", "of_instance", "truncated")  # fmt: skip
COLUMN = "column"
"""Structure of the angles."""
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


def last_versions(out: Path) -> Iterator[tuple[Path, Record]]:
    """The results of a folder by name. Of a result that a person corrected, the last version
    counts, and the others are left out."""
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


def values_of(folder: Path, record: Record) -> Iterator[Value]:
    """The rows of one result; none where it was written without CSV."""
    of_result = (folder.name, record.verdict or "", record.modality or "")
    errors = figures_of(record.model, "errors")
    yield from values_of_rows(_read(folder / "instances.csv"), of_result, errors)
    for row in _read(folder / "angles.csv"):
        name = f"{row['upper']}-{row['lower']}"
        error = errors.get(COLUMN, {}).get(row["name"], {}).get("degrees")
        yield Value(
            *of_result, name, COLUMN, None, row["name"], float(row["degrees"]), "degrees",
            error, "", False,
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
                float(value), unit, error, row.get("verdict") or "",
                row["truncated"] in (True, "true"),
            )  # fmt: skip


def write_table(
    out: Path, participants: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[int, int, bool]:
    """Write the table and the codebook of a folder of results.

    Args:
        participants: columns to be added, by the key of a result.

    Returns:
        Number of results and of values, and whether a Parquet file was written, too (it is where
        pyarrow is installed: extra `cohort`).
    """
    more = tuple(next(iter(participants.values()), {})) if participants else ()
    results = values = 0
    with ExitStack() as files:
        path = files.enter_context(whole_file(out / TABLE))
        stream = files.enter_context(path.open("w", newline="", encoding="utf-8"))
        writer = csv.writer(stream)
        writer.writerow((*COLUMNS, *more))
        parquet = _parquet(files, out, more)
        waiting: list[tuple[Any, ...]] = []
        for folder, record in last_versions(out):
            results += 1
            own = (participants or {}).get(folder.name, {})
            added = tuple(own.get(name, "") for name in more)
            for value in values_of(folder, record):
                cells = tuple(getattr(value, name) for name in COLUMNS)
                writer.writerow((*map(_cell, cells), *added))
                values += 1
                if parquet is not None:
                    waiting.append((*cells, *added))
            if len(waiting) >= BATCH:
                parquet(waiting)
                waiting = []
        if parquet is not None:
            parquet(waiting)
    write_rows(out / CODEBOOK, ("measure", "unit", "definition"), _codebook())
    return results, values, parquet is not None


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
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else value


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
