"""TLS for DICOM associations (PS3.15 annex B), by files that the environment names.

    SPINETK_TLS_CA     authority that the other side's certificate is checked against
    SPINETK_TLS_CERT   own certificate (PEM), with SPINETK_TLS_KEY if its key is in another file

With an authority or a certificate, files are sent over TLS; with a certificate, a node takes files
in over TLS, and only from who has a certificate of the authority where one is named.
"""

from __future__ import annotations

import os
import ssl

from spinetk.errors import UsageError

AUTHORITY, CERTIFICATE, KEY = "SPINETK_TLS_CA", "SPINETK_TLS_CERT", "SPINETK_TLS_KEY"


def client_tls(host: str) -> tuple[ssl.SSLContext, str] | None:
    """How to send to a host; None without TLS.

    Raises:
        UsageError: a file is missing, or is none of TLS.
    """
    authority, certificate = os.environ.get(AUTHORITY), os.environ.get(CERTIFICATE)
    if not authority and not certificate:
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise UsageError("is no authority that can be read", f"{AUTHORITY} {authority}") from error
    if certificate:
        _load(context, certificate)
    return context, host


def server_tls() -> ssl.SSLContext | None:
    """How to take files in; None without TLS.

    Raises:
        UsageError: a file is missing, or is none of TLS.
    """
    authority, certificate = os.environ.get(AUTHORITY), os.environ.get(CERTIFICATE)
    if not certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, certificate)
    if authority:
        try:
            context.load_verify_locations(cafile=authority)
        except (OSError, ssl.SSLError) as error:
            what = "is no authority that can be read"
            raise UsageError(what, f"{AUTHORITY} {authority}") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _load(context: ssl.SSLContext, certificate: str) -> None:
    try:
        context.load_cert_chain(certificate, os.environ.get(KEY) or None)
    except (OSError, ssl.SSLError) as error:
        what = "is no certificate with its key that can be read"
        raise UsageError(what, f"{CERTIFICATE} {certificate}") from error
