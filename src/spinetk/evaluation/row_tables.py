"""The rows of an evaluation as data frames, kept as CSV files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from spinetk.atomic import whole_folder
from spinetk.evaluation.rows import (
    FEATURES,
    SIZES,
    AngleResult,
    FalsePositive,
    InstanceResult,
    Proposal,
    RepeatResult,
    SliceResult,
    TimeResult,
)

CORNERS = ("x0", "y0", "x1", "y1")
SPREAD = {
    "box": CORNERS,
    "reference_features": tuple(f"reference_{feature}" for feature in FEATURES),
    "found_features": tuple(f"found_{feature}" for feature in FEATURES),
    "reference_sizes": tuple(f"reference_{size}" for size in SIZES),
    "sizes": SIZES,
    "found_sizes": tuple(f"found_{size}" for size in SIZES),
}
"""Fields of the row classes that hold several values, and the columns that they become."""
JUDGED = ("quality", "quality_low", "flagged", "verdict")
LATER: dict[str, type] = {"angles": AngleResult, "repeats": RepeatResult}
"""Frames that an earlier version did not write, and their rows."""
DIGITS = 5
"""Decimal places in the CSV files."""


@dataclass(frozen=True)
class Frames:
    """One row for each thing that was looked at; the columns are the fields of the row classes.

    `box` becomes x0, y0, x1, y1; the features become reference_skewness, found_skewness and so on.
    `fold` is a column where several folds are put together.
    """

    instances: pd.DataFrame
    false_positives: pd.DataFrame
    proposals: pd.DataFrame
    slices: pd.DataFrame
    times: pd.DataFrame
    angles: pd.DataFrame
    repeats: pd.DataFrame

    def save(self, folder: Path) -> None:
        """Write each frame as `NAME.csv.gz`; the folder is there when it is complete."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(folder) as unfinished:
            for field in fields(self):
                frame: pd.DataFrame = getattr(self, field.name)
                # no time stamp in the archive: the same rows give the same file
                frame.round(DIGITS).to_csv(
                    unfinished / f"{field.name}.csv.gz",
                    index=False,
                    compression={"method": "gzip", "mtime": 0},
                )


def frames_of(
    instances: Iterable[InstanceResult],
    false_positives: Iterable[FalsePositive],
    proposals: Iterable[Proposal],
    slices: Iterable[SliceResult],
    times: Iterable[TimeResult],
    angles: Iterable[AngleResult] = (),
    repeats: Iterable[RepeatResult] = (),
) -> Frames:
    """Put rows into frames; a frame without rows has its columns all the same."""
    return Frames(
        _frame(InstanceResult, instances),
        _frame(FalsePositive, false_positives),
        _frame(Proposal, proposals),
        _frame(SliceResult, slices),
        _frame(TimeResult, times),
        _frame(AngleResult, angles),
        _frame(RepeatResult, repeats),
    )


def load_frames(folder: Path) -> Frames:
    """Read what `Frames.save` wrote; what an earlier version did not know is empty."""
    paths = {item.name: folder / f"{item.name}.csv.gz" for item in fields(Frames)}
    frames = Frames(
        **{
            name: pd.DataFrame(columns=_columns(LATER[name]))
            if name in LATER and not path.exists()
            else pd.read_csv(path)
            for name, path in paths.items()
        }
    )
    for frame in (frames.instances, frames.false_positives):
        for name in JUDGED:
            if name not in frame:
                frame[name] = None
    for name in (*SPREAD["reference_sizes"], *SPREAD["found_sizes"], "in_mm"):
        if name not in frames.instances:
            frames.instances[name] = None
    return frames


def put_together(folds: Sequence[Frames]) -> Frames:
    """All folds' rows, with the fold's number, counted from 1, in the column `fold`."""
    return Frames(
        *(
            pd.concat(
                [
                    getattr(frames, item.name).assign(fold=number)
                    for number, frames in enumerate(folds, 1)
                ],
                ignore_index=True,
            )
            for item in fields(Frames)
        )
    )


def _frame(kind: type, rows: Iterable[Any]) -> pd.DataFrame:
    return pd.DataFrame([_flat(asdict(row)) for row in rows], columns=_columns(kind))


def _columns(kind: type) -> list[str]:
    return [column for item in fields(kind) for column in SPREAD.get(item.name, (item.name,))]


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in row.items():
        columns = SPREAD.get(name)
        if columns is None:
            out[name] = value
        else:
            values = value or (None,) * len(columns)
            out |= dict(zip(columns, values, strict=True))
    return out
