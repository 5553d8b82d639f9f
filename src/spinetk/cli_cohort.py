"""`spinetk gather` and `spinetk compare`: what is done with several results together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from spinetk.cli_common import hint, say, tell
from spinetk.errors import UsageError

DOUBT = " (doubtful: an outline or a result behind it is not ok)"


def gather(
    out: Annotated[Path, typer.Argument(help="Folder of results.", metavar="OUT")],
    participants: Annotated[
        Path | None,
        typer.Option(help="Table with participant_id, whose columns are added to every value."),
    ] = None,
) -> None:
    """Put results together: one table of all measures, its codebook, the summary and a page."""
    from spinetk.cohort.gather import gather as run

    done = run(out, participants)
    also = " and measurements.parquet" if done.parquet else ""
    tell(f"{done.results} results, {done.values} values: {out / 'measurements.csv'}{also}")
    tell(f"{done.page}")
    if done.failed:
        say(f"failed, or could not be read: {done.failed}, see {out / 'failures.csv'}")
    if done.several:
        which = _some(done.several)
        hint(
            f"series with several results, whose persons count twice: {which}; reject those that "
            "are not meant (`spinetk serve OUT`), or leave them out by the column `result`"
        )
    if done.without_participant:
        hint(f"without a participant: {_some(done.without_participant)}")


def _some(keys: Sequence[str]) -> str:
    """How many, and the first of them."""
    return f"{len(keys)} ({', '.join(keys[:5])}{', ...' if len(keys) > 5 else ''})"


def compare(
    results: Annotated[
        list[Path], typer.Argument(help="Results of one person, the earliest first.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for tables and the page.")],
) -> None:
    """Compare results of one person over time: what changed, and by more than chance."""
    from spinetk.cohort.followup import PAGE, write_comparison
    from spinetk.cohort.over_time import time_point

    if len(results) < 2:
        raise UsageError("name two results or more, the earliest first")
    found = write_comparison([time_point(folder) for folder in results], out)
    for fracture in found:
        tell(
            f"new fracture suspected: {fracture.level}, {fracture.measure.replace('_', ' ')} "
            f"{fracture.earlier:.1f} -> {fracture.later:.1f} mm{DOUBT if fracture.doubtful else ''}"
        )
    tell(out / PAGE)


def reference(
    out: Annotated[Path, typer.Argument(help="Folder of results, gathered.", metavar="OUT")],
    file: Annotated[Path, typer.Option("-o", "--out", help="JSON file of the reference group.")],
    about: Annotated[str, typer.Option(help="Who these people are: it stays with the figures.")],
) -> None:
    """Build a reference group from a cohort's table, by sex and age where it has them."""
    from spinetk.cohort.reference import EVERYBODY, build, write_reference

    made = build(out, about)
    write_reference(file, made)
    groups = ", ".join(sorted(made.norms.keys() - {EVERYBODY})) or "no groups by sex or age"
    tell(f"{file}: {made.people} results, {len(made.norms[EVERYBODY])} measures; {groups}")
