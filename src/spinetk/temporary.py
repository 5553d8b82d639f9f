"""Temporary folders that do not outlive their process, however it ended."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path

from spinetk.owners import hold, is_left, owned_name

PREFIX = "spinetk-"
LEFT_SECONDS = 600.0


class _Held(tempfile.TemporaryDirectory[str]):
    """A temporary folder that is locked as long as it is there."""

    def __init__(self) -> None:
        super().__init__(prefix=f"{PREFIX}{owned_name()}")
        self._lock = hold(Path(self.name))

    def cleanup(self) -> None:
        super().cleanup()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A new folder that is locked for this process; it goes when nothing refers to it."""
    return _Held()


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
