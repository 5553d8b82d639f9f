"""Read a study from a DICOMweb server, and store results back to it (DICOM PS3.18)."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import pydicom
import requests
from dicomweb_client.api import DICOMwebClient

from spinetk.dicom_net.archive import dicom_files
from spinetk.errors import SpineError, UnreadableInput, UsageError
from spinetk.fetched import Fetched, see_room_for, whole_study
from spinetk.temporary import TemporaryFolder

AS_STORED = (("application/dicom", "*"),)
"""Without it a server turns what is compressed into something else, or fails to."""
SECONDS = (10, 600)
"""To connect, and between two parts of an answer."""


@dataclass(frozen=True)
class WebArchive:
    """An archive as a DICOMweb service.

    Attributes:
        url: root of the service, as http://localhost:8042/dicom-web.
        login: name and password.
    """

    url: str
    login: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def at(cls, address: str) -> WebArchive:
        """The archive at an address, which may hold a name and a password: from here on the address
        is without them.

        Raises:
            UsageError: it is no address; what it may hold is not repeated.

        >>> WebArchive.at("https://me:s%2Fecret@pacs/dicom-web/")
        WebArchive(url='https://pacs/dicom-web')
        """
        try:
            parts = urlsplit(address)
            user, at, host = parts.netloc.rpartition("@")
            whole = parts.scheme in ("http", "https") and bool(parts.hostname)
            fits = whole and (parts.port or 1) > 0 and "@" not in parts.path + parts.query
        except ValueError:
            fits = False
        if not fits:
            text = "an address as https://host/dicom-web is needed (in a name and password, write"
            raise UsageError(f"{text} / and @ as %2F and %40)", "--dicomweb")
        name, _, password = user.partition(":")
        url = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), parts.query, ""))
        return cls(url, (unquote(name), unquote(password)) if at else None)

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.url

    def _client(self, session: requests.Session | None = None) -> DICOMwebClient:
        return _client(self.url, self.login, session)

    def studies(self, query: str) -> Iterator[str]:
        """The StudyInstanceUIDs that answer a query (QIDO-RS, DICOM PS3.18 10.6).

        A server may give as many as it likes at once: it is asked for those after what it gave
        until nothing new comes. (We ask for no pages: of some servers, Orthanc 1.10 for one, a page
        of a query by modality is short although there are more.)

        Args:
            query: attributes and what they must be: "ModalitiesInStudy=MR,StudyDate=2020-".

        Raises:
            UsageError: it is no query.
            UnreadableInput: the server is not reached, or refuses it.
        """
        filters = {}
        for part in filter(None, (text.strip() for text in query.split(","))):
            name, _, value = part.partition("=")
            if not re.fullmatch(r"[A-Za-z0-9]+", name.strip()) or not value.strip():
                raise UsageError("attributes with their values, as ModalitiesInStudy=MR", query)
            filters[name.strip()] = value.strip()
        seen: set[str] = set()
        while True:
            with _in_one_line(self.name):
                found = self._client().search_for_studies(search_filters=filters, offset=len(seen))
            new = dict.fromkeys(str(item["0020000D"]["Value"][0]) for item in found)
            new = {uid: None for uid in new if uid not in seen}
            seen.update(new)
            yield from new
            if not new:
                return

    def fetch(self, study: str, *, partial: bool = False) -> Fetched:
        """See `archive.Archive`. What came is counted against what the server says it has, and the
        answer must be whole."""
        folder = TemporaryFolder()
        watched = _WatchedSession()
        client = self._client(watched)
        came: set[str] = set()
        broken: str | None = None
        try:
            with _in_one_line(self.name):
                for number, dataset in enumerate(client.iter_study(study, media_types=AS_STORED)):
                    see_room_for(folder)
                    path = Path(folder.name) / f"{number:06d}.dcm"
                    dataset.save_as(path, enforce_file_format=True)
                    came.add(str(dataset.get("SOPInstanceUID", number)))
        except UnreadableInput as error:
            if not came:
                folder.cleanup()
                raise
            broken = error.reason
        if not came:
            folder.cleanup()
            raise UnreadableInput(f"has no study {study}", self.name)
        wanted = self._instances_of(study)
        missing = broken or watched.missing
        if wanted is not None and len(came) < wanted:
            missing = f"{len(came)} of {wanted} instances came"
        return whole_study(Fetched(folder, missing), self.name, partial=partial)

    def store(self, folders: Iterable[Path]) -> int:
        """See `archive.Archive`; one series at a time."""
        count = 0
        client = self._client()
        for files in dicom_files(folders):
            made = [pydicom.dcmread(path) for path in files]
            with _in_one_line(self.name):
                answer = client.store_instances(made)
            refused = answer.get("FailedSOPSequence")
            if refused:
                raise SpineError(f"refused {len(refused)} of {len(made)} instances", self.name)
            count += len(made)
        return count

    def _instances_of(self, study: str) -> int | None:
        """How many instances the server says a study has; None where it does not say."""
        try:
            [found] = self._client().search_for_studies(
                fields=["NumberOfStudyRelatedInstances"], search_filters={"StudyInstanceUID": study}
            )
            return int(found["00201208"]["Value"][0])
        except Exception:  # a server need not answer that, and answers in many ways
            return None


class _WatchedSession(requests.Session):
    """Requests that see whether an answer of several parts is whole.

    A server says with status 206 that it gives a part (DICOM PS3.18 10.4.3); an answer that was cut
    lacks its closing mark (RFC 2046 5.1.1).
    """

    def __init__(self) -> None:
        super().__init__()
        self.missing: str | None = None
        self.hooks["response"].append(self._watch)

    def _watch(self, response: requests.Response, *_: object, **__: object) -> None:
        if response.status_code == requests.codes.partial:
            self.missing = "the server says that it gives a part"
        boundary = re.search(r'boundary="?([^";]+)', response.headers.get("Content-Type", ""))
        if not boundary:
            return
        closing = f"--{boundary[1]}--".encode()
        contents = response.iter_content

        def watched(*arguments: Any, **named: Any) -> Iterator[bytes]:
            end = b""
            for chunk in contents(*arguments, **named):
                end = (end + chunk)[-len(closing) - 256 :]
                yield chunk
            if closing not in end:
                self.missing = "the answer ends before its closing mark"

        response.iter_content = watched  # type: ignore[method-assign]


USER, PASSWORD, TOKEN = (
    "SPINETK_DICOMWEB_USER",
    "SPINETK_DICOMWEB_PASSWORD",
    "SPINETK_DICOMWEB_TOKEN",
)
CERTIFICATE, KEY = "SPINETK_DICOMWEB_CERT", "SPINETK_DICOMWEB_KEY"
"""What a server wants to know of us comes by the environment, so that no list of processes shows
it. Proxies and an authority of one's own (REQUESTS_CA_BUNDLE) are as `requests` has them."""


def _client(
    url: str, login: tuple[str, str] | None, session: requests.Session | None
) -> DICOMwebClient:
    logging.getLogger("dicomweb_client").setLevel(logging.CRITICAL)  # said in words of our own
    own = session or requests.Session()
    if token := os.environ.get(TOKEN):
        own.headers["Authorization"] = f"Bearer {token}"
    elif user := os.environ.get(USER):
        own.auth = (user, os.environ.get(PASSWORD, ""))
    elif login:
        own.auth = login
    if certificate := os.environ.get(CERTIFICATE):
        key = os.environ.get(KEY)
        own.cert = (certificate, key) if key else certificate
    return DICOMwebClient(url=url, session=own, permissive_uid=True, timeout=SECONDS)


@contextmanager
def _in_one_line(url: str) -> Iterator[None]:
    """What went wrong, in one line."""
    try:
        yield
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        means = {401: ", name and password?", 403: ", not allowed", 404: ", no such study"}
        raise UnreadableInput(f"the server answers {status}{means.get(status, '')}", url) from error
    except (requests.RequestException, ValueError, OSError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise UnreadableInput(f"{lines[0][:160]}", url) from error
    except Exception as error:  # what pydicom raises over a body that ends within a part
        why = f"an instance is damaged ({type(error).__name__})"
        raise UnreadableInput(f"the server's answer: {why}", url) from error
