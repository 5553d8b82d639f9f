"""`spinetk gather`: what is done with many results together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinetk.cli_common import console, say


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
    print(f"{done.results} results, {done.values} values: {out / 'measurements.csv'}{also}")
    print(f"{done.page}")
    if done.failed:
        say(f"failed: {done.failed}, see {out / 'failures.csv'}")
    if done.without_participant:
        names = ", ".join(done.without_participant[:5])
        more = ", ..." if len(done.without_participant) > 5 else ""
        console.print(f"without a participant: {len(done.without_participant)} ({names}{more})")
