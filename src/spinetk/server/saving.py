"""Save a corrected result as a new version beside the original."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from spinetk.boxes import mask_centre
from spinetk.errors import SpineError, UsageError
from spinetk.network.registry import find_model
from spinetk.pipeline import doubts
from spinetk.results.folders import results_in, write_summary
from spinetk.results.keys import version_key
from spinetk.results.record import Record
from spinetk.results.write import write_result
from spinetk.server.editing import Marked, changes
from spinetk.server.review import Review, as_segmentation
from spinetk.structures import BODY_KIND
from spinetk.study import Correction
from spinetk.warning import Warning

MOST_CHANGES = 6
"""Of another's version that are listed."""


def save_version(
    results: Path, review: Review, marked: Sequence[Marked], who: str, note: str
) -> Record:
    """Write the corrected result beside the one that it comes from; returns its record.

    Raises:
        UsageError: nothing is marked, two instances have the same level or share pixels.
    """
    if not marked:
        raise UsageError("nothing is marked: a result holds at least one body or disc")
    named = [(item.kind, item.level) for item in marked if item.level]
    twice = next((level for kind, level in named if named.count((kind, level)) > 1), None)
    if twice:
        raise UsageError(f"{twice} is named twice")
    if np.sum([item.mask for item in marked], axis=0).max() > 1:
        raise UsageError("two instances share pixels: each pixel is of one")
    # bodies from below, then the rest from below, as results have them
    order = sorted(marked, key=lambda o: (o.kind != BODY_KIND, o.kind, -mask_centre(o.mask)[1]))
    made = as_segmentation(review, order)
    model = find_model(made.model)
    made = replace(
        made,
        series=replace(made.series, key=_next_version(results, review.record.original_key)),
        warnings=(*_of_the_source(review.record), *doubts(made.instances)),
        correction=Correction(
            of=review.key,
            who=who,
            when=datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
            changes=tuple(changes(review.marked, order)),
            note=note,
        ),
    )
    record = write_result(results, made, model, dict(review.record.options))
    with contextlib.suppress(OSError, SpineError):  # the version is saved all the same
        write_summary(results)
    return record


def saved_since(results: Path, review: Review, known: Collection[str]) -> str | None:
    """What others saved of the same original beside the known versions; None for nothing."""
    told = [
        f"{record.correction.who} saved {record.key} in the meantime "
        f"({'; '.join(record.correction.changes[:MOST_CHANGES]) or 'nothing changed'})"
        for _, record in results_in(results)
        if record.correction
        and record.original_key == review.record.original_key
        and record.key not in known
    ]
    return ", ".join(told) or None


def _next_version(results: Path, original: str) -> str:
    number = 1
    while (results / version_key(original, number)).exists():
        number += 1
    return version_key(original, number)


def _of_the_source(record: Record) -> list[Warning]:
    """Warnings that hold for the corrected version, too."""
    return [warning for warning in record.warnings if warning.kind.subject == "input"]
