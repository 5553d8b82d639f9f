"""The folder of a server: that it is one, and the file of its jobs in it."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spinetk.errors import UsageError

MARKER = "spinetk-serve.txt"
MARKED = """This folder belongs to `spinetk serve`: uploaded studies, their results and corrections.
What nobody corrected is deleted when its time is over.
"""
BASE = "jobs.sqlite"
JOB_FOLDER = re.compile(r"[0-9a-f]{32}")
DAMAGED = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""Of a file that is damaged, of another kind, or has other tables."""
LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
PASSING = (".trash-", ".archive-")
"""What the names of folders begin with that the server makes for a moment."""


def claim(folder: Path) -> None:
    """Make the folder of a server, for its owner only, or see that it is one.

    Raises:
        UsageError: it holds something else.
    """
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o700)  # studies are private
    if not folder.is_dir():
        raise UsageError("is no folder", folder)
    if (folder / MARKER).exists():
        return
    if any(folder.iterdir()):
        raise UsageError("is not empty and no folder of spinetk serve: name a new one", folder)
    (folder / MARKER).write_text(MARKED)


def open_base(folder: Path) -> sqlite3.Connection:
    """The file of the jobs, readable for its owner only. A damaged one, or one of another kind, is
    put aside, with what was not yet written into it, and a new one begun: what it knew is found
    again in the folders.

    Raises:
        UsageError: it cannot be opened, though it may be whole: another program keeps it locked,
            the disk is full, it may not be written.
    """
    path = folder / BASE
    try:
        return _connected(path)
    except OSError as error:
        raise UsageError(f"cannot be written ({error.strerror})", path) from error
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)  # none: what it holds is no table of jobs
        if code is not None and code & 0xFF not in DAMAGED:
            told = "another program keeps it locked" if code & 0xFF in LOCKED else str(error)
            raise UsageError(f"cannot be opened ({told})", path) from error
    number = 1
    while (aside := path.with_name(f"{BASE}.damaged-{number}")).exists():
        number += 1
    for ending in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(BASE + ending).rename(aside.with_name(aside.name + ending))
    return _connected(path)


def _connected(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with contextlib.suppress(OSError):  # not ours to change
        path.chmod(0o600)  # its companions follow it
    base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA secure_delete=ON")  # names do not stay in the file
        base.execute("CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, job TEXT)")
        base.execute("CREATE TABLE IF NOT EXISTS unread (id TEXT, job TEXT)")
        if [row[1] for row in base.execute("PRAGMA table_info(jobs)")] != ["id", "job"]:
            raise sqlite3.DatabaseError("its table of jobs is another")
        base.execute("SELECT id, job FROM jobs").fetchall()
    except BaseException:
        base.close()
        raise
    return base


@contextmanager
def changing(base: sqlite3.Connection) -> Iterator[None]:
    """A change as a whole; that the file can be written is known before anything is done."""
    base.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        base.execute("ROLLBACK")
        raise
    base.execute("COMMIT")


def job_folders(folder: Path) -> list[Path]:
    """The folders of jobs, whether or not the file knows of them."""
    return [
        path
        for path in folder.iterdir()
        if JOB_FOLDER.fullmatch(path.name) and (path / "study").is_dir()
    ]
