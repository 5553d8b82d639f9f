"""What the words of the command line's options mean."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from spinetk.errors import UsageError
from spinetk.structures import BODY_LEVELS
from spinetk.writers.formats import FORMATS


def one_of(option: str, value: str, choices: dict[str, Any]) -> Any:
    """What a choice stands for.

    Raises:
        UsageError: it is none of them.
    """
    if value not in choices:
        raise UsageError(f"{option} {value}: one of {', '.join(choices)}")
    return choices[value]


def study_of(text: str) -> str:
    """A StudyInstanceUID (PS3.5 9.1), which becomes part of an address.

    Raises:
        UsageError: it is none.
    """
    if not re.fullmatch(r"[0-9.]{1,64}", text):
        raise UsageError("digits and points, at most 64", f"--study {text}")
    return text


def secret_of(file: Path) -> str:
    """The secret that a file holds.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise UsageError("cannot be read as a secret", f"--token-file {file}") from error


def slice_choice(text: str) -> Any:
    """ "auto", "all", "per-body" or a slice's number.

    Raises:
        UsageError: none of them.
    """
    if text in ("auto", "all", "per-body"):
        return text
    if text.isdigit():
        return int(text)
    raise UsageError(f"--slice {text}: auto, all, per-body or a number")


def shard_of(text: str) -> tuple[int, int]:
    """Parse "3/16" to (3, 16).

    Raises:
        UsageError: not of this form, or I is not from 1 to N.
    """
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    part, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= part <= count:
        raise UsageError("I/N, with I from 1 to N", f"--shard {text}")
    return part, count


def spacing_of(text: str) -> tuple[float, float]:
    """Parse "0.5" or "0.5,0.4" (row, column) in mm.

    Raises:
        UsageError: not of this form, or no spacing of an image.
    """
    from spinetk.readers.header_checks import SPACING_MM, usable_spacing

    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in (1, 2) or not usable_spacing(values):
        low, high = SPACING_MM
        raise UsageError(f"--spacing {text}: one or two numbers of mm, from {low:g} to {high:g}")
    return values[0], values[-1]


def anchor_of(text: str) -> tuple[str, int]:
    """Parse "L5=2" to ("L5", 2).

    Raises:
        UsageError: not of this form.
    """
    level, _, order = text.partition("=")
    level = level.strip().upper()
    if level not in BODY_LEVELS or not order.strip().isdigit() or int(order) < 1:
        raise UsageError(
            "give a level and the body's place from below, as in L5=2", f"--anchor {text}"
        )
    return level, int(order)


def formats_of(text: str) -> tuple[str, ...]:
    """Parse a list of formats, each once.

    Raises:
        UsageError: one is not known, or there is none.
    """
    chosen = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [name for name in chosen if name not in FORMATS]
    if unknown or not chosen:
        raise UsageError(f"a list of {', '.join(FORMATS)}", f"--format {text}")
    return chosen
