"""Write beside, then rename: what bears its name is complete, whatever ends the process.

Results, states and everything else that others may read while it is written go through here. What
is not complete has a hidden name with the machine and the process that writes it
(`.unfinished-HOST-PID-...`).
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

from spinetk.owners import LOCK, hold, is_left, owned_name

UNFINISHED = ".unfinished-"
TRIES = 20
SPARE_BYTES = 512 * 2**20
"""So much of the disk is left free by those who take files in."""


def see_room(folder: Path, wanted: int = 0, spare: int = SPARE_BYTES) -> None:
    """See that a disk takes more and keeps its reserve: whoever takes something in asks while it
    comes, for others come at the same time.

    Args:
        wanted: bytes that are to come.

    Raises:
        OSError: it is full (ENOSPC).
    """
    if shutil.disk_usage(folder).free - wanted < spare:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def unfinished(place: Path) -> Path:
    """A name beside a place for what is not complete yet; nothing is written."""
    return place.with_name(f"{UNFINISHED}{owned_name()}{uuid.uuid4().hex[:12]}")


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
def whole_folder(place: Path, *, new: bool = False) -> Iterator[Path]:
    """A folder to write to; it takes its place at the end, or is deleted after an error.

    An older folder there makes way in the same moment and is put back if the new one does not come;
    of two that are written to one place at a time the last one stays. A process that is killed in
    that moment leaves both under hidden names (`leftovers`).

    Args:
        new: nothing is to be replaced.

    Raises:
        FileNotFoundError: the folder that it is to lie in is not there: somebody deleted it.
        FileExistsError: it was to be new, and another came in between.
    """
    path, older = unfinished(place), unfinished(place)
    path.mkdir()
    lock = hold(path)
    try:
        yield path
        (path / LOCK).unlink(missing_ok=True)
        for _ in range(TRIES):
            with contextlib.suppress(FileNotFoundError):  # there is none, or another has just gone
                if not new:
                    place.rename(older)
            try:
                path.rename(place)
                break
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
                if new:
                    raise FileExistsError(errno.EEXIST, "another came there", place) from error
                shutil.rmtree(older, ignore_errors=True)  # another's came in between
        else:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(place))
    except BaseException:
        if older.exists() and not place.exists():
            older.rename(place)
        shutil.rmtree(path, ignore_errors=True)
        raise
    finally:
        if lock is not None:
            lock.close()
        shutil.rmtree(older, ignore_errors=True)


def leftovers(folder: Path) -> list[Path]:
    """Folders and files that processes were writing when they were killed."""
    found = []
    for path in folder.glob(f"{UNFINISHED}*"):
        with contextlib.suppress(FileNotFoundError):  # just being completed
            if is_left(path, path.name.removeprefix(UNFINISHED)):
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
