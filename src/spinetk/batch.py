"""Segment every series of an input into an output folder, and keep the account of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from spinetk.batch_folder import (
    account,
    as_named,
    note_sources,
    of_other_networks,
    prepare,
    without_tables,
)
from spinetk.batch_options import Options, Outcome, Progress
from spinetk.cluster import in_cluster
from spinetk.cohort.reference import read_reference
from spinetk.measures.full_radiomics import extractor
from spinetk.network.devices import providers_of
from spinetk.network.loaded import LoadedModel
from spinetk.network.registry import find_model
from spinetk.one_series import segment_found
from spinetk.readers import FoundSeries, FoundStudy, find
from spinetk.study import Refusal
from spinetk.temporary import sweep_temporary
from spinetk.workers import in_workers

FEWEST_FOR_WORKERS = 6
"""A worker takes over a second to start."""


def segment_all(
    inputs: Sequence[Path],
    out: Path,
    options: Options,
    on_progress: Progress = lambda text, done, total: None,
    on_done: Callable[[dict[str, Any]], None] = lambda row: None,
    workers: int = 1,
    models: dict[str, LoadedModel] | None = None,
    cluster: str | None = None,
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
        cluster: of Dask, that shares the series instead (`cluster.in_cluster`).

    Raises:
        UnreadableInput: nothing in the input can be read.
        UsageError: `out` cannot be written, holds results already, or the model is not there.
    """
    check(options)
    sweep_temporary()
    # of a list, places are told from its folder
    tops = [one.root.absolute() for one in options.studies] or list(inputs)
    found = find(inputs)
    made = not out.exists()
    found = as_named(found, tops, out, options)
    todo = prepare(out, found.series, options) if found.series else []
    outcome = _before(found, todo, out, options)
    done = _segmented(todo, out, options, on_progress, workers, models, cluster)
    try:
        with closing(done):  # what processes have under way is completed
            for more in done:
                outcome.add(more)
                for row in more.done:
                    on_done(row)
    finally:  # an interrupted run accounts for what it completed
        if found.series:
            if not options.apart:
                account(out, outcome, options)
            if options.sources:
                note_sources(out, found.series, tops, options)
    if options.shard and not options.apart and not outcome.read:  # few cases, many shards
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


def check(options: Options) -> None:
    """See that what the options name is there.

    Raises:
        UsageError: it is not.
    """
    if options.model:
        find_model(options.model)
    providers_of(options.device)
    if options.pyradiomics:
        extractor(options.pyradiomics)
    if options.reference:
        read_reference(options.reference)


def _before(found: FoundStudy, todo: Sequence[FoundSeries], out: Path, options: Options) -> Outcome:
    """What is to be said of an input before anything of it is segmented."""
    outcome = Outcome(other_files=len(found.passed_over))
    outcome.kept = [item.key for item in found.series if item not in todo]
    if options.keep:
        unread = [
            item.key for item in todo if (out / item.key).exists() and options.slices != "all"
        ]
        text = "it is not whole: made anew"
        outcome.told += [(key, text) for key in unread]
    outcome.told += of_other_networks(out, outcome.kept, options)
    outcome.told += without_tables(out, outcome.kept, options)
    if options.shard is None or options.shard[0] == 1 or options.apart:  # once
        outcome.refuse(found.refused)
    return outcome


def _segmented(
    todo: Sequence[FoundSeries],
    out: Path,
    options: Options,
    on_progress: Progress,
    workers: int,
    models: dict[str, LoadedModel] | None,
    cluster: str | None,
) -> Generator[Outcome]:
    """Segment series here, or share them among processes or a cluster."""
    tasks = [(item, out.absolute(), options) for item in todo]
    if cluster:
        shared = in_cluster(_alone, tasks, cluster, _lost)
    elif workers > 1 and len(todo) >= FEWEST_FOR_WORKERS:
        shared = in_workers(_alone, tasks, workers, _lost)
    else:
        loaded: dict[str, LoadedModel] = {} if models is None else models
        for item in todo:
            yield segment_found(item, out, options, loaded, on_progress)
        return
    with closing(shared):
        for count, outcome in enumerate(shared):
            yield outcome
            on_progress("series", count + 1, len(todo))


_models: dict[str, LoadedModel] = {}
"""Of a worker process."""


def _alone(task: tuple[FoundSeries, Path, Options]) -> Outcome:
    """Segment one series in a worker process, on one core."""
    return segment_found(*task, _models, threads=1)


def _lost(task: tuple[FoundSeries, Path, Options]) -> Outcome:
    """What to say of a series whose worker process died."""
    return Outcome(failed=[(task[0].key, "its process ended: killed, or out of memory")])
