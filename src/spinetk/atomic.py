"""Write beside, then rename: what bears its name is complete, whatever ends the process.

Results, states and everything else that others may read while it is written go through here. What
is not complete has a hidden name with the number of the process that writes it
(`.unfinished-PID-...`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

UNFINISHED = ".unfinished-"
TRIES = 20
SPARE_BYTES = 512 * 2**20
"""So much of the disk is left free by those who take files in."""


def unfinished(place: Path) -> Path:
    """A name beside a place for what is not complete yet; nothing is written."""
    return place.with_name(f"{UNFINISHED}{os.getpid()}-{uuid.uuid4().hex[:12]}")


@contextmanager
def whole_file(place: Path, *, synced: bool = False) -> Iterator[Path]:
    """A path to write a file to; it takes its place at the end, or is deleted after an error.

    An older file there is replaced in one step.

    Args:
        synced: on the disk before it takes its place, so that a power cut does not lose it.
    """
    path = unfinished(place)
    try:
        yield path
        if synced:
            sync_file(path)
        path.replace(place)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def sync_file(path: Path) -> None:
    """Have a file's content on the disk: no power cut takes it after this."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def sync_names(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


@contextmanager
def whole_folder(place: Path) -> Iterator[Path]:
    """An empty folder to write to; it takes its place at the end, or is deleted after an error.

    An older folder there makes way in the same moment and is put back if the new one does not come;
    of two that are written to one place at a time the last one stays. A process that is killed in
    that moment leaves both under hidden names (`leftovers`).

    Raises:
        FileNotFoundError: the folder that it is to lie in is not there: somebody deleted it.
    """
    path, older = unfinished(place), unfinished(place)
    path.mkdir()
    try:
        yield path
        for _ in range(TRIES):
            with contextlib.suppress(FileNotFoundError):  # there is none, or another has just gone
                place.rename(older)
            try:
                path.rename(place)
                break
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
                shutil.rmtree(older, ignore_errors=True)  # another's came in between
        else:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(place))
    except BaseException:
        if older.exists() and not place.exists():
            older.rename(place)
        shutil.rmtree(path, ignore_errors=True)
        shutil.rmtree(older, ignore_errors=True)
        raise
    shutil.rmtree(older, ignore_errors=True)


def leftovers(folder: Path) -> list[Path]:
    """Folders and files that processes of this machine were writing when they were killed."""
    found = []
    for path in folder.glob(f"{UNFINISHED}*"):
        owner = path.name.removeprefix(UNFINISHED).partition("-")[0]
        if owner.isdecimal() and not is_alive(int(owner)):
            found.append(path)
    return sorted(found)


def lock_folder(folder: Path) -> IO[str]:
    """Keep a folder for this process as long as the file that is returned is open.

    Raises:
        OSError: another process has it (EAGAIN), or the folder cannot be written.
    """
    file = (folder / ".lock").open("w")
    try:
        import fcntl
    except ImportError:  # not on Windows
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    return file


def is_alive(process: int) -> bool:
    """Whether a process of this machine runs, by its number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def write_text(place: Path, text: str) -> None:
    """Write a text file (UTF-8) that is whole at any time."""
    with whole_file(place) as path:
        path.write_text(text, encoding="utf-8")


def remove_unfinished(folder: Path) -> None:
    """Delete what a process that was killed left in a folder; nothing else may write there."""
    for path in folder.glob(f"{UNFINISHED}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
