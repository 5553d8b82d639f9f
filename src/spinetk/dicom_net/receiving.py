"""Take images by C-STORE (DICOM PS3.4 annex B) from peers that are allowed to send."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pydicom
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.dul import DULServiceProvider
from pynetdicom.fsm import InvalidEventError, StateMachine
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]
from pynetdicom.transport import ThreadedAssociationServer

from spinetk.dicom_net.arriving import arrived, arriving_in, discard_broken, discard_broken_image
from spinetk.dicom_net.encryption import server_tls
from spinetk.dicom_net.storing import StudyFolder
from spinetk.errors import UsageError

DONE, NOT_AUTHORIZED, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0x0124, 0xA700, 0xC000
"""Statuses of C-ECHO and C-STORE (PS3.7 annex C, PS3.4 table B.2-1)."""

DATA_CAME = "Evt10"
"""A P-DATA-TF PDU was received (PS3.8 table 9-6)."""
LONGEST_PDU = 2**20
"""Senders are told to take less (PS3.8 D.1); one that asks for an association says less, too."""
SILENT_SECONDS, MOST_ASSOCIATIONS = 5, 50

log = logging.getLogger("spinetk.node")


class Listener:
    """A server that puts what it is sent into a folder.

    Args:
        title: our AE title; associations that call another are refused.
        peers: who may send, by AE title and host (IP address).
    """

    def __init__(self, title: str, peers: Sequence[tuple[str, str]], folder: StudyFolder) -> None:
        self._title, self._peers, self._folder = title, frozenset(peers), folder
        self._server: ThreadedAssociationServer | None = None
        self._arriving = contextlib.ExitStack()

    def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            UsageError: the port is taken, or is not ours to open.
        """
        entity = AE(ae_title=self._title)
        entity.require_called_aet = True
        entity.require_calling_aet = sorted({title for title, _ in self._peers})
        # who opens a connection and says nothing shuts nobody out
        entity.acse_timeout, entity.maximum_associations = SILENT_SECONDS, MOST_ASSOCIATIONS
        entity.add_supported_context(Verification)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
        try:
            self._server = entity.make_server(
                (host, port),
                evt_handlers=[
                    (evt.EVT_C_STORE, self._store),
                    (evt.EVT_C_ECHO, self._echo),
                    (evt.EVT_REJECTED, _refused),
                    (evt.EVT_CONN_OPEN, self._made_forgiving),
                    (evt.EVT_CONN_CLOSE, discard_broken),
                ],
                ssl_context=server_tls(),
                server_class=_server_for({host for _, host in self._peers}),
            )
        except OSError as error:
            where = f"{host}:{port}"
            raise UsageError(f"cannot listen there ({error.strerror})", where) from error
        self._arriving.enter_context(arriving_in(self._folder.arriving))
        threading.Thread(target=self._server.serve_forever, name="listener", daemon=True).start()

    def stop(self) -> None:
        """Close the port."""
        if self._server is not None:
            # pynetdicom 3.0 also takes the server off a list that `make_server` does not put it on
            with contextlib.suppress(ValueError):
                self._server.shutdown()
        self._arriving.close()

    def _made_forgiving(self, event: evt.Event) -> None:
        service = event.assoc.dul
        service.state_machine = _Forgiving(service, self._folder)
        stream: Any = service.socket
        stream.recv = _bounded(stream.recv)

    def _is_allowed(self, event: evt.Event) -> bool:
        """Whether the title belongs to the host that uses it."""
        requestor = event.assoc.requestor
        return (requestor.ae_title, requestor.address) in self._peers

    def _echo(self, event: evt.Event) -> int:
        return DONE if self._is_allowed(event) else NOT_AUTHORIZED

    def _store(self, event: evt.Event) -> int:
        """To disk first, then acknowledged."""
        if not self._is_allowed(event):
            return NOT_AUTHORIZED
        try:
            self._folder.see_room()
            path = arrived(event)
            tags = ["StudyInstanceUID", "SOPInstanceUID"]
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=tags)
            study, image = str(header.StudyInstanceUID), str(header.SOPInstanceUID)
            self._folder.put(study, image, path)
        except OSError:
            return OUT_OF_RESOURCES
        except Exception:  # whatever a peer sends, the node goes on
            return CANNOT_UNDERSTAND
        return DONE


class _Forgiving(StateMachine):
    """What comes out of order (a sender that hangs up before it is answered), and a disk that takes
    no more, ends its association at once; in pynetdicom it ends the thread that serves it, with a
    traceback, the association is held open until it times out, and what came of an image stays."""

    def __init__(self, dul: DULServiceProvider, folder: StudyFolder) -> None:
        super().__init__(dul)
        self._folder = folder

    def do_action(self, event: str) -> None:
        try:
            if event == DATA_CAME:  # while an image comes: it may be of any size
                self._folder.see_room()
            super().do_action(event)
        except (InvalidEventError, OSError):
            association = self.dul.assoc
            discard_broken_image(association)
            association.is_aborted, association.is_established = True, False
            association._kill = True
            self.dul.kill_dul()


def _bounded(receive: Callable[[int], bytearray]) -> Callable[[int], bytearray]:
    """Receives no more at a time than a PDU may have; pynetdicom takes into memory what the first
    bytes of one claim, of anybody that may connect."""

    def received(count: int) -> bytearray:
        if count > LONGEST_PDU:
            raise OSError(f"a PDU of {count} bytes")
        return receive(count)

    return received


def _refused(event: evt.Event) -> None:
    asked = event.assoc.requestor
    title = asked.primitive.called_ae_title if asked.primitive else ""
    log.warning(
        "refused: %s at %s, which called %s (--allow %s@%s would allow it, calling our title)",
        asked.ae_title, asked.address, title, asked.ae_title, asked.address,
    )  # fmt: skip


def _server_for(hosts: set[str]) -> type[ThreadedAssociationServer]:
    """A server that closes connections from other hosts before a word is said."""

    class PeersOnly(ThreadedAssociationServer):
        def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
            # pynetdicom would wait here for the first words of TLS, of anybody, and for nobody else
            listening: socket.socket = self.socket  # type: ignore[assignment]
            return listening.accept()

        def finish_request(self, request: Any, client_address: Any) -> None:
            """In the connection's own thread: agree on TLS, then serve."""
            if self.ssl_context is not None:
                before = request.gettimeout()
                request.settimeout(SILENT_SECONDS)
                try:
                    request = self.ssl_context.wrap_socket(request, server_side=True)
                except OSError as error:  # of TLS, too
                    log.warning("refused: %s does not agree on TLS (%s)", client_address[0], error)
                    self.shutdown_request(request)
                    return
                request.settimeout(before)
            super().finish_request(request, client_address)

        def verify_request(self, request: object, client_address: tuple[str, int]) -> bool:
            if client_address[0] in hosts:
                return True
            host = client_address[0]
            log.warning(
                "refused: a connection from %s (--allow TITLE@%s would allow it)", host, host
            )
            return False

    return PeersOnly
