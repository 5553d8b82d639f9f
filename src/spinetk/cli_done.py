"""What the command line says of results."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spinetk.cli_common import tell

HELPFUL_OPTIONS = {
    "modality-assumed": "--modality",
    "no-spacing": "--spacing",
    "spacing-missing": "--spacing",
    "level-unknown": "--anchor",
}
"""What a user of the command line can say about a warning."""
NAMED = 10
"""So many results are named."""


def say_done(out: Path, row: dict[str, Any], named: bool) -> None:
    """Say that a series is done, as soon as it is, and to a person of which input (`named`): a
    file that the lines are kept in shall not hold names of folders."""
    number = row["instance_number"]
    image = f" (image {number})" if number is not None else ""
    source = f", of {row['source']}" if named and sys.stdout.isatty() else ""
    codes = row["warning_codes"].split()
    options = [HELPFUL_OPTIONS[code] for code in codes if code in HELPFUL_OPTIONS]
    more = f" ({len(codes)} warning{'s' if len(codes) > 1 else ''}, see run.json" if codes else ""
    more += f"; {', '.join(options)} may help" if options else ""
    more += ")" if codes else ""
    tell(
        f"{row['key']}: slice {row['selected_slice']}{image}, vertebral bodies: {row['bodies']}, "
        f"discs: {row['discs']}{source} -> {out / row['key']}{more}"
    )


def verdicts(rows: Sequence[dict[str, Any]], failed: Sequence[str] = ()) -> str:
    """How many results can be used as they are, which cannot, and what gave none.

    >>> row = {"verdict": "ok", "key": "a"}
    >>> verdicts([row, row | {"verdict": "check", "key": "b"}], ["c"])
    '1 ok; 1 to check: b; 1 failed: c'
    """
    parts: list[str] = []
    for judgement, text in (("ok", "ok"), ("check", "to check"), ("reject", "to reject")):
        keys = [str(row["key"]) for row in rows if row["verdict"] == judgement]
        which = f": {_named(keys)}"
        if keys:
            parts.append(f"{len(keys)} {text}{which if judgement != 'ok' else ''}")
    if failed:
        parts.append(f"{len(failed)} failed: {_named(failed)}")
    return "; ".join(parts)


def _named(keys: Sequence[str]) -> str:
    return f"{', '.join(keys[:NAMED])}{', ...' if len(keys) > NAMED else ''}"
