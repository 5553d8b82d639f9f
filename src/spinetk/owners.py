"""Whether the process that made a file or folder for itself still lives, so that what it left can
be deleted when it does not: on this machine, in a container beside, or on another machine that
shares the disk.

A folder is locked by its owner as long as it is in use: the lock goes with the process, however it
ended, and no other process gets it by having the same number (in a container every program is
number 1). A file bears the machine and the number of its owner.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"
"""This machine, in names of files."""
OWNED = re.compile(r"(?P<host>[0-9a-f]{8})-(?P<process>\d+)-.+")
OTHERS_SECONDS = 86_400.0
"""Of another machine's files nothing is known but their age."""


def owned_name() -> str:
    """What a name begins with that tells its owner, this process.

    >>> OWNED.fullmatch(owned_name() + "abc")["process"] == str(os.getpid())
    True
    """
    return f"{HOST}-{os.getpid()}-"


def is_left(path: Path, name: str) -> bool:
    """Whether the owner of a file or folder is gone.

    Args:
        name: the part of its name that begins as `owned_name`.
    """
    found = OWNED.fullmatch(name)
    if found is None:
        return False
    if found["host"] != HOST:
        return time.time() - path.stat().st_mtime > OTHERS_SECONDS and not _is_held(path)
    held = _is_held(path)
    return not is_alive(int(found["process"])) if held is None else not held


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Lock a folder for this process, where the system can."""
    number = hold(folder)
    try:
        yield
    finally:
        if number is not None:
            os.close(number)


@contextmanager
def used(folder: Path, *, alone: bool) -> Iterator[None]:
    """Keep a folder for this process, or for those that share it, where the system can.

    Raises:
        BlockingIOError: others have it, one of them alone, or this one is to be alone.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(number, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno == errno.EWOULDBLOCK:
                raise
            # the disk has no locks
        yield
    finally:
        os.close(number)


def hold(folder: Path) -> int | None:
    """Lock a folder for this process until what is returned is closed (`os.close`); None where the
    system, or the disk, has no such locks."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return None
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(number)
        return None
    return number


def _is_held(path: Path) -> bool | None:
    """Whether a process has locked a folder; None where that cannot be told."""
    if not path.is_dir():
        return None
    try:
        import fcntl
    except ImportError:  # not on Windows
        return None
    with contextlib.suppress(OSError):
        number = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(number)
        return False
    return None


def is_alive(process: int) -> bool:
    """Whether a process of this machine runs, by its number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
