"""Whether the process that made a file or folder for itself still lives, so that what it left can
be deleted when it does not: on this machine, in a container beside, or on another machine that
shares the disk.

A folder is locked by its owner as long as it is in use: the lock goes with the process, however it
ended, and no other process gets it by having the same number (in a container every program is
number 1). A file bears the machine and the number of its owner.
"""

from __future__ import annotations

import os
import re
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"
"""This machine, in names of files."""
OWNED = re.compile(r"(?P<host>[0-9a-f]{8})-(?P<process>\d+)-.+")
LOCK = ".lock"
TRIES, TRY_SECONDS = 20, 0.01
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
    lock = hold(folder)
    try:
        yield
    finally:
        if lock is not None:
            lock.close()


def hold(folder: Path) -> IO[str] | None:
    """Lock a folder for this process until what is returned is closed; None where the system, or
    the disk, has no locks. It is a file in the folder that is locked: shared disks know no locks of
    folders."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return None
    file = (folder / LOCK).open("w")
    for _ in range(TRIES):  # another process may just be looking
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(TRY_SECONDS)
        except OSError:
            break
        else:
            return file
    file.close()
    return None


def _is_held(path: Path) -> bool | None:
    """Whether a process has locked a folder; None where that cannot be told."""
    if not path.is_dir():
        return None
    try:
        import fcntl
    except ImportError:  # not on Windows
        return None
    try:
        with (path / LOCK).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return True
    except FileNotFoundError:
        return False
    except OSError:
        return None
    return False


def is_alive(process: int) -> bool:
    """Whether a process of this machine runs, by its number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
