"""Errors that a user can act on: each is one line that says where, what and what to do."""

from __future__ import annotations

import unicodedata

TURNS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def readable(text: str) -> str:
    """A file's name that can be written anywhere: bytes that are no UTF-8 (file systems allow
    them) are taken for Western European letters, and what would control a terminal, or make a
    second line, is replaced.

    >>> readable("Caf\\udce9.png")
    'Café.png'
    >>> readable("a\\x1b[2J\\nb.png")
    'a�[2J�b.png'
    """
    if text.isascii() and text.isprintable():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return "".join("\N{REPLACEMENT CHARACTER}" if _controls(c) else c for c in text)


def _controls(letter: str) -> bool:
    """Whether a letter is none: a control character, an end of line, or what turns the direction of
    the text around it."""
    return unicodedata.category(letter) in ("Cc", "Zl", "Zp") or letter in TURNS


class SpineError(Exception):
    """Something that the user's input, files or options caused.

    Attributes:
        reason: what is wrong, one line.
        place: where: a file's name, a series' key, an option; empty where the reason says it all.

    >>> str(SpineError("no such file", "scan.nii"))
    'scan.nii: no such file'
    """

    def __init__(self, reason: str, place: object = "") -> None:
        super().__init__(reason, place)
        self.reason = readable(reason)
        self.place = readable(str(place))

    def about(self, place: object) -> str:
        """What is said where the place is named already: the reason, and the place only where it
        is another.

        >>> SpineError("no such file", "scan.nii").about("scan.nii")
        'no such file'
        """
        return self.reason if self.place == readable(str(place)) else str(self)

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}" if self.place else self.reason


class UnreadableInput(SpineError):
    """Nothing in the input can be read as an image (exit status 3)."""


class Unsuitable(UnreadableInput):
    """An intact image of a kind that cannot be used: passed over where it lies among others."""


class NothingFound(SpineError):
    """No structure was found on any slice."""


class UsageError(SpineError):
    """The options contradict each other or name something that is not there (exit status 2)."""
