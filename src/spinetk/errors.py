"""Errors that a user can act on: each is one line that says what, where and what to do."""

from __future__ import annotations


class SpineError(Exception):
    """Something that the user's input, files or options caused."""


class UnreadableInput(SpineError):
    """Nothing in the input can be read as an image (exit status 3)."""


class Unsuitable(UnreadableInput):
    """An intact image of a kind that cannot be used: passed over where it lies among others."""


class NothingFound(SpineError):
    """No structure was found on any slice."""


class UsageError(SpineError):
    """The options contradict each other or name something that is not there (exit status 2)."""
