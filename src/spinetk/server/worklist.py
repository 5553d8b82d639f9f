"""Every result that waits for a person, the worst first."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from spinetk.atomic import whole_file
from spinetk.errors import SpineError
from spinetk.results.keys import in_order
from spinetk.results.looks import Look, looks_in
from spinetk.results.record import FILE, Record, whole_record
from spinetk.results.versions import latest
from spinetk.structures import BODY_KIND, RANKS

WORST_FIRST = ("reject", "check", None, "ok")
"""Verdicts; None is that of an early version."""
THUMBNAIL_HEIGHT = 160
"""Pixels."""


@dataclass(frozen=True)
class WorkItem:
    """A result, or the latest corrected version of it.

    Attributes:
        original: the key of what the network gave.
        levels: the uppermost and the lowest body that have a name, as "T11-S1"; empty without any.
        look: what a person said of this very version.
    """

    key: str
    original: str
    record: Record
    levels: str
    look: Look | None


def work_in(results: Path) -> list[WorkItem]:
    """The results of a folder, the worst first: by their verdict, then by the number of reasons."""
    if not results.is_dir():
        return []
    said = looks_in(results)
    items = [
        WorkItem(record.key, record.original_key, record, levels_of(path), said.get(record.key))
        for path, record in latest(dict(_records(results))).items()
    ]
    return sorted(items, key=_rank)


def _records(results: Path) -> Iterator[tuple[Path, Record]]:
    """The results with their records: one that was read is read again only when it has changed."""
    for path in sorted(results.iterdir()):
        try:
            changed = (path / FILE).stat().st_mtime_ns
        except OSError:  # no result, or just being deleted
            continue
        record = None if path.name.startswith(".") else _record(path, changed)
        if record is not None:
            yield path, record


@lru_cache(maxsize=10_000)
def _record(path: Path, _changed: int) -> Record | None:
    return whole_record(path)


def _rank(item: WorkItem) -> tuple[object, ...]:
    worst = WORST_FIRST.index(item.record.verdict)
    return worst, -len(item.record.reasons), in_order(item.original)


def levels_of(folder: Path) -> str:
    """The uppermost and the lowest named body of a result; empty without any."""
    path = folder / "instances.csv"
    try:
        return _levels(path, path.stat().st_mtime_ns)
    except OSError:  # a run without tables, or just being deleted
        return ""


@lru_cache(maxsize=10_000)
def _levels(path: Path, _changed: int) -> str:
    with path.open(newline="", encoding="utf-8", errors="replace") as stream:
        rows = list(csv.DictReader(stream))
    named = [r["level"] for r in rows if r.get("kind") == BODY_KIND and r.get("level") in RANKS]
    if not named:
        return ""
    upper, lower = min(named, key=RANKS.__getitem__), max(named, key=RANKS.__getitem__)
    return upper if upper == lower else f"{upper}-{lower}"


def thumbnail(folder: Path, place: Path) -> Path:
    """A small picture of a result's overlay, made once for each state of it.

    Raises:
        SpineError: the result has none.
    """
    overlay = folder / "overlay.png"
    if not overlay.is_file():
        raise SpineError("the result has no overlay", folder.name)
    if place.exists() and place.stat().st_mtime_ns >= overlay.stat().st_mtime_ns:
        return place
    picture = cv2.imdecode(np.frombuffer(overlay.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise SpineError("the overlay cannot be read", folder.name)
    height, width = picture.shape[:2]
    size = max(1, round(width * THUMBNAIL_HEIGHT / height)), THUMBNAIL_HEIGHT
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    place.parent.mkdir(exist_ok=True)
    with whole_file(place) as unfinished:
        unfinished.write_bytes(cv2.imencode(".png", small)[1].tobytes())
    return place
