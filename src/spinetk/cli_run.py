"""Run what `spinetk segment` was asked for, of files or an archive, and say what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from spinetk.cli_common import console, needs, say, tell
from spinetk.cli_done import say_done
from spinetk.errors import SpineError, UnreadableInput
from spinetk.warning import Warning

if TYPE_CHECKING:  # what takes long to load is loaded when it is needed
    from spinetk.batch_options import Options, Outcome
    from spinetk.dicom_net.archive import Archive
    from spinetk.fetched import Fetched
    from spinetk.object_store import ObjectStore


@dataclass(frozen=True)
class Run:
    """A run of the command.

    Attributes:
        out: folder of the results.
        cluster: of Dask, that shares the series.
        partial: take a part of a study where no more of it comes.
        quiet: print errors only.
    """

    out: Path
    options: Options
    cluster: str | None = None
    partial: bool = False
    quiet: bool = False


def segmented(run: Run, inputs: list[Path], *, named: bool) -> Outcome:
    """Segment an input, and say what became of it.

    Args:
        named: say of which input each result is.
    """
    from spinetk.batch import segment_all
    from spinetk.cores import cores

    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        console=console, transient=True, disable=run.quiet or not console.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task("reading", total=None)
        outcome = segment_all(
            inputs,
            run.out,
            run.options,
            on_done=lambda row: None if run.quiet else say_done(run.out, row, named=named),
            on_progress=lambda text, done, total: bar.update(
                task, description=text, completed=done, total=total
            ),
            workers=cores(),
            cluster=run.cluster,
        )
    for key, reason in outcome.failed:
        say(f"{key}: {reason}")
    for refusal in outcome.passed_over:
        say(f"passed over {refusal.name}: {refusal.reason}")
    for key, text in outcome.told:
        say(f"{key}: {text}")
    if outcome.kept:
        say(f"results that were there and were kept: {len(outcome.kept)}")
    if outcome.other_files:
        say(f"passed over files of other kinds: {outcome.other_files}")
    return outcome


def from_archive(run: Run, archive: Archive, study: str) -> Outcome:
    """Segment a study of an archive, and store its results there."""
    outcome = _of_fetched(run, archive.fetch(study, partial=run.partial), named=False)
    done = [str(row["key"]) for row in outcome.done]
    # those of an interrupted run may not have been stored yet; a server takes one twice
    count = archive.store([run.out / key for key in sorted({*done, *outcome.kept})])
    tell(f"stored {count} instances in {archive.name}")
    return outcome


def all_that_answer(run: Run, archive: Any, query: str) -> Outcome:
    """Segment the studies that answer a query, one at a time."""
    return _every(
        run,
        archive.studies(query),
        lambda study, options: from_archive(replace(run, options=options), archive, study),
        UnreadableInput("has no study that answers the query", archive.name),
    )


def all_in_store(run: Run, store: ObjectStore) -> Outcome:
    """Segment the studies of an object store, one at a time."""
    return _every(
        run,
        store.studies(),
        lambda study, options: _of_fetched(
            replace(run, options=options), store.fetch(study), named=True
        ),
        UnreadableInput("holds no study", store.name),
    )


def _every(
    run: Run, studies: Iterable[str], segment: Callable[[str, Options], Outcome], none: SpineError
) -> Outcome:
    """Segment every study; without one that was looked at, say so."""
    from spinetk.one_by_one import one_by_one

    whole = one_by_one(studies, run.out, run.options, segment, lambda error: say(str(error)))
    if not whole.done and not whole.kept and not whole.failed and run.options.shard is None:
        raise none
    return whole


def _of_fetched(run: Run, came: Fetched, *, named: bool) -> Outcome:
    """Segment a study that was copied here."""
    options = run.options
    with came.folder:
        if came.missing:
            text = f"only a part of the study: {came.missing}"
            options = replace(options, told=(Warning("partial", text),))
        return segmented(replace(run, options=options), [came.place], named=named)


def store_of(url: str) -> ObjectStore:
    """The object store that was named."""
    needs("store", "fsspec")
    from spinetk.object_store import ObjectStore

    return ObjectStore(url)


def archive_of(url: str | None, node: str | None, port: int | None) -> Any:
    """The archive that was named; None where none was."""
    if url:
        needs("dicomweb", "dicomweb_client")
        from spinetk.dicom_net.web import WebArchive

        return WebArchive.at(url)
    if node:
        needs("serve", "pynetdicom")
        from spinetk.dicom_net.peers import parse_peer
        from spinetk.dicom_net.retrieve import NodeArchive

        return NodeArchive(parse_peer(node), port)
    return None
