"""Send DICOM files to a node of the network (C-STORE, DICOM PS3.4 annex B)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pydicom
from pynetdicom import AE
from pynetdicom.presentation import build_context

from spinetk.dicom_net.peers import AE_TITLE, Peer
from spinetk.errors import SpineError


class Unreachable(SpineError):
    """A node does not answer now; later it may."""


CONNECT_SECONDS, ANSWER_SECONDS = 10, 60
SUCCESS = 0x0000
WARNINGS = (0xB000, 0xB006, 0xB007)
"""Stored, with some elements changed or left out."""
OUT_OF_RESOURCES = range(0xA700, 0xA800)


def send_files(peer: Peer, paths: Sequence[Path], title: str = AE_TITLE) -> None:
    """Send files, each in the transfer syntax that it is stored in.

    Raises:
        Unreachable: the node does not answer, or has no room now.
        SpineError: it does not take one of them.
    """
    files = [(path, pydicom.dcmread(path)) for path in paths]
    kinds = {
        (str(f.file_meta.MediaStorageSOPClassUID), str(f.file_meta.TransferSyntaxUID))
        for _, f in files
    }
    entity = AE(ae_title=title)
    entity.connection_timeout = CONNECT_SECONDS
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = ANSWER_SECONDS
    entity.requested_contexts = [build_context(kind, syntax) for kind, syntax in sorted(kinds)]
    association = entity.associate(peer.host, peer.port, ae_title=peer.title)
    if not association.is_established:
        why = "refuses the association" if association.is_rejected else "cannot be reached"
        raise Unreachable(why, peer)
    try:
        for path, dataset in files:
            try:
                status = association.send_c_store(dataset)
            except RuntimeError as error:
                raise Unreachable("the connection is lost", peer) from error
            except ValueError as error:  # its kind is not among those that were agreed on
                raise SpineError(f"does not take {path.name}", peer) from error
            code = status.get("Status")
            if code is None or code in OUT_OF_RESOURCES:
                raise Unreachable(f"does not take {path.name} now", peer)
            if code != SUCCESS and code not in WARNINGS:
                raise SpineError(f"does not take {path.name} (status {code:04X})", peer)
    finally:
        if association.is_established:
            association.release()
