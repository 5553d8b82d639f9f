"""The folder of results of a run: what may be written there, under which keys, and its accounts."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from spinetk.batch_options import Options, Outcome
from spinetk.case_names import called, renamed, with_folders, with_kept_keys
from spinetk.case_places import in_shard, source_of
from spinetk.errors import SpineError, UsageError
from spinetk.network.registry import find_model
from spinetk.readers import FoundSeries, FoundStudy
from spinetk.results.folders import put_back, write_rows, write_summary
from spinetk.results.keys import slice_keys_pattern
from spinetk.results.provenance import FILE as SOURCES
from spinetk.results.provenance import append_sources, known_sources, write_sources
from spinetk.results.record import FILE, is_result, is_whole, whole_record
from spinetk.study import Refusal


def prepare(out: Path, series: Sequence[FoundSeries], options: Options) -> list[FoundSeries]:
    """Make the folder and see to it that results can be written and none is replaced unasked;
    returns the series that are to be segmented."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise UsageError(f"cannot be written ({error.strerror})", out) from error
    put_back(out)
    taken = [folder for item in series for folder in folders_of(out, item.key, options)]
    foreign = [folder for folder in taken if not is_result(folder)]
    if foreign:
        raise UsageError("is in the way and not a result of SpineTK", foreign[0])
    _of_other_studies(taken, options)
    if options.keep:  # of a series of which every slice is asked for, some may be missing
        for item in series:
            _same_input(item, folders_of(out, item.key, options))
        every = options.slices == "all"
        return [item for item in series if every or not is_whole(out / item.key)]
    if taken and not options.overwrite:
        more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise UsageError(
            f"holds results of {taken[0].name}{more} already; see --continue and --overwrite",
            out,
        )
    return list(series)


def _of_other_studies(taken: Sequence[Path], options: Options) -> None:
    """See that no result of this run is replaced by that of another study.

    Raises:
        SpineError: it would be; the run goes on.
    """
    for folder in taken:
        record = folder / FILE
        since = options.started
        if since is not None and record.is_file() and record.stat().st_mtime >= since:
            text = f"its result would be called {folder.name}, as that of another study"
            raise SpineError(f"{text}: name them by --key-from")


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


def of_other_networks(out: Path, keys: Sequence[str], options: Options) -> list[tuple[str, str]]:
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


def without_tables(out: Path, keys: Sequence[str], options: Options) -> list[tuple[str, str]]:
    """That results which are kept lack a table that is asked for now."""
    asked = {
        "per_body.csv": options.slices == "per-body",
        "slices.csv": options.around is not None,
        "reference.csv": options.reference is not None,
        "pyradiomics.csv": options.pyradiomics is not None,
    }
    told = []
    for name in (name for name, wanted in asked.items() if wanted):
        lacking = sum(not (out / key / name).is_file() for key in keys)
        if lacking:
            told.append((f"{lacking} of the results that are kept", f"have no {name}"))
    return told


def folders_of(out: Path, key: str, options: Options) -> list[Path]:
    """What lies in the places of a series' results."""
    if options.slices == "all":
        of_series = slice_keys_pattern(key)
        return sorted(path for path in out.iterdir() if of_series.fullmatch(path.name))
    return [out / key] if (out / key).exists() else []


def as_named(found: FoundStudy, inputs: Sequence[Path], out: Path, options: Options) -> FoundStudy:
    """The series under the keys that were asked for and those of their results that are there; of a
    shard, its own."""
    series: Sequence[FoundSeries] = found.series
    if options.key_from:
        series, lacking = renamed(series, options.key_from, inputs)
        found = replace(found, refused=(*found.refused, *lacking))
    elif options.apart:
        series = with_folders(series, inputs)
    if options.studies:
        empty = [s for s in options.studies if not any(s.holds(i.place) for i in series)]
        lacking = [Refusal(str(s.key or s.path.name), "holds no series") for s in empty]
        found = replace(found, refused=(*found.refused, *lacking))
        series = called(series, options.studies)
    if options.keep and out.is_dir() and not options.apart:
        series = with_kept_keys(series, known_sources(out), inputs)
    if options.shard and not options.apart:
        series = [item for item in series if in_shard(item, inputs, options.shard)]
    return replace(found, series=tuple(series))


def account(out: Path, outcome: Outcome, options: Options) -> None:
    """Write summary.csv, and failures.csv where something failed (an old one is removed). Shards
    leave the summary to `spinetk gather`."""
    if options.shard is None:
        write_summary(out)
    path = out / of_shard("failures.csv", options.shard)
    failures = [{"key": key, "reason": reason} for key, reason in outcome.failed]
    if failures:
        write_rows(path, ("key", "reason"), failures, owner_only=True)  # names of files
    else:
        path.unlink(missing_ok=True)


def note_sources(
    out: Path, series: Sequence[FoundSeries], inputs: Sequence[Path], options: Options
) -> None:
    """Write down which input each result is of."""
    rows = []
    for item in series:
        records = (whole_record(folder) for folder in folders_of(out, item.key, options))
        record = next((one for one in records if one is not None), None)
        if record is not None and record.input_sha256:
            rows.append(source_of(item, inputs, record.input_sha256))
    name = of_shard(SOURCES, options.shard)
    if options.apart:
        append_sources(out, rows, name)
    elif rows:
        write_sources(out, rows, name)


def compact_sources(out: Path, options: Options) -> None:
    """Leave one row of each key where rows were added one by one."""
    name = of_shard(SOURCES, options.shard)
    if options.sources and (out / name).is_file():
        write_sources(out, (), name)


def of_shard(name: str, shard: tuple[int, int] | None) -> str:
    """The name of a file of a run, or of one shard of it."""
    if shard is None:
        return name
    stem, _, ending = name.rpartition(".")
    return f"{stem}-{shard[0]:04d}-of-{shard[1]:04d}.{ending}"
