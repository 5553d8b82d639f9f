"""Temporary folders that do not outlive their process, however it ended.

Those of one process lie in one folder, which is locked as long as one of them is there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import time
import weakref
from pathlib import Path
from typing import IO

from spinetk.owners import LOCK, hold, is_left, owned_name

PREFIX = "spinetk-"
LEFT_SECONDS = 600.0


class _Home:
    """The folder of this process's temporary folders; it goes with the last of them."""

    def __init__(self) -> None:
        self._changing = threading.RLock()
        self._place: Path | None = None
        self._lock: IO[str] | None = None
        self._process = 0

    def new(self) -> str:
        """A new folder in it."""
        with self._changing:
            of_parent = self._process != os.getpid()  # this process was forked
            if self._place is None or of_parent or not self._place.is_dir():
                self._place = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{owned_name()}"))
                self._lock, self._process = hold(self._place), os.getpid()
            return tempfile.mkdtemp(dir=self._place)

    def remove(self, name: str, process: int) -> None:
        """Delete a folder, unless it is of the process that this one was forked from."""
        if process != os.getpid():
            return
        shutil.rmtree(name, ignore_errors=True)
        with self._changing:
            if self._place is None or Path(name).parent != self._place:
                return
            if all(path.name == LOCK for path in self._place.iterdir()):
                shutil.rmtree(self._place, ignore_errors=True)
                if self._lock is not None:
                    self._lock.close()
                self._place = self._lock = None


_home = _Home()


class TemporaryFolder:
    """A folder that goes when it is cleaned up, or nothing refers to it.

    Attributes:
        name: its path.
    """

    def __init__(self) -> None:
        self.name = _home.new()
        self._end = weakref.finalize(self, _home.remove, self.name, os.getpid())

    def cleanup(self) -> None:
        """Delete it."""
        self._end()

    def __enter__(self) -> str:
        return self.name

    def __exit__(self, *_: object) -> None:
        self.cleanup()


def sweep_temporary() -> None:
    """Delete the temporary folders of this user's processes that were killed: they hold studies.
    What was made or changed lately stays: it may not be locked yet."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if path.is_symlink() or not path.is_dir():
            continue
        with contextlib.suppress(FileNotFoundError):  # just being deleted
            about = path.stat()
            late = time.time() - about.st_mtime > LEFT_SECONDS
            own = about.st_uid == os.getuid()
            if late and own and is_left(path, path.name.removeprefix(PREFIX)):
                shutil.rmtree(path, ignore_errors=True)
