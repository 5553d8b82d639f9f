"""What a label's name says: its class and its level."""

from __future__ import annotations

import re
from pathlib import Path

from spinetk.anatomy import VERSE_IDS
from spinetk.errors import SpineError

BODY_NAME, DISC_NAME = "vertebral_body", "intervertebral_disc"
LEVEL = r"(?:C[1-7]|T(?:1[0-3]|[1-9])|L[1-6]|S1)"
DISC_BASE = 100
"""A disc's number is this more than that of the vertebra above it."""
_ITK_SNAP_LINE = re.compile(r'^\s*(\d+)\s+\d+\s+\d+\s+\d+\s+\S+\s+\S+\s+\S+\s+"(.*)"')

Label = tuple[str, str | None]
"""Class name and level."""


def class_of(name: str) -> Label:
    """Class and level of a label's name, as people write them.

    "L3", "vertebra L3" and "L3_body" are a vertebral body, "L3-L4", "L3/4" and "disc L3/L4" a
    disc; "vertebra" and "disc" are those without a level. Any other name is a class of its own.
    """
    text = name.strip()
    pair = re.search(rf"\b({LEVEL})\s*[-/_]\s*({LEVEL}|[1-7])\b", text, re.IGNORECASE)
    if pair:
        upper, lower = pair[1].upper(), pair[2].upper()
        return DISC_NAME, f"{upper}-{lower if lower[0].isalpha() else upper[0] + lower}"
    single = re.search(rf"(?<![A-Za-z0-9])({LEVEL})(?![0-9])", text, re.IGNORECASE)
    words = text.lower().replace("_", " ")
    if single:
        return (DISC_NAME if re.search(r"\b(dis[ck]|ivd)\b", words) else BODY_NAME), (
            None if re.search(r"\b(dis[ck]|ivd)\b", words) else single[1].upper()
        )
    if re.fullmatch(r"(vertebra|vertebrae|vertebral (body|bodies)|body|bodies|vb)", words):
        return BODY_NAME, None
    if re.fullmatch(r"(intervertebral )?(dis[ck]s?|ivds?)", words):
        return DISC_NAME, None
    return text, None


def verse_numbers() -> dict[int, Label]:
    """VerSe's numbers (C1 = 1 ... L6 = 25, T13 = 28; 26, the whole sacrum, is left out), and discs
    as 100 + the number of the vertebra above, as SpineTK writes them."""
    levels = {number: level for level, number in VERSE_IDS.items()}
    bodies = {n: (BODY_NAME, level) for n, level in levels.items() if level != "S1"}
    discs = {n + DISC_BASE: (DISC_NAME, _below(level)) for n, level in levels.items()}
    return {**bodies, **{n: label for n, label in discs.items() if label[1]}}


def spider_numbers() -> dict[int, Label]:
    """SPIDER's numbers: vertebrae from L5 = 1 upwards, discs from L5-S1 = 201 upwards; 100, the
    canal, and 101 to 125, vertebrae that are only partly visible, are left out.

    Source: van der Graaf et al., Sci Data 11 (2024) 264. The numbers count from the lowest lumbar
    vertebra; where that is transitional, the names are the source's.
    """
    upwards = [f"L{i}" for i in range(5, 0, -1)] + [f"T{i}" for i in range(12, 0, -1)]
    upwards += [f"C{i}" for i in range(7, 0, -1)]
    bodies = {i + 1: (BODY_NAME, level) for i, level in enumerate(upwards)}
    below = ["S1", *upwards]
    discs = {201 + i: (DISC_NAME, f"{level}-{below[i]}") for i, level in enumerate(upwards)}
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
        raise SpineError(f"{path}: holds no label in ITK-SNAP's description format")
    return found


def _below(level: str) -> str | None:
    """Name of the disc below a level, as "L4-L5"; none below S1."""
    chain = [*VERSE_IDS]
    chain = [f"C{i}" for i in range(1, 8)] + [f"T{i}" for i in range(1, 13)]
    chain += [f"L{i}" for i in range(1, 6)] + ["S1"]
    if level not in chain or level == "S1":
        return None
    return f"{level}-{chain[chain.index(level) + 1]}"
