"""Take uploaded files to disk, within limits and within their folder."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from spinetk.atomic import see_room, unfinished
from spinetk.errors import UnreadableInput, UsageError
from spinetk.readers.archives import Room, is_archive, unpack

MOST_FILES = 20_000
"""Of one study, unpacked."""
LONGEST_NAME = 120
LOOK_BYTES = 16 * 2**20
"""So often the disk's room is looked at while a file comes: others come at the same time."""


class TooLarge(UsageError):
    """An upload is over the limit, or over what the disk has room for."""


def place_for(folder: Path, name: str) -> Path:
    """Where a file goes: under its own last name, in a folder of ours for each of the upload's.

    Nothing else of the given name is used, so that no name leads out of the folder; files of one
    folder stay together, for the header of a volume may name another file. Two names have two
    places: one that cannot be kept as it is gets a mark of the whole.
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    given = parts[-1] if parts else ""
    last = "".join(c if c.isprintable() else "_" for c in given)
    # the end of a name tells its kind; file systems count bytes
    last = last.encode("utf-8", "replace")[-LONGEST_NAME:].decode("utf-8", "ignore").lstrip(".")
    if last != given or not last:
        last = f"{_mark(given)}-{last}"
    return folder / _mark("/".join(parts[:-1])) / last


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def size_of(path: Path) -> int | None:
    """Bytes of a file, None where there is none."""
    return path.stat().st_size if path.exists() else None


async def receive(chunks: AsyncIterator[bytes], target: Path, room: int) -> tuple[Path, int]:
    """Stream a file to disk beside its place; returns where it lies, and its bytes. The caller puts
    it in its place, or deletes it; a file that is cut short leaves nothing.

    Raises:
        TooLarge: it is longer than `room` or than the disk allows.
    """
    target.parent.mkdir(exist_ok=True)  # not its parent: the job may have been deleted
    partial = unfinished(target)
    written = looked = 0
    try:
        with partial.open("wb") as stream:
            async for chunk in chunks:
                if written >= looked:
                    stream.flush()
                    _see_room(target.parent)
                    looked = written + LOOK_BYTES
                written += len(chunk)
                if written > room:
                    raise TooLarge("the upload is over the limit of this server")
                stream.write(chunk)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return partial, written


def _see_room(folder: Path) -> None:
    try:
        see_room(folder, LOOK_BYTES)
    except OSError as error:
        raise TooLarge("the server's disk is full") from error


def unpack_archives(folder: Path, most_bytes: int) -> None:
    """Put the files of archives, and of archives in them, in their archive's place.

    Args:
        most_bytes: that all files of the folder may have in the end.

    Raises:
        UnreadableInput: damaged, locked with a password, or too large.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    archives = [path for path in files if is_archive(path)]
    there = sum(path.stat().st_size for path in files)
    room = Room.of_disk(folder, archives, most_bytes - there)
    room.files = MOST_FILES - len(files)
    for path in archives:
        into = path.with_name(path.name + ".unpacked")
        shutil.rmtree(into, ignore_errors=True)  # of a run that was interrupted
        into.mkdir()
        for item in unpack(path, into, room):
            raise UnreadableInput(item.reason, item.name)
        path.unlink()
