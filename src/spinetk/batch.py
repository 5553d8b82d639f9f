"""Segment every series of an input into an output folder, and keep the account of it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from spinetk.case_names import in_shard, renamed, source_of, with_kept_keys
from spinetk.debugging import unexpected
from spinetk.errors import NothingFound, SpineError, UsageError
from spinetk.hounsfield import with_units_checked
from spinetk.measures.full_radiomics import extractor, full_radiomics
from spinetk.measures.table import Row
from spinetk.measures.through_slices import on_best_slices, over_slices
from spinetk.network.loaded import LoadedModel, load_model, model_for
from spinetk.network.registry import find_model
from spinetk.pipeline import segment
from spinetk.readers import FoundSeries, FoundStudy, find
from spinetk.readers.pixel_store import StoredSlices
from spinetk.results.folders import put_back, summary_row, write_rows, write_summary
from spinetk.results.keys import slice_key, slice_keys_pattern, volume_key
from spinetk.results.provenance import known_sources, write_sources
from spinetk.results.record import is_result, whole_record
from spinetk.results.write import write_result
from spinetk.solids import OutlinedSlice
from spinetk.study import NO_SPACING, Modality, Refusal, Segmentation, Series
from spinetk.temporary import sweep_temporary
from spinetk.warning import Warning
from spinetk.workers import in_workers
from spinetk.writers.formats import USUAL_FORMATS
from spinetk.writers.volume_outputs import write_volume

FEWEST_FOR_WORKERS = 6
"""A worker takes over a second to start."""
FULL_BYTES = 2**20
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Options:
    """What `spinetk segment` was asked for.

    Attributes:
        modality: None takes it from the file.
        slices: "auto" selects one, "all" takes each in turn, a number takes that one; "per-body"
            selects one and also measures each structure on the slice that shows it best.
        around: measure on so many slices around the selected one, too; None on that one only.
        model: a shipped network's name or a path; None goes by modality.
        score: threshold 0..1; None takes the model card's.
        pyradiomics: parameter file of PyRadiomics, whose features are written, too.
        overwrite: replace results that are there.
        keep: leave series alone whose results are there: an interrupted run goes on.
        spacing: (row, column) in mm of images whose file does not say it.
        key_from: template of the keys (`case_names.template_of`); None leaves the readers'.
        sources: write sources.csv, which names the inputs.
        shard: (I, N): segment the I-th of N parts of the series, that other processes share.
        told: what every result must say of the input, as that only a part of it came.
    """

    modality: Modality | None = None
    slices: Literal["auto", "all", "per-body"] | int = "auto"
    around: int | None = None
    formats: tuple[str, ...] = USUAL_FORMATS
    model: str | None = None
    score: float | None = None
    anchor: tuple[str, int] | None = None
    pyradiomics: Path | None = None
    overwrite: bool = False
    keep: bool = False
    spacing: tuple[float, float] | None = None
    key_from: str | None = None
    sources: bool = False
    shard: tuple[int, int] | None = None
    told: tuple[Warning, ...] = ()


@dataclass
class Outcome:
    """What became of an input, or of one of its series; it grows with each of them.

    Attributes:
        done: a row of the summary for each result, and as "source" the file or folder that it is
            of, which no file says: folders may bear a patient's name.
        failed: key or file name, and reason.
        passed_over: intact files and series of a kind that is not segmented.
        other_files: number of files of other kinds that lay among the input.
        read: number of series whose pixels could be read.
        kept: keys of results that were there and were left alone.
        told: key, and what is to be known of it.
    """

    done: list[dict[str, Any]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    passed_over: list[Refusal] = field(default_factory=list)
    other_files: int = 0
    read: int = 0
    kept: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)

    def refuse(self, refused: Iterable[Refusal]) -> None:
        """Take account of what was not read."""
        for item in refused:
            if item.failed:
                self.failed.append((item.name, item.reason))
            else:
                self.passed_over.append(item)

    def add(self, other: Outcome) -> None:
        """Take account of another series."""
        self.done += other.done
        self.failed += other.failed
        self.passed_over += other.passed_over
        self.other_files += other.other_files
        self.read += other.read
        self.kept += other.kept
        self.told += other.told


def segment_all(
    inputs: Sequence[Path],
    out: Path,
    options: Options,
    on_progress: Progress = lambda text, done, total: None,
    on_done: Callable[[dict[str, Any]], None] = lambda row: None,
    workers: int = 1,
    models: dict[str, LoadedModel] | None = None,
) -> Outcome:
    """Segment every series and write results, `summary.csv` and, if need be, `failures.csv`.

    Series are read and segmented one by one, so that memory does not grow with their number. One
    that fails is recorded and the others go on.

    Args:
        on_progress: called with what is under way, how much of it is done, and of how much.
        on_done: called with each row of the summary.
        workers: processes that share the series, each on one core; used from `FEWEST_FOR_WORKERS`
            series on. (The caller's main module must be importable, as `multiprocessing` wants.)
        models: those that are loaded by now, by name; others are added. Workers load their own.

    Raises:
        UnreadableInput: nothing in the input can be read.
        UsageError: `out` cannot be written, holds results already, or the model is not there.
    """
    if options.model:
        find_model(options.model)
    if options.pyradiomics:
        extractor(options.pyradiomics)
    sweep_temporary()
    found = _as_named(find(inputs), inputs, out, options)
    made = not out.exists()
    todo = _prepare(out, found.series, options) if found.series else []
    outcome = Outcome(other_files=len(found.passed_over))
    outcome.kept = [item.key for item in found.series if item not in todo]
    if options.keep:
        unread = [
            item.key for item in todo if (out / item.key).exists() and options.slices != "all"
        ]
        text = "its run.json could not be read: made anew"
        outcome.told += [(key, text) for key in unread]
    outcome.told += _of_other_networks(out, outcome.kept, options)
    if options.shard is None or options.shard[0] == 1:  # once
        outcome.refuse(found.refused)
    shared = workers > 1 and len(todo) >= FEWEST_FOR_WORKERS
    loaded: dict[str, LoadedModel] = {} if models is None else models
    segmented: Generator[Outcome] = (
        in_workers(_alone, [(item, out, options) for item in todo], workers, _lost)
        if shared
        else (segment_found(item, out, options, loaded, on_progress) for item in todo)
    )
    try:
        with closing(segmented):  # what processes have under way is completed
            for count, more in enumerate(segmented):
                outcome.add(more)
                for row in more.done:
                    on_done(row)
                if shared:
                    on_progress("series", count + 1, len(todo))
    finally:  # an interrupted run accounts for what it completed
        if found.series:
            _account(out, outcome, options)
            if options.sources:
                _note_sources(out, found.series, inputs, options)
    if options.shard and not found.series:  # few cases, many shards
        return outcome
    if not outcome.read and not outcome.kept:
        if made and found.series:  # others may write here, too
            for name in ("summary.csv", "failures.csv"):
                (out / name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                out.rmdir()
        refused = [Refusal(*item) for item in outcome.failed] + outcome.passed_over
        raise found.nothing_read(inputs, refused)
    return outcome


def segment_found(
    found: FoundSeries,
    out: Path,
    options: Options,
    models: dict[str, LoadedModel],
    on_progress: Progress = lambda text, done, total: None,
    threads: int | None = None,
) -> Outcome:
    """Read, segment and write one series.

    Args:
        models: those that are loaded by now, by name; this one is added.
    """
    outcome = Outcome()
    with _failure_noted(found.key, outcome):
        series, refused = found.load()
        outcome.refuse(refused)
        if series is None:
            return outcome
        outcome.read = 1
        asked = _as_asked(series, options)
        if options.model is None:
            name, asked = model_for(asked, options.modality)
        else:
            name, asked = options.model, replace(asked, modality=options.modality or asked.modality)
        asked = with_units_checked(asked)
        if name not in models:
            models[name] = load_model(name, threads)
        known = models[name].model.input_sides
        if asked.modality is not None and asked.modality not in known:
            text = f"the network {name} was not made for {asked.modality} (but {', '.join(known)})"
            warning = Warning("other-modality-network", text)
            asked = replace(asked, warnings=(*asked.warnings, warning))
        _segment_parts(asked, models[name], out, options, outcome, on_progress)
        for row in outcome.done:
            row["source"] = str(found.place)
    return outcome


_models: dict[str, LoadedModel] = {}
"""Of a worker process."""


def _alone(task: tuple[FoundSeries, Path, Options]) -> Outcome:
    """Segment one series in a worker process, on one core."""
    return segment_found(*task, _models, threads=1)


def _lost(task: tuple[FoundSeries, Path, Options]) -> Outcome:
    """What to say of a series whose worker process died."""
    return Outcome(failed=[(task[0].key, "its process ended: killed, or out of memory")])


def _as_asked(series: Series, options: Options) -> Series:
    """The series with what the user says of it: a spacing where it has none, and a warning where
    the modality is another than the file's."""
    series = replace(series, warnings=(*series.warnings, *options.told))
    if options.modality and series.modality not in (None, options.modality):
        text = f"taken for {options.modality}; the file says {series.modality}"
        warning = Warning("modality-changed", text)
        series = replace(series, warnings=(*series.warnings, warning))
    if options.spacing is None:
        return series
    if series.spacing_source is not None:
        text = f"the spacing given is not used: the file says it ({series.spacing_source})"
        warning = Warning("spacing-not-used", text)
        return replace(series, warnings=(*series.warnings, warning))
    return replace(
        series,
        slices=series.slices.with_spacing(options.spacing)
        if isinstance(series.slices, StoredSlices)
        else tuple(replace(item, spacing=options.spacing) for item in series.slices),
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
) -> None:
    """Segment a series or, where all are asked for, each slice; those that show nothing are passed
    over.

    Raises:
        NothingFound: nothing was found on any slice.
    """
    nothing: NothingFound | None = None
    outlined: list[OutlinedSlice] = []
    for item, choice in _parts(series, options):
        if options.keep and whole_record(out / item.key):
            outcome.kept.append(item.key)
            continue
        with _failure_noted(item.key, outcome):
            try:
                result = _segmented(item, choice, loaded, options, on_progress)
                tables = _more_tables(result, loaded, options, on_progress)
                if options.around is not None and "slices.csv" not in tables:
                    text = "slices.csv was not written: no other slice shows the same structures"
                    outcome.told.append((item.key, text))
                outcome.done.append(_written(result, loaded, out, options, tables))
                if options.slices == "all":
                    outlined.append(OutlinedSlice.of(result))
            except NothingFound as error:
                nothing = error
    if nothing is not None and not outcome.done and not outcome.kept:
        raise nothing
    key = volume_key(series.key)
    if options.slices == "all" and outcome.kept and not (out / key).exists():
        # the slices that were there are not outlined anew, and a part is no volume
        text = "not made where slices were kept: run all of them anew with --overwrite"
        outcome.told.append((key, text))
    if len(outlined) > 1 and not outcome.kept:
        with _failure_noted(key, outcome):
            asked = _asked(loaded, options)
            formats = options.formats
            missing = write_volume(out / key, series, outlined, loaded.model, formats, asked)
            outcome.told += [(key, warning.text) for warning in missing]


@contextmanager
def _failure_noted(key: str, outcome: Outcome) -> Iterator[None]:
    """Note an error as this series' failure and go on: one series never stops the others."""
    try:
        yield
    except SpineError as error:
        outcome.failed.append((key, error.about(key)))
    except OSError as error:
        outcome.failed.append((key, _of_the_system(error)))
    except Exception as error:  # its words may quote the header
        outcome.failed.append((key, unexpected(error)))


def _of_the_system(error: OSError) -> str:
    """What went wrong; a full disk is said to be which."""
    temporary = Path(tempfile.gettempdir())
    if shutil.disk_usage(temporary).free < FULL_BYTES:
        return f"no space left in the temporary folder {temporary}; TMPDIR names another"
    return error.strerror or f"cannot be written: is the disk full? ({type(error).__name__})"


def _prepare(out: Path, series: Sequence[FoundSeries], options: Options) -> list[FoundSeries]:
    """Make the folder and see to it that results can be written and none is replaced unasked;
    returns the series that are to be segmented."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise UsageError(f"cannot be written ({error.strerror})", out) from error
    put_back(out)
    taken = [folder for item in series for folder in _folders(out, item.key, options)]
    foreign = [folder for folder in taken if not is_result(folder)]
    if foreign:
        raise UsageError("is in the way and not a result of SpineTK", foreign[0])
    if options.keep:  # of a series of which every slice is asked for, some may be missing
        for item in series:
            _same_input(item, _folders(out, item.key, options))
        every = options.slices == "all"
        return [item for item in series if every or not whole_record(out / item.key)]
    if taken and not options.overwrite:
        more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise UsageError(
            f"holds results of {taken[0].name}{more} already; see --continue and --overwrite",
            out,
        )
    return list(series)


def _same_input(series: FoundSeries, folders: Sequence[Path]) -> None:
    """See to it that the results that are kept are of this very series.

    Raises:
        UsageError: one is of another, whose name or number happens to be the same.
    """
    records = {folder: record for folder in folders if (record := whole_record(folder))}
    own = series.input_sha256 if records else None  # a large file takes its time
    for folder, record in records.items():
        if record.input_sha256 != own:
            why = (
                "is the result of another input of that name, or of an earlier version"
                if record.input_sha256
                else "was made by an earlier version and does not say of which input it is"
            )
            raise UsageError(f"{why}; name another folder than {folder.parent}", folder)


def _of_other_networks(out: Path, keys: Sequence[str], options: Options) -> list[tuple[str, str]]:
    """That results which are kept were made by another network, or another state of it, than the
    others will be."""
    records = [record for key in keys if (record := whole_record(out / key))]
    present: dict[str, str] = {}  # a network's files are read to tell their hash: each once
    for name in {options.model or record.model.name for record in records}:
        with contextlib.suppress(UsageError):  # a network that is not here any more
            present[name] = find_model(name).sha256
    others = sum(
        present.get(options.model or record.model.name) != record.model.sha256 for record in records
    )
    text = "were made by another network than the present one (column model of summary.csv)"
    return [(f"{others} of the results that are kept", text)] if others else []


def _folders(out: Path, key: str, options: Options) -> list[Path]:
    """What lies in the places of a series' results."""
    if options.slices == "all":
        of_series = slice_keys_pattern(key)
        return sorted(path for path in out.iterdir() if of_series.fullmatch(path.name))
    return [out / key] if (out / key).exists() else []


def _parts(series: Series, options: Options) -> list[tuple[Series, Literal["auto"] | int]]:
    """The series as it is, or where all slices are asked for each under a key of its own."""
    if options.slices == "per-body":
        return [(series, "auto")]
    if options.slices != "all":
        return [(series, options.slices)]
    return [
        (replace(series, key=slice_key(series.key, index)), index)
        for index in range(len(series.slices))
    ]


def _segmented(
    series: Series,
    choice: Literal["auto"] | int,
    loaded: LoadedModel,
    options: Options,
    on_progress: Progress,
) -> Segmentation:
    """Segment one series, or one slice of it."""
    return segment(
        series,
        loaded,
        slice_choice=choice,
        score=options.score,
        anchor=options.anchor,
        on_slice=lambda done, total: on_progress(series.key, done, total),
    )


def _asked(loaded: LoadedModel, options: Options) -> dict[str, Any]:
    """The options of a result, as its record keeps them."""
    return {
        "modality": options.modality or "auto",
        "slice": options.slices,
        "slices_around": options.around,
        "pyradiomics": options.pyradiomics.name if options.pyradiomics else None,
        "format": list(options.formats),
        "score": loaded.model.score_threshold if options.score is None else options.score,
        "spacing_mm": list(options.spacing) if options.spacing else None,
        "anchor": "=".join(map(str, options.anchor)) if options.anchor else None,
    }


def _more_tables(
    result: Segmentation, loaded: LoadedModel, options: Options, on_progress: Progress
) -> dict[str, list[Row]]:
    """More tables that were asked for, by the file's name: PyRadiomics' features, and what other
    slices of the series show."""
    tables: dict[str, list[Row]] = {}
    if options.pyradiomics:
        tables["pyradiomics.csv"] = full_radiomics(result, extractor(options.pyradiomics))
    shown = [count.index for count in result.trace if count.bodies]
    if options.slices == "per-body":
        # all between: thin series are searched coarsely, structures are followed slice by slice
        indices = list(range(min(shown), max(shown) + 1)) if shown else []
        name, measure = "per_body.csv", on_best_slices
    elif options.around is not None:
        every = range(len(result.series.slices))
        near = sorted(every, key=lambda index: abs(index - result.slice_index))
        indices, name, measure = sorted(near[: options.around]), "slices.csv", over_slices
    else:
        return tables
    outlined = []
    for done, index in enumerate(sorted({*indices, result.slice_index})):
        on_progress(f"{result.series.key}, slices", done, len(indices))
        with contextlib.suppress(NothingFound):
            other = result
            if index != result.slice_index:
                other = segment(result.series, loaded, slice_choice=index, score=options.score)
            outlined.append(OutlinedSlice.of(other))
    rows = measure(result, outlined)
    return tables | ({name: rows} if rows else {})


def _written(
    result: Segmentation,
    loaded: LoadedModel,
    out: Path,
    options: Options,
    tables: dict[str, list[Row]],
) -> dict[str, Any]:
    """Write a result; returns its row of the summary."""
    asked = _asked(loaded, options)
    return summary_row(write_result(out, result, loaded.model, asked, options.formats, tables))


def _as_named(found: FoundStudy, inputs: Sequence[Path], out: Path, options: Options) -> FoundStudy:
    """The series under the keys that were asked for and those of their results that are there; of a
    shard, its own."""
    series: Sequence[FoundSeries] = found.series
    if options.key_from:
        series = renamed(series, options.key_from, inputs)
    if options.keep and out.is_dir():
        series = with_kept_keys(series, known_sources(out), inputs)
    if options.shard:
        series = [item for item in series if in_shard(item, inputs, options.shard)]
    return replace(found, series=tuple(series))


def _account(out: Path, outcome: Outcome, options: Options) -> None:
    """Write summary.csv, and failures.csv where something failed (an old one is removed). Shards
    leave the summary to `spinetk gather`."""
    if options.shard is None:
        write_summary(out)
    path = out / _of_shard("failures.csv", options.shard)
    failures = [{"key": key, "reason": reason} for key, reason in outcome.failed]
    if failures:
        write_rows(path, ("key", "reason"), failures)
    else:
        path.unlink(missing_ok=True)


def _note_sources(
    out: Path, series: Sequence[FoundSeries], inputs: Sequence[Path], options: Options
) -> None:
    rows = []
    for item in series:
        records = (whole_record(folder) for folder in _folders(out, item.key, options))
        record = next((one for one in records if one is not None), None)
        if record is not None and record.input_sha256:
            rows.append(source_of(item, inputs, record.input_sha256))
    write_sources(out, rows, _of_shard("sources.csv", options.shard))


def _of_shard(name: str, shard: tuple[int, int] | None) -> str:
    """The name of a file of a run, or of one shard of it."""
    if shard is None:
        return name
    stem, _, ending = name.rpartition(".")
    return f"{stem}-{shard[0]:04d}-of-{shard[1]:04d}.{ending}"
