"""Where a case lies, from what the user named: for accounts, and for the shard that does it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from spinetk.errors import readable
from spinetk.readers.find import FoundSeries
from spinetk.results.provenance import SourceRow


def source_of(item: FoundSeries, inputs: Sequence[Path], input_sha256: str) -> SourceRow:
    """Where a series comes from, for sources.csv.

    Args:
        input_sha256: of the series, as its result's record has it.
    """
    number = own_name(item) if is_dicom(item) else ""
    place = readable(place_in(item, inputs).as_posix())
    return SourceRow(item.key, place, number, input_sha256)


def in_shard(item: FoundSeries, inputs: Sequence[Path], shard: tuple[int, int]) -> bool:
    """Whether a series belongs to shard I of N, by the SHA-256 of where it lies and what it is
    called: adding or removing others moves none.

    Args:
        shard: (I, N), I from 1.
    """
    text = f"{place_in(item, inputs).as_posix()}\n{own_name(item)}"
    return part_of(text, shard[1]) == shard[0]


def part_of(text: str, parts: int) -> int:
    """Which of so many parts something belongs to, by the SHA-256 of what it is called; from 1."""
    digest = hashlib.sha256(text.encode(errors="surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") % parts + 1


def place_in(item: FoundSeries, inputs: Sequence[Path]) -> Path:
    """Where a series lies, from the folder that holds the input that the user named."""
    place = item.place
    if any(top.is_absolute() for top in inputs):
        place = place.absolute()
    for top in inputs:
        if place == top and top.is_file():  # named by itself: as it was named
            return place
        if place == top or place.is_relative_to(top):
            return place.relative_to(top.parent) if top.name else place
    return Path(place.name)


def own_name(item: FoundSeries) -> str:
    """The series' own name: the file's stem, or of DICOM the series' number."""
    key = item.content.key
    return re.sub(r"^[0-9a-f]{8}-", "", key) if is_dicom(item) else key


def is_dicom(item: FoundSeries) -> bool:
    """Whether a series is DICOM; everything else is a file of its own."""
    return not item.content.place.is_file()
