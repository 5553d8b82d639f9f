"""Studies in an object store - S3 and what fsspec knows beside it - copied here one at a time
(extra `store`). Credentials and endpoints are taken as the store's own library takes them: from the
environment and its files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from spinetk.errors import UnreadableInput, UsageError
from spinetk.fetched import Fetched
from spinetk.readers.archives import TAR_SUFFIXES
from spinetk.readers.raster import RASTER_SUFFIXES
from spinetk.readers.volume_files import VOLUME_SUFFIXES
from spinetk.temporary import temporary_folder

SPARE_BYTES = 10**9
"""Left free on the disk that studies are copied to."""
IMAGE_SUFFIXES = (*VOLUME_SUFFIXES, *RASTER_SUFFIXES, *TAR_SUFFIXES, ".zip")


class ObjectStore:
    """A folder of a store: every folder in it is a study, and so is every file (with those of the
    same name before the first point, as `scan.img` and `scan.hdr`); DICOM files beside each other
    are one.

    Args:
        url: of the folder, as s3://bucket/cohort.

    Raises:
        UsageError: no library is here for such a store, or it is not set up.
    """

    def __init__(self, url: str) -> None:
        self.name = url.rstrip("/")
        if not re.fullmatch(r"[a-z][a-z0-9+.-]*://.+", url):
            raise UsageError("an address with its protocol, as s3://bucket/cohort", url)
        import fsspec

        try:
            self._files, root = fsspec.url_to_fs(self.name)
        except (ImportError, ValueError) as error:
            raise UsageError(f"cannot be read ({error})", url) from error
        self._root = str(root).rstrip("/")
        self._members: dict[str, list[str]] = {}

    def studies(self) -> Iterator[str]:
        """The addresses of the studies, in order.

        Raises:
            UnreadableInput: the store is not reached, or there is no such folder.
        """
        with _in_one_line(self.name):
            entries = self._files.ls(self._root, detail=True)
        together: dict[str, list[str]] = {}
        for entry in entries:
            path = str(entry["name"]).rstrip("/")
            name = path.rsplit("/", 1)[-1]
            if path == self._root or name.startswith("."):
                continue
            if entry["type"] == "directory":
                self._members[path] = []
            elif _may_be_dicom(name):
                together.setdefault("*", []).append(path)
            else:
                together.setdefault(f"{name.split('.')[0]}.*", []).append(path)
        for name, paths in together.items():
            if name == "*" or any(path.lower().endswith(IMAGE_SUFFIXES) for path in paths):
                self._members[f"{self._root}/{name}"] = paths
        yield from sorted(self._members)

    def fetch(self, study: str) -> Fetched:
        """Copy a study here, under the name of the store's folder and its own.

        Args:
            study: an address that `studies` gave.

        Raises:
            UnreadableInput: the store is not reached, or the study does not fit on the disk.
        """
        folder = temporary_folder()
        top = Path(folder.name) / (self._root.rsplit("/", 1)[-1] or "store")
        try:
            with _in_one_line(study):
                found = self._members[study]
                sizes = (
                    {path: int(self._files.info(path)["size"] or 0) for path in found}
                    if found
                    else {
                        path: int(about["size"] or 0)
                        for path, about in self._files.find(study, detail=True).items()
                    }
                )
                spare = shutil.disk_usage(folder.name).free - SPARE_BYTES
                if sum(sizes.values()) > spare:
                    size = sum(sizes.values()) / 1e9
                    raise UnreadableInput(f"its {size:.1f} GB do not fit on the disk", study)
                for path in sorted(sizes):
                    place = self._place(path, top)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    self._files.get_file(path, str(place))
        except BaseException:
            folder.cleanup()
            raise
        return Fetched(folder, top=top)

    def _place(self, path: str, top: Path) -> Path:
        """Where a file goes. Names in a store are any text: none leads out of the folder.

        Raises:
            UnreadableInput: it would.
        """
        parts = path.removeprefix(self._root).strip("/").split("/")
        if any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise UnreadableInput("no path that a file can have", path)
        return top.joinpath(*parts)


def _may_be_dicom(name: str) -> bool:
    """Whether a file has the ending of DICOM's, none, or is called by its UID."""
    ending = PurePosixPath(name.lower()).suffix
    return ending in (".dcm", ".ima", "") or re.fullmatch(r"[0-9.]+", name) is not None


@contextmanager
def _in_one_line(where: str) -> Iterator[None]:
    """What a store's library says, as one line.

    Raises:
        UnreadableInput: whatever it raised.
    """
    try:
        yield
    except (UnreadableInput, KeyboardInterrupt):
        raise
    except Exception as error:  # every store's library has exceptions of its own
        told: Any = str(error).strip().splitlines() or [type(error).__name__]
        raise UnreadableInput(f"cannot be read from the store ({told[0]})", where) from error
