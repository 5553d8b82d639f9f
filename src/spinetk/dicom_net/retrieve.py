"""Read a study from an archive that speaks no DICOMweb (query/retrieve, DICOM PS3.4 annex C)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydicom.dataset import Dataset
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import build_context

from spinetk.dicom_net.archive import dicom_files
from spinetk.dicom_net.arriving import arrived, arriving_in
from spinetk.dicom_net.encryption import server_tls
from spinetk.dicom_net.peers import AE_TITLE, Peer
from spinetk.dicom_net.send import associated, send_files
from spinetk.errors import UnreadableInput, UsageError
from spinetk.fetched import Fetched, see_room_for, whole_study
from spinetk.temporary import TemporaryFolder

FIND, MOVE, GET = (UID(f"1.2.840.10008.5.1.4.1.2.2.{number}") for number in (1, 2, 3))
"""The Study Root information model (PS3.4 C.6.2)."""
SUCCESS, PENDING = 0x0000, (0xFF00, 0xFF01)
CANNOT_STORE = 0xA700
MOST_CONTEXTS = 128
"""Of one association (PS3.8 9.3.2.2: their numbers are odd and below 256)."""
COMMON_SYNTAXES = (
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1, JPEG2000Lossless,
    JPEGLSLossless, RLELossless, JPEGBaseline8Bit, JPEGExtended12Bit, JPEG2000, JPEGLossless,
    JPEGLSNearLossless, ExplicitVRBigEndian,
)  # fmt: skip
"""A context for each, so that the archive need not recode what it stores."""
Handler = Callable[[evt.Event], int]


@dataclass(frozen=True)
class NodeArchive:
    """An archive as a DICOM node.

    Attributes:
        port: where the archive is to send the study to (C-MOVE to `AE_TITLE`, which it must know);
            None has it come over our own association (C-GET).
    """

    peer: Peer
    port: int | None = None

    @property
    def name(self) -> str:
        """Its title, host and port."""
        return str(self.peer)

    def fetch(self, study: str, *, partial: bool = False) -> Fetched:
        """See `archive.Archive`."""
        images = self._images(study)
        folder = TemporaryFolder()
        came: set[str] = set()

        def store(event: evt.Event) -> int:
            try:
                see_room_for(folder)
                request = cast(C_STORE, event.request)
                arrived(event).replace(Path(folder.name) / f"{len(came):06d}.dcm")
                came.add(str(request.AffectedSOPInstanceUID))
            except (OSError, ValueError, UnreadableInput):
                return CANNOT_STORE
            return SUCCESS

        try:
            with arriving_in(Path(folder.name) / "arriving"):
                broken = self._moved(study, store) if self.port else self._got(study, images, store)
            shutil.rmtree(Path(folder.name) / "arriving", ignore_errors=True)  # what broke off
        except BaseException:
            folder.cleanup()
            raise
        if not came:
            folder.cleanup()
            raise UnreadableInput(
                f"gives nothing of the study ({broken or 'no reason'})", self.name
            )
        missing = f"{len(came)} of {len(images)} instances came" if came < set(images) else broken
        return whole_study(Fetched(folder, missing), self.name, partial=partial)

    def store(self, folders: Iterable[Path]) -> int:
        """See `archive.Archive`."""
        count = 0
        for files in dicom_files(folders):
            send_files(self.peer, files)
            count += len(files)
        return count

    def _images(self, study: str) -> dict[str, str]:
        """SOP class of each instance of a study, by its UID (C-FIND, series by series)."""
        entity = AE(ae_title=AE_TITLE)
        entity.add_requested_context(FIND)
        with associated(entity, self.peer) as association:
            images: dict[str, str] = {}
            for series in self._found(association, "SERIES", study):
                of_series = self._found(association, "IMAGE", study, series.SeriesInstanceUID)
                images |= {
                    str(i.SOPInstanceUID): str(i.get("SOPClassUID") or "") for i in of_series
                }
        if not images:
            raise UnreadableInput(f"has no study {study}", self.name)
        return images

    def _found(
        self, association: Association, level: str, study: str, series: str = ""
    ) -> Iterator[Dataset]:
        query = Dataset()
        query.QueryRetrieveLevel = level
        query.StudyInstanceUID, query.SeriesInstanceUID = study, series
        if level == "IMAGE":
            query.SOPInstanceUID = query.SOPClassUID = ""
        for status, found in list(association.send_c_find(query, FIND)):
            code = status.get("Status")
            if code in PENDING and found is not None:
                yield found
            elif code != SUCCESS:
                said = "no answer" if code is None else f"status {code:04X}"
                raise UnreadableInput(f"does not say what is in the study ({said})", self.name)

    def _got(self, study: str, images: dict[str, str], store: Handler) -> str | None:
        """Have the study come over our own association; returns what went wrong."""
        kinds = sorted({kind for kind in images.values() if kind})
        known = [str(context.abstract_syntax) for context in AllStoragePresentationContexts]
        each = (MOST_CONTEXTS - 1) // max(1, len(kinds))
        contexts = [build_context(k, s) for k in kinds for s in COMMON_SYNTAXES[:each]]
        if not contexts:  # the archive does not name them
            contexts = [build_context(kind) for kind in known[: MOST_CONTEXTS - 1]]
        entity = AE(ae_title=AE_TITLE)
        entity.requested_contexts = [build_context(GET), *contexts]
        roles = []
        for kind in dict.fromkeys(context.abstract_syntax for context in contexts):
            role = SCP_SCU_RoleSelectionNegotiation()
            role.sop_class_uid, role.scu_role, role.scp_role = kind, False, True
            roles.append(role)
        handlers: list[evt.EventHandlerType] = [(evt.EVT_C_STORE, store)]
        with associated(entity, self.peer, handlers, roles) as association:
            if not any(c.abstract_syntax == GET for c in association.accepted_contexts):
                what = "does not send over our own association (C-GET): give --receive-port"
                raise UsageError(what, self.name)
            return _outcome(association.send_c_get(_of_study(study), GET))

    def _moved(self, study: str, store: Handler) -> str | None:
        """Have the study sent to a port of ours; returns what went wrong."""
        entity = AE(ae_title=AE_TITLE)
        entity.add_requested_context(MOVE)
        with self._receiving(store), associated(entity, self.peer) as association:
            return _outcome(association.send_c_move(_of_study(study), AE_TITLE, MOVE))

    @contextmanager
    def _receiving(self, store: Handler) -> Iterator[None]:
        handlers: list[evt.EventHandlerType] = [(evt.EVT_C_STORE, store)]
        receiver = AE(ae_title=AE_TITLE)
        receiver.require_called_aet = True
        receiver.require_calling_aet = [self.peer.title]
        for context in AllStoragePresentationContexts:
            receiver.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
        try:
            server = receiver.start_server(
                ("", self.port or 0), block=False, evt_handlers=handlers,
                ssl_context=server_tls(),
            )  # fmt: skip
        except OSError as error:
            raise UsageError(f"cannot be opened ({error.strerror})", f"port {self.port}") from error
        try:
            yield
        finally:
            if server is not None:
                server.shutdown()


def _of_study(study: str) -> Dataset:
    query = Dataset()
    query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", study
    return query


def _outcome(responses: Iterable[tuple[Dataset, Dataset | None]]) -> str | None:
    """What the last response says went wrong; None where nothing did."""
    last = Dataset()
    for status, _ in responses:
        last = status
    code = last.get("Status")
    if code == SUCCESS:
        return None
    failed = last.get("NumberOfFailedSuboperations")
    said = "the connection was lost" if code is None else f"status {code:04X}"
    return said + (f", {failed} instances failed" if failed else "")
