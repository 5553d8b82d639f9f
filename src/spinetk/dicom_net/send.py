"""Send DICOM files to a node of the network (C-STORE, DICOM PS3.4 annex B)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext, build_context

from spinetk.dicom_net.encryption import client_tls
from spinetk.dicom_net.peers import AE_TITLE, Peer
from spinetk.errors import SpineError


class Unreachable(SpineError):
    """A node does not answer now; later it may."""


CONNECT_SECONDS, ANSWER_SECONDS = 10, 60
SUCCESS = 0x0000
WARNINGS = (0xB000, 0xB006, 0xB007)
"""Stored, with some elements changed or left out."""
OUT_OF_RESOURCES = range(0xA700, 0xA800)


ALWAYS_KNOWN = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)
"""Every node knows the first (PS3.5 10.1); what is not compressed can be sent as either."""


def send_files(peer: Peer, paths: Sequence[Path], title: str = AE_TITLE) -> None:
    """Send files, each in the transfer syntax that it is stored in, or, where it is not compressed,
    in DICOM's default one.

    Raises:
        Unreachable: the node does not answer, or has no room now.
        SpineError: it turns us away, or does not take one of the files.
    """
    files = [(path, pydicom.dcmread(path)) for path in paths]
    entity = AE(ae_title=title)
    entity.requested_contexts = _contexts([dataset for _, dataset in files])
    with associated(entity, peer) as association:
        for path, dataset in files:
            try:
                status = association.send_c_store(dataset)
            except RuntimeError as error:
                raise Unreachable("the connection is lost", peer) from error
            except ValueError as error:  # its kind is not among those that were agreed on
                what = f"takes no {dataset.get('Modality', 'such')} objects ({path.name})"
                raise SpineError(what, peer) from error
            code = status.get("Status")
            if code is None or code in OUT_OF_RESOURCES:
                raise Unreachable(f"does not take {path.name} now", peer)
            if code != SUCCESS and code not in WARNINGS:
                raise SpineError(f"does not take {path.name} (status {code:04X})", peer)


@contextmanager
def associated(
    entity: AE,
    peer: Peer,
    handlers: list[evt.EventHandlerType] | None = None,
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
) -> Iterator[Association]:
    """An association with a node, released at the end.

    Raises:
        Unreachable: the node does not answer, or ends the association.
        SpineError: it turns us away.
    """
    entity.connection_timeout = CONNECT_SECONDS
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = ANSWER_SECONDS
    association = entity.associate(
        peer.host, peer.port, ae_title=peer.title, tls_args=client_tls(peer.host),
        evt_handlers=handlers or [], ext_neg=list(roles),
    )  # fmt: skip
    if not association.is_established:
        raise _not_established(association, peer)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def _contexts(datasets: Sequence[Dataset]) -> list[PresentationContext]:
    """What is proposed: each kind as it is stored, and beside it as every node can read it."""
    wanted: dict[tuple[str, str], None] = {}
    for dataset in datasets:
        kind = str(dataset.file_meta.MediaStorageSOPClassUID)
        syntax = dataset.file_meta.TransferSyntaxUID
        also = ALWAYS_KNOWN if syntax in ALWAYS_KNOWN else ()
        wanted |= dict.fromkeys((kind, str(s)) for s in (syntax, *also))
    return [build_context(kind, syntax) for kind, syntax in wanted]


def _not_established(association: Association, peer: Peer) -> SpineError:
    """Why there is no association: rejected, or nobody there."""
    if association.is_rejected:
        answer = association.acceptor.primitive
        reason = getattr(answer, "reason_str", "") or "no reason given"
        transient = getattr(answer, "result", 1) == 2  # PS3.8 table 9-21
        kind = Unreachable if transient else SpineError
        return kind(f"rejects the association ({reason.lower()})", peer)
    if association.rejected_contexts and not association.accepted_contexts:
        return SpineError("takes none of the kinds of objects or queries that are offered", peer)
    if association.acceptor.primitive is not None:
        return Unreachable("ends the association", peer)
    return Unreachable("cannot be reached", peer)
