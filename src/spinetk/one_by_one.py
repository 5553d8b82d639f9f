"""Segment many studies that lie elsewhere, one at a time: each is fetched, segmented, and its copy
goes again. What one study costs does not grow with the number of those before it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from spinetk.batch import check
from spinetk.batch_folder import account, compact_sources, of_shard
from spinetk.batch_options import Options, Outcome
from spinetk.case_places import part_of
from spinetk.errors import SpineError, UsageError
from spinetk.results.completed import FILE, completed, name_of, note_completed


def one_by_one(
    studies: Iterable[str],
    out: Path,
    options: Options,
    segment: Callable[[str, Options], Outcome],
    on_failure: Callable[[SpineError], None] = lambda error: None,
) -> Outcome:
    """Segment every study; one that fails is recorded and the others go on. With `options.keep`,
    those that are done are not fetched again, with `options.shard` those of others not at all.

    Args:
        studies: a StudyInstanceUID or an address each.
        segment: fetches and segments one, with these options.
        on_failure: called with why a study could not be had.

    Raises:
        UsageError: what the options ask for cannot be done, of any study.
    """
    check(options)  # before anything is fetched
    whole = Outcome()
    done = completed(out) if options.keep and out.is_dir() else {}
    own = replace(options, apart=True, started=time.time())
    try:
        for study in studies:
            if options.shard and part_of(study, options.shard[1]) != options.shard[0]:
                continue
            if kept := done.get(name_of(study)):
                whole.kept += kept
                continue
            try:
                outcome = segment(study, own)
            except UsageError:
                raise
            except SpineError as error:
                on_failure(error)
                # names of files may be written where the account of sources is
                called = study if options.sources else f"study {name_of(study)}"
                whole.failed.append((called, error.reason))
                continue
            whole.add(outcome)
            keys = [str(row["key"]) for row in outcome.done]
            if not outcome.failed and not any(map(_is_part, outcome.done)):
                note_completed(out, study, (*keys, *outcome.kept), of_shard(FILE, options.shard))
    finally:  # an interrupted run accounts for what it completed
        if whole.done or whole.kept or whole.failed:
            out.mkdir(parents=True, exist_ok=True)
            account(out, whole, options)
            compact_sources(out, options)
    return whole


def _is_part(row: dict[str, object]) -> bool:
    """Whether a result is of a part of its study."""
    return "partial" in str(row.get("warning_codes", "")).split()
