"""Temporary folders that do not outlive their process, however it ended."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from pathlib import Path

from spinetk.atomic import is_alive

PREFIX = "spinetk-"
LEFT_SECONDS = 600.0
NAME = re.compile(rf"{PREFIX}(\d+)-.+")


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A new folder that bears the number of this process; it goes when nothing refers to it."""
    return tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-")


def sweep_temporary() -> None:
    """Delete the temporary folders of this user's processes that were killed: they hold studies.

    A process of another container that shares the folder is not known here: what was changed lately
    stays.
    """
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        found = NAME.fullmatch(path.name)
        if not found or path.is_symlink() or not path.is_dir():
            continue
        with contextlib.suppress(FileNotFoundError):  # just being deleted
            about = path.stat()
            late = time.time() - about.st_mtime > LEFT_SECONDS
            if late and about.st_uid == os.getuid() and not is_alive(int(found[1])):
                shutil.rmtree(path, ignore_errors=True)
