"""A study that was copied here from elsewhere - an archive, an object store - for as long as it is
segmented."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from spinetk.errors import UnreadableInput


@dataclass(frozen=True)
class Fetched:
    """A study that was copied here.

    Attributes:
        folder: holds its files; goes when it is closed.
        missing: why it is only a part of the study; None for all of it.
        top: what in the folder is the input, from which places are told; None for the folder.
    """

    folder: tempfile.TemporaryDirectory[str]
    missing: str | None = None
    top: Path | None = None

    @property
    def place(self) -> Path:
        """What is to be segmented."""
        return self.top or Path(self.folder.name)


def whole_study(fetched: Fetched, source: str, *, partial: bool) -> Fetched:
    """What was fetched, if it is the whole study or a part is welcome.

    Args:
        source: what a person calls the place that it is from.

    Raises:
        UnreadableInput: it is a part.
    """
    if fetched.missing and not partial:
        fetched.folder.cleanup()
        told = f"only a part of the study came ({fetched.missing}); nothing is segmented or stored"
        raise UnreadableInput(f"{told} unless --partial is given", source)
    return fetched
