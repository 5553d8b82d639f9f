"""A study that was copied here from elsewhere - an archive, an object store - for as long as it is
segmented."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from spinetk.atomic import see_room
from spinetk.errors import UnreadableInput
from spinetk.temporary import TemporaryFolder

SPARE_BYTES = 64 * 2**20
"""Left free on the disk that studies are copied to."""


@dataclass(frozen=True)
class Fetched:
    """A study that was copied here.

    Attributes:
        folder: holds its files; goes when it is closed.
        missing: why it is only a part of the study; None for all of it.
        top: what in the folder is the input, from which places are told; None for the folder.
    """

    folder: TemporaryFolder
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


def see_room_for(folder: TemporaryFolder, wanted: int = 0) -> None:
    """See that a temporary folder takes more of a study.

    Args:
        wanted: bytes that are to come.

    Raises:
        UnreadableInput: it does not.
    """
    try:
        see_room(Path(folder.name), wanted, SPARE_BYTES)
    except OSError as error:
        where = tempfile.gettempdir()
        text = f"the temporary folder ({where}) has no room for the study: TMPDIR names another"
        raise UnreadableInput(text) from error
