"""Studies in an object store - S3 and what fsspec knows beside it - copied here one at a time
(extra `store`). Credentials and endpoints are taken as the store's own library takes them: from the
environment and its files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from spinetk.errors import UnreadableInput, UsageError
from spinetk.fetched import Fetched, see_room_for
from spinetk.readers.archives import TAR_SUFFIXES
from spinetk.readers.raster import RASTER_SUFFIXES
from spinetk.readers.volume_files import VOLUME_SUFFIXES
from spinetk.temporary import TemporaryFolder

IMAGE_SUFFIXES = tuple(
    sorted((*VOLUME_SUFFIXES, *RASTER_SUFFIXES, *TAR_SUFFIXES, ".zip"), key=len, reverse=True)
)
FEW = 8
"""Of so many files without an ending one must be of DICOM: a README has none, either."""


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
        if not re.fullmatch(r"[a-z][a-z0-9+.-]*://.+", url):
            raise UsageError("needs an address with its protocol, as s3://bucket/cohort", "--store")
        import fsspec

        scheme, _, rest = url.partition("://")
        login, at, where = rest.partition("/")[0].rpartition("@")
        self._login = login if at else None
        self.name = f"{scheme}://{where}{rest[len(login) + len(at) + len(where) :]}".rstrip("/")
        try:
            self._files, root = fsspec.url_to_fs(url.rstrip("/"))
        except (ImportError, ValueError) as error:
            raise UsageError(f"cannot be read ({self._told(error)})", self.name) from error
        except Exception as error:  # some stores are asked at once, each with its own exceptions
            raise self._unread(error, self.name) from error
        self._root = str(root).rstrip("/")
        self._members: dict[str, list[str]] = {}

    def _told(self, error: Exception) -> str:
        """The first line of what a library says, without a name and password."""
        told = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return told.replace(f"{self._login}@", "") if self._login else told

    def _unread(self, error: Exception, where: str) -> UnreadableInput:
        return UnreadableInput(f"cannot be read from the store ({self._told(error)})", where)

    @contextmanager
    def _in_one_line(self, where: str) -> Iterator[None]:
        """What a store's library says, as one line.

        Raises:
            UnreadableInput: whatever it raised.
        """
        try:
            yield
        except UnreadableInput:
            raise
        except Exception as error:  # every store's library has exceptions of its own
            raise self._unread(error, where) from error

    def studies(self) -> Iterator[str]:
        """The addresses of the studies, in order.

        Raises:
            UnreadableInput: the store is not reached, or there is no such folder.
        """
        with self._in_one_line(self.name):
            entries = self._files.ls(self._root, detail=True)
        together: dict[str, list[str]] = {}
        for entry in entries:
            path = str(entry["name"]).rstrip("/")
            name = path.rsplit("/", 1)[-1]
            if path == self._root or name.startswith("."):
                continue
            if entry["type"] == "directory":
                self._members[path] = []
            elif entry["type"] == "file":
                group = "*" if _may_be_dicom(name) else f"{_stem(name)}.*"
                together.setdefault(group, []).append(path)
        for name, paths in together.items():
            images = any(path.lower().endswith(IMAGE_SUFFIXES) for path in paths)
            if images or (name == "*" and any(map(self._is_dicom, paths[:FEW]))):
                self._members[f"{self._root}/{name}"] = paths
        yield from sorted(self._members)

    def _is_dicom(self, path: str) -> bool:
        with self._in_one_line(path):
            return bool(self._files.cat_file(path, start=128, end=132) == b"DICM")

    def fetch(self, study: str) -> Fetched:
        """Copy a study here, under the name of the store's folder and its own.

        Args:
            study: an address that `studies` gave.

        Raises:
            UnreadableInput: the store is not reached, or the study does not fit on the disk.
        """
        folder = TemporaryFolder()
        top = Path(folder.name) / (self._root.rsplit("/", 1)[-1] or "store")
        try:
            with self._in_one_line(study):
                sizes = self._sizes(study)
                see_room_for(folder, sum(sizes.values()))
                for path in sorted(sizes):
                    place = self._place(path, top)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    self._files.get_file(path, str(place))
        except BaseException:
            folder.cleanup()
            raise
        return Fetched(folder, top=top)

    def _sizes(self, study: str) -> dict[str, int]:
        """Bytes of each of a study's files; what stands for a folder (as consoles make them) is
        none."""
        members = self._members[study]
        if members:
            found = {path: self._files.info(path) for path in members}
        else:
            found = self._files.find(study, detail=True)
        return {
            path: int(about.get("size") or 0)
            for path, about in found.items()
            if about.get("type") == "file" and not path.endswith("/")
        }

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


def _stem(name: str) -> str:
    """A name without its ending, which may be of two parts."""
    ending = next((e for e in IMAGE_SUFFIXES if name.lower().endswith(e)), None)
    return name[: -len(ending)] if ending else PurePosixPath(name).stem
