"""What a label's name says: its class and its level."""

from __future__ import annotations

import re
from pathlib import Path

from spinetk.errors import SpineError
from spinetk.structures import BODY_KIND, DISC_BASE, DISC_KIND, LEVELS, VERSE_NUMBERS, disc_below

_LEVEL = r"(?:c[1-7]|(?:th?|d)(?:1[0-3]|[1-9])|l[1-6]|s1)"
_BODY_WORD = r"(?:vertebra|vertebrae|vertebral (?:body|bodies)|body|bodies|vb)"
_DISC_WORD = r"(?:(?:intervertebral )?dis[ck]s?|ivds?)"
_BODY = re.compile(rf"(?:{_BODY_WORD} )?({_LEVEL})(?: {_BODY_WORD})?")
_DISC = re.compile(rf"(?:{_DISC_WORD} )?({_LEVEL}) ?[-/]? ?({_LEVEL}|[1-7])(?: {_DISC_WORD})?")
_ITK_SNAP_LINE = re.compile(r'^\s*(\d+)\s+\d+\s+\d+\s+\d+\s+\S+\s+\S+\s+\S+\s+"(.*)"')

GERMAN = {"h": "c", "b": "t", "l": "l"}

Label = tuple[str, str | None]
"""Class name and level."""


def class_of(name: str) -> Label:
    """Class and level of a label's name, as people write them.

    "L3", "vertebra L3", "L 3", "LWK3" and "L3_body" are a vertebral body, "L3-L4", "L3/4" and
    "disc L3/L4" a disc; "vertebra" and "disc" are those without a level; Th and D stand for T. Any
    other name, "L3 pedicle" too, is a class of its own.
    """
    words = re.sub(r"[\s_]+", " ", name.strip().lower())
    words = re.sub(r"\b([ctdls]|th) (\d)", r"\1\2", words)  # "L 3"
    words = re.sub(r"\b([hbl])wk ?(\d)", lambda m: f"{GERMAN[m[1]]}{m[2]}", words)  # "LWK 3"
    single, pair = _BODY.fullmatch(words), _DISC.fullmatch(words)
    if single:
        return BODY_KIND, _level(single[1])
    if pair:
        upper = _level(pair[1])
        lower = _level(pair[2]) if pair[2][0].isalpha() else upper[0] + pair[2]
        if disc_below(upper) == f"{upper}-{lower}":
            return DISC_KIND, f"{upper}-{lower}"
    if re.fullmatch(_BODY_WORD, words):
        return BODY_KIND, None
    if re.fullmatch(_DISC_WORD, words):
        return DISC_KIND, None
    return name.strip(), None


def verse_numbers(*, s1: bool = False) -> dict[int, Label]:
    """VerSe's numbers (C1 = 1 ... L6 = 25, T13 = 28), and discs as 100 + the number of the vertebra
    above, as SpineTK writes them.

    Args:
        s1: 26 is the body of S1, as in SpineTK's own masks; in VerSe it is the whole sacrum, which
            is left out.
    """
    levels = {number: level for level, number in VERSE_NUMBERS.items()}
    bodies = {n: (BODY_KIND, level) for n, level in levels.items() if s1 or level != "S1"}
    discs = {n + DISC_BASE: (DISC_KIND, disc_below(level)) for n, level in levels.items()}
    return {**bodies, **{n: label for n, label in discs.items() if label[1]}}


def spider_numbers() -> dict[int, Label]:
    """SPIDER's numbers: vertebrae from L5 = 1 upwards, discs from L5-S1 = 201 upwards; 100, the
    canal, and 101 to 125, vertebrae that are only partly visible, are left out.

    Source: van der Graaf et al., Sci Data 11 (2024) 264. The numbers count from the lowest lumbar
    vertebra; where that is transitional, the names are the source's.
    """
    upwards = [*LEVELS[-2::-1], None]  # 25 has no level of its own
    bodies = {1 + i: (BODY_KIND, level) for i, level in enumerate(upwards)}
    discs = {
        201 + i: (DISC_KIND, disc_below(level) if level else None)
        for i, level in enumerate(upwards)
    }
    return {**bodies, **discs}


def itk_snap_names(path: Path) -> dict[int, Label]:
    """Names of label values from an ITK-SNAP label description file.

    Raises:
        SpineError: the file has no line in that format.
    """
    found = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        match = _ITK_SNAP_LINE.match(line)
        if match and int(match[1]):
            found[int(match[1])] = class_of(match[2])
    if not found:
        raise SpineError("holds no label in ITK-SNAP's description format", path)
    return found


def _level(text: str) -> str:
    return re.sub(r"^(TH|D)", "T", text.upper())
