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
    if any(folder.iterdir()) and not (folder / BASE).exists():  # earlier versions had no marker
        raise UsageError("is not empty and no folder of spinetk serve: name a new one", folder)
    (folder / MARKER).write_text(MARKED)


def open_base(folder: Path) -> sqlite3.Connection:
    """The file of the jobs, readable for its owner only. A damaged one, or one of another kind, is
    put aside and a new one begun: what it knew is found again in the folders.

    Raises:
        UsageError: another program keeps it locked.
    """
    path = folder / BASE
    try:
        return _connected(path)
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise UsageError("another program keeps it locked", path) from error
    number = 1
    while (aside := path.with_name(f"{BASE}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    for ending in ("-wal", "-shm"):
        path.with_name(BASE + ending).unlink(missing_ok=True)
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
