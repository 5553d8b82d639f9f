"""Read a study from a DICOMweb server, and store results back to it (DICOM PS3.18)."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom
import requests
from dicomweb_client.api import DICOMwebClient

from spinetk.errors import SpineError, UnreadableInput
from spinetk.writers.formats import DICOM_FORMATS

AS_STORED = (("application/dicom", "*"),)
"""Without it a server turns what is compressed into something else, or fails to."""
SECONDS = (10, 600)
"""To connect, and between two parts of an answer."""


def fetch_study(url: str, study: str) -> tempfile.TemporaryDirectory[str]:
    """Every instance of a study, as it is stored, in a folder that goes when it is closed.

    Args:
        url: root of the service, as http://localhost:8042/dicom-web.
        study: StudyInstanceUID.

    Raises:
        UnreadableInput: the server is not reached, or has no such study.
    """
    folder = tempfile.TemporaryDirectory(prefix="spinetk-")
    count = 0
    with _in_one_line(url):
        for dataset in _client(url).iter_study(study, media_types=AS_STORED):
            count += 1
            path = Path(folder.name) / f"{count:06d}.dcm"
            dataset.save_as(path, enforce_file_format=True)
    if not count:
        folder.cleanup()
        with _in_one_line(url):
            raise ValueError(f"has no study {study}")
    return folder


def store_results(url: str, folders: Iterable[Path]) -> int:
    """Store the DICOM files of results, one series at a time; returns their number.

    Raises:
        SpineError: the server is not reached or refuses one; the results stay where they are.
    """
    count = 0
    client = _client(url)
    for folder in folders:
        paths = [folder / f"{name}.dcm" for name in DICOM_FORMATS]
        made = [pydicom.dcmread(path) for path in paths if path.is_file()]
        if made:
            with _in_one_line(url):
                answer = client.store_instances(made)
            refused = answer.get("FailedSOPSequence")
            if refused:
                raise SpineError(f"refused {len(refused)} of {len(made)} instances", shown(url))
            count += len(made)
    return count


def shown(url: str) -> str:
    """An address without the name and password that it may hold.

    >>> shown("https://me:secret@pacs/dicom-web")
    'https://pacs/dicom-web'
    """
    return re.sub(r"//[^/@]*@", "//", url)


def _client(url: str) -> DICOMwebClient:
    return DICOMwebClient(url=url, permissive_uid=True, timeout=SECONDS)


@contextmanager
def _in_one_line(url: str) -> Iterator[None]:
    """What went wrong, in one line, without a password that the address may hold."""
    url = shown(url)
    try:
        yield
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else "no answer"
        why = ", no such study" if status == 404 else ""
        raise UnreadableInput(f"the server answers {status}{why}", url) from error
    except (requests.RequestException, ValueError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise UnreadableInput(f"{lines[0][:160]}", url) from error
