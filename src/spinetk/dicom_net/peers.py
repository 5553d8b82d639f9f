"""Who is who on the hospital's network: AE titles, hosts and ports."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from spinetk.errors import UsageError

AE_TITLE = "SPINETK"


@dataclass(frozen=True)
class Peer:
    """A DICOM node.

    Attributes:
        title: its application entity (AE) title.
    """

    title: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.title}@{self.host}:{self.port}"


def parse_title(text: str) -> str:
    """Check an AE title: 1 to 16 characters, no backslash, not only spaces (PS3.5, VR AE).

    Raises:
        UsageError: it is none.
    """
    if not re.fullmatch(r"[ -\[\]-~]{1,16}", text) or not text.strip():
        raise UsageError("an AE title has 1 to 16 characters", text)
    return text.strip()


def parse_peer(text: str) -> Peer:
    """Parse "TITLE@HOST:PORT".

    Raises:
        UsageError: not of this form.

    >>> parse_peer("PACS@10.0.0.5:104")
    Peer(title='PACS', host='10.0.0.5', port=104)
    """
    found = re.fullmatch(r"(.+)@\[?([^@\]]+)\]?:(\d{1,5})", text)
    if not found or not 0 < int(found[3]) < 65536:
        raise UsageError("a DICOM node is named as TITLE@HOST:PORT", text)
    return Peer(parse_title(found[1]), found[2], int(found[3]))


def parse_allowed(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Parse peers as "TITLE@HOST"; a host name is looked up once.

    Raises:
        UsageError: not of this form, or the host is not known.
    """
    allowed = []
    for text in texts:
        title, at, host = text.rpartition("@")
        if not at or not host:
            raise UsageError("who may send is named as TITLE@HOST", text)
        try:
            found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
        except OSError as error:
            raise UsageError("the host is not known", host) from error
        allowed += [(parse_title(title), address) for address in sorted(found)]
    return tuple(allowed)
