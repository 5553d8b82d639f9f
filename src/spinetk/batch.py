"""Segment every series of an input into an output folder, and keep the account of it."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from spinetk.anatomy import BODY_KIND, DISC_KIND
from spinetk.errors import NothingFound, SpineError, UsageError
from spinetk.pipeline import LoadedModel, load_model, model_for, segment
from spinetk.readers import read
from spinetk.results import is_result
from spinetk.study import NO_SPACING, Modality, Refusal, Series
from spinetk.writers import USUAL_FORMATS, write_result

SUMMARY_COLUMNS = (
    "key", "modality", "selected_slice", "n_slices", "bodies", "discs", "seconds", "warnings"
)  # fmt: skip
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Options:
    """What `spinetk segment` was asked for.

    Attributes:
        modality: None takes it from the file.
        slices: "auto" selects one, "all" takes each in turn, a number takes that one.
        model: a shipped network's name or a path; None goes by modality.
        score: threshold 0..1; None takes the model card's.
        spacing: (row, column) in mm of images whose file does not say it.
    """

    modality: Modality | None = None
    slices: Literal["auto", "all"] | int = "auto"
    formats: tuple[str, ...] = USUAL_FORMATS
    model: str | None = None
    score: float | None = None
    anchor: tuple[str, int] | None = None
    overwrite: bool = False
    spacing: tuple[float, float] | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of the input.

    Attributes:
        done: a row of the summary for each result.
        failed: key or file name, and reason.
        passed_over: intact files and series of a kind that is not segmented.
        other_files: number of files of other kinds that lay among the input.
    """

    done: list[dict[str, Any]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    passed_over: list[Refusal] = field(default_factory=list)
    other_files: int = 0


def segment_all(
    inputs: Sequence[Path],
    out: Path,
    options: Options,
    on_progress: Progress = lambda text, done, total: None,
    on_done: Callable[[dict[str, Any]], None] = lambda row: None,
) -> Outcome:
    """Segment every series and write results, `summary.csv` and, if need be, `failures.csv`.

    A series that fails is recorded and the others go on.

    Raises:
        UnreadableInput: nothing in the input can be read.
        UsageError: `out` cannot be written, holds results already, or the model is not there.
    """
    named = load_model(options.model) if options.model else None
    study = read(list(inputs))
    _prepare(out, study.series, options)
    models: dict[str, LoadedModel] = {}
    outcome = Outcome(
        failed=[(r.name, r.reason) for r in study.refused if r.failed],
        passed_over=[r for r in study.refused if not r.failed],
        other_files=study.passed_over,
    )
    try:
        for series in study.series:
            series = _as_told(series, options)
            with _failure_noted(series.key, outcome):
                loaded, told = named, series
                if loaded is None:
                    name, told = model_for(series, options.modality)
                    if name not in models:
                        models[name] = load_model(name)
                    loaded = models[name]
                elif options.modality is not None:
                    told = replace(series, modality=options.modality)
                _segment_parts(told, loaded, out, options, outcome, on_progress, on_done)
    finally:  # an interrupted run accounts for what it completed
        _account(out, outcome)
    return outcome


def _as_told(series: Series, options: Options) -> Series:
    """The series with what the user says of it: a spacing where it has none, and a warning where
    the modality is another than the file's."""
    if options.modality and series.modality not in (None, options.modality):
        doubt = f"taken for {options.modality}; the file says {series.modality}"
        series = replace(series, warnings=(*series.warnings, doubt))
    if options.spacing is None:
        return series
    if series.spacing_source is not None:
        told = f"--spacing is not used: the file says it ({series.spacing_source})"
        return replace(series, warnings=(*series.warnings, told))
    return replace(
        series,
        slices=tuple(replace(one, spacing=options.spacing) for one in series.slices),
        spacing_source="given",
        warnings=tuple(warning for warning in series.warnings if warning != NO_SPACING),
    )


def _segment_parts(
    series: Series,
    loaded: LoadedModel,
    out: Path,
    options: Options,
    outcome: Outcome,
    on_progress: Progress,
    on_done: Callable[[dict[str, Any]], None],
) -> None:
    """Segment a series or, with --slice all, each slice; slices that show nothing are passed over.

    Raises:
        NothingFound: nothing was found on any slice.
    """
    before = len(outcome.done)
    nothing: NothingFound | None = None
    for one, choice in _parts(series, options):
        with _failure_noted(one.key, outcome):
            try:
                row = _segment_one(one, choice, loaded, out, options, on_progress)
                outcome.done.append(row)
                on_done(row)
            except NothingFound as error:
                nothing = error
    if nothing is not None and len(outcome.done) == before:
        raise nothing


@contextmanager
def _failure_noted(key: str, outcome: Outcome) -> Iterator[None]:
    """Note an error as this series' failure and go on: one series never stops the others."""
    try:
        yield
    except SpineError as error:
        outcome.failed.append((key, str(error)))
    except OSError as error:
        outcome.failed.append((key, error.strerror or type(error).__name__))
    except Exception as error:
        lines = str(error).splitlines() or [""]
        outcome.failed.append((key, f"unexpected {type(error).__name__}: {lines[0][:200]}"))


def _prepare(out: Path, series: Sequence[Series], options: Options) -> None:
    """Make the folder and see to it that results can be written and none is replaced unasked."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror})") from error
    taken = [s.key for one in series for s, _ in _parts(one, options) if (out / s.key).exists()]
    foreign = [key for key in taken if not is_result(out / key)]
    if foreign:
        raise UsageError(f"{out / foreign[0]}: is in the way and not a result of SpineTK")
    if taken and not options.overwrite:
        more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise UsageError(f"{out}: holds results of {taken[0]}{more} already; see --overwrite")


def _parts(series: Series, options: Options) -> list[tuple[Series, Literal["auto"] | int]]:
    """The series as it is, or with --slice all once for each slice under a key of its own."""
    if options.slices != "all":
        return [(series, options.slices)]
    return [
        (replace(series, key=f"{series.key}-slice-{index:03d}"), index)
        for index in range(len(series.slices))
    ]


def _segment_one(
    series: Series,
    choice: Literal["auto"] | int,
    loaded: LoadedModel,
    out: Path,
    options: Options,
    on_progress: Progress,
) -> dict[str, Any]:
    """Segment and write one series; returns its row of the summary."""
    total = len(series.slices) if choice == "auto" else 1
    result = segment(
        series,
        loaded,
        slice_choice=choice,
        score=options.score,
        anchor=options.anchor,
        on_slice=lambda done: on_progress(series.key, done, total),
    )
    threshold = loaded.model.score_threshold if options.score is None else options.score
    asked = {
        "modality": options.modality or "auto",
        "slice": options.slices,
        "format": list(options.formats),
        "score": threshold,
        "spacing_mm": list(options.spacing) if options.spacing else None,
        "anchor": "=".join(map(str, options.anchor)) if options.anchor else None,
    }
    result = write_result(out, result, loaded.model, asked, options.formats)
    return {
        "key": series.key,
        "modality": series.modality or "",
        "selected_slice": result.slice_index,
        "n_slices": len(series.slices),
        "bodies": sum(i.kind == BODY_KIND for i in result.instances),
        "discs": sum(i.kind == DISC_KIND for i in result.instances),
        "seconds": round(sum(result.seconds.values()), 3),
        "warnings": "; ".join(result.warnings),
    }


def _account(out: Path, outcome: Outcome) -> None:
    """Write summary.csv, and failures.csv where something failed (an old one is removed).

    The summary keeps the rows of earlier runs whose results are still there.
    """
    summary = out / "summary.csv"
    new = {row["key"] for row in outcome.done}
    earlier: list[dict[str, Any]] = []
    if summary.is_file():
        with summary.open(newline="", encoding="utf-8") as stream:
            earlier = [
                {name: row.get(name, "") for name in SUMMARY_COLUMNS}
                for row in csv.DictReader(stream)
                if row.get("key") not in new and is_result(out / str(row.get("key")))
            ]
    _write_rows(summary, SUMMARY_COLUMNS, [*earlier, *outcome.done])
    failures = [{"key": key, "reason": reason} for key, reason in outcome.failed]
    if failures:
        _write_rows(out / "failures.csv", ("key", "reason"), failures)
    else:
        (out / "failures.csv").unlink(missing_ok=True)


def _write_rows(path: Path, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=columns)
        writer.writeheader()
        writer.writerows(rows)
