"""What the server keeps open: the series that were opened last, and a lock for each job."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path

from spinetk.errors import UsageError
from spinetk.server.opened import series_in
from spinetk.study import Series

KEPT_OPEN = 2


class _Lock:
    """A lock that weak references can point to."""

    def __init__(self) -> None:
        self.inner = threading.RLock()

    def __enter__(self) -> None:
        self.inner.acquire()

    def __exit__(self, *_: object) -> None:
        self.inner.release()


class Desk:
    """The two series that were opened last: reading one takes up to some seconds. And a lock for
    each job, so that one person's film does not hold up another's slice; a lock that nobody holds
    is forgotten."""

    def __init__(self) -> None:
        self._open: dict[tuple[Path, str], Series] = {}
        self._lock = threading.Lock()
        self._jobs: weakref.WeakValueDictionary[str, _Lock] = weakref.WeakValueDictionary()

    def of(self, job: str) -> _Lock:
        """The lock of a job's results."""
        with self._lock:
            lock = self._jobs.get(job)
            if lock is None:
                lock = self._jobs[job] = _Lock()
            return lock

    def series(self, study: Path, key: str, sha256: str | None = None) -> Series:
        """The series that a result belongs to; see `series_in`.

        Raises:
            UsageError: it is not there.
        """
        with self._lock:
            series = self._open.pop((study, key), None)
        series = series or _read_series(study, key, sha256)
        with self._lock:
            self._open[study, key] = series
            while len(self._open) > KEPT_OPEN:
                del self._open[next(iter(self._open))]
            return series

    def clear(self) -> None:
        """Let go of them: a study was deleted."""
        with self._lock:
            self._open.clear()


def _read_series(study: Path, key: str, sha256: str | None) -> Series:
    found = series_in(study, key, sha256)
    series = found.load()[0] if found else None
    if series is None:
        raise UsageError(f"the series of {key} is not there")
    return series
