"""Received images go to the disk as they arrive: no image need fit into memory."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pynetdicom import _config, evt
from pynetdicom.association import Association

from spinetk.atomic import sync_file

_config.STORE_RECV_CHUNKED_DATASET = True
"""pynetdicom then writes each image, a piece at a time, to a temporary file that is a whole DICOM
file in the end."""


@contextmanager
def arriving_in(folder: Path) -> Iterator[None]:
    """Meanwhile images arrive in this folder of ours, not in the system's temporary one. It is
    emptied first: what is there belongs to a process that was killed."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            path.unlink()
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def arrived(event: evt.Event) -> Path:
    """The file of an image that has come whole; its new owner renames it.

    Raises:
        OSError: it is not on the disk, which is full perhaps.
        ValueError: nothing came but the request.
    """
    if event.dataset_path is None:
        raise ValueError("it holds no image")
    path = Path(str(event.dataset_path))
    sync_file(path)
    return path


def discard_broken(event: evt.Event) -> None:
    """Delete what has come of an image when its connection has ended."""
    discard_broken_image(event.assoc)


def discard_broken_image(association: Association) -> None:
    """Delete what has come of an image that an association was receiving."""
    message = association.dimse.message
    path = getattr(message, "_data_set_path", None)
    if path is not None:
        with contextlib.suppress(OSError):
            Path(path).unlink()
