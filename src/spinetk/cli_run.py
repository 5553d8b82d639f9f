"""Run what `spinetk segment` was asked for, of files or an archive, and say what became of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from spinetk.cli_common import console, needs, say
from spinetk.cli_done import say_done
from spinetk.errors import SpineError, UnreadableInput
from spinetk.warning import Warning

if TYPE_CHECKING:  # what takes long to load is loaded when it is needed
    from spinetk.batch_options import Options, Outcome
    from spinetk.dicom_net.archive import Archive


def segmented(
    inputs: list[Path],
    out: Path,
    options: Options,
    cluster: str | None,
    *,
    quiet: bool,
    named: bool,
) -> Outcome:
    """Segment an input, and say what became of it.

    Args:
        named: say of which input each result is.
    """
    from spinetk.batch import segment_all
    from spinetk.cores import cores

    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        console=console, transient=True, disable=quiet or not console.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task("reading", total=None)
        outcome = segment_all(
            inputs,
            out,
            options,
            on_done=lambda row: None if quiet else say_done(out, row, named=named),
            on_progress=lambda text, done, total: bar.update(
                task, description=text, completed=done, total=total
            ),
            workers=cores(),
            cluster=cluster,
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


def from_archive(
    archive: Archive,
    study: str,
    out: Path,
    options: Options,
    cluster: str | None,
    partial: bool,
    quiet: bool,
) -> Outcome:
    """Segment a study of an archive, and store its results there."""
    came = archive.fetch(study, partial=partial)
    with came.folder as folder:
        if came.missing:
            text = f"only a part of the study: {came.missing}"
            options = replace(options, told=(Warning("partial", text),))
        outcome = segmented([Path(folder)], out, options, cluster, quiet=quiet, named=False)
        done = [str(row["key"]) for row in outcome.done]
        # those of an interrupted run may not have been stored yet; a server takes one twice
        count = archive.store([out / key for key in sorted({*done, *outcome.kept})])
    print(f"stored {count} instances in {archive.name}")
    return outcome


def all_that_answer(
    archive: Any,
    query: str,
    out: Path,
    options: Options,
    cluster: str | None,
    partial: bool,
    quiet: bool,
) -> Outcome:
    """Segment the studies that answer a query, one at a time; one that fails is told and the others
    go on. With `--continue` those that have results are not fetched again."""
    from spinetk.batch_options import Outcome
    from spinetk.results.keys import dicom_key

    whole = Outcome()
    for study in archive.studies(query):
        prefix = dicom_key(study, 0).removesuffix("0")
        if options.keep and any(out.glob(f"{prefix}*/run.json")):
            whole.kept.append(prefix.rstrip("-"))
            continue
        try:
            whole.add(from_archive(archive, study, out, options, cluster, partial, quiet))
        except SpineError as error:
            say(str(error))
            whole.failed.append((prefix.rstrip("-"), error.reason))
    if not whole.done and not whole.kept and not whole.failed:
        raise UnreadableInput("has no study that answers the query", archive.name)
    return whole


def archive_of(url: str | None, node: str | None, port: int | None) -> Any:
    """The archive that was named; None where none was."""
    if url:
        needs("dicomweb", "dicomweb_client")
        from spinetk.dicom_net.web import WebArchive

        return WebArchive(url)
    if node:
        needs("serve", "pynetdicom")
        from spinetk.dicom_net.peers import parse_peer
        from spinetk.dicom_net.retrieve import NodeArchive

        return NodeArchive(parse_peer(node), port)
    return None
