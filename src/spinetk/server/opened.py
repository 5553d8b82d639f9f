"""A folder of the command line's results, opened in the server: its images lie where they lay."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path

from spinetk.errors import UsageError
from spinetk.readers import find
from spinetk.readers.find import FoundSeries
from spinetk.results.folders import results_in, summary_row
from spinetk.results.provenance import SourceRow, known_sources
from spinetk.server.job import Job


def job_of(results: Path, images: Path | None) -> Job:
    """A job that stands for a folder of results.

    Args:
        images: what was segmented; else it is looked for where the results' sources.csv says, from
            here and from beside the results.

    Raises:
        UsageError: the folder holds no result.
    """
    if not results.is_dir():
        raise UsageError("no such folder", results)
    rows = tuple(summary_row(record) for _, record in results_in(results))
    if not rows:
        raise UsageError("holds no result of SpineTK", results)
    place = results.resolve()
    now = time.time()
    return Job(
        hashlib.sha256(str(place).encode(errors="surrogateescape")).hexdigest()[:32],
        place.name,
        state="done",
        created=now,
        touched=now,
        results=rows,
        results_at=str(place),
        images_at=str(images.resolve()) if images else "",
    )


def images_of(job: Job, key: str) -> tuple[Path, str]:
    """Where the images of a series lie, and the SHA-256 that its result has of them.

    Raises:
        UsageError: they are not there.
    """
    results = Path(job.results_at)
    row = next((row for row in reversed(known_sources(results)) if row.key == key), None)
    for place in _places(row, results, job.images_at) if row else ():
        if place.exists():
            return place, row.input_sha256 if row else ""
    text = "its images are not where they were: start the server with --images"
    raise UsageError(f"{text} and what was segmented", key)


def _places(row: SourceRow, results: Path, named: str) -> list[Path]:
    """The path of a source is from the folder that held what the user named."""
    told = [Path(named).parent, Path(named)] if named else [Path.cwd(), results.parent]
    if row.input:
        return [base / row.input for base in told]
    return told[1:] if named else []  # a run that kept no sources.csv


def series_in(place: Path, key: str, sha256: str | None = None) -> FoundSeries | None:
    """A series below a place.

    Args:
        key: that it has there; with `sha256` that it gets.
        sha256: of its input, by which it is known where another key was asked for.
    """
    series = find([place]).series
    if sha256 is None:
        return next((item for item in series if item.key == key), None)
    own = next((item for item in series if item.input_sha256 == sha256), None)
    return replace(own, key=key) if own else None
