import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from pydicom.uid import ImplicitVRLittleEndian, MRImageStorage, SegmentationStorage
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt

from spinetk.dicom_net.encryption import server_tls
from spinetk.dicom_net.peers import Peer
from spinetk.dicom_net.send import Unreachable, send_files
from spinetk.errors import SpineError


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize(
    ("status", "error"),
    [(0x0000, None), (0xB000, None), (0xA700, Unreachable), (0x0122, SpineError)],
)
def test_what_the_destination_answers_is_taken_at_its_word(
    status: int, error: type[SpineError] | None, written: Path
) -> None:
    entity = AE(ae_title="PACS")
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
    port = free_port()
    server = entity.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, lambda _: status)]
    )
    try:
        files = [written / "seg.dcm", written / "sr.dcm"]
        if error is None:
            send_files(Peer("PACS", "127.0.0.1", port), files)
        else:
            with pytest.raises(error, match=r"PACS@127.0.0.1:\d+: does not take seg.dcm"):
                send_files(Peer("PACS", "127.0.0.1", port), files)
    finally:
        server.shutdown()


def test_nobody_there_is_unreachable(written: Path) -> None:
    with pytest.raises(Unreachable, match="cannot be reached"):
        send_files(Peer("PACS", "127.0.0.1", free_port()), [written / "seg.dcm"])


@pytest.fixture
def listening() -> Iterator[Callable[..., tuple[Peer, list[str]]]]:
    """Starts nodes that take some kinds in some transfer syntaxes; tells what they were sent."""
    servers = []

    def start(
        kinds: Sequence[str], syntaxes: Sequence[str], tls: ssl.SSLContext | None = None,
        title: str = "PACS",
    ) -> tuple[Peer, list[str]]:  # fmt: skip
        entity = AE(ae_title="PACS")
        entity.require_called_aet = True
        for kind in kinds:
            entity.add_supported_context(kind, list(syntaxes))
        got: list[str] = []

        def store(event: evt.Event) -> int:
            got.append(f"{event.request.AffectedSOPClassUID} {event.context.transfer_syntax}")
            assert event.dataset.PatientID
            return 0x0000

        port = free_port()
        servers.append(
            entity.start_server(
                ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, store)],
                ssl_context=tls,
            )
        )  # fmt: skip
        return Peer(title, "127.0.0.1", port), got

    yield start
    for server in servers:
        server.shutdown()


EVERY_KIND = [context.abstract_syntax for context in AllStoragePresentationContexts]
Start = Callable[..., tuple[Peer, list[str]]]


def test_a_node_that_knows_only_the_default_syntax_is_served(
    listening: Start, written: Path
) -> None:
    peer, got = listening(EVERY_KIND, [ImplicitVRLittleEndian])
    send_files(peer, [written / "seg.dcm", written / "sr.dcm"])
    assert len(got) == 2 and all(line.endswith(ImplicitVRLittleEndian) for line in got)


def test_rejected_is_not_out_of_reach(listening: Start, written: Path) -> None:
    files = [written / "seg.dcm"]
    peer, _ = listening(EVERY_KIND, [ImplicitVRLittleEndian], title="OTHER")
    with pytest.raises(SpineError, match="rejects the association .called ae title not rec") as no:
        send_files(peer, files)
    assert not isinstance(no.value, Unreachable)
    peer, _ = listening([MRImageStorage], [ImplicitVRLittleEndian])
    with pytest.raises(SpineError, match="takes none of the kinds") as none:
        send_files(peer, files)
    assert not isinstance(none.value, Unreachable)


def test_a_node_that_takes_no_reports_is_told_by_name(listening: Start, written: Path) -> None:
    peer, got = listening([SegmentationStorage], [ImplicitVRLittleEndian])
    with pytest.raises(SpineError, match=r"takes no SR objects \(sr.dcm\)"):
        send_files(peer, [written / "seg.dcm", written / "sr.dcm"])
    assert len(got) == 1


def test_files_are_sent_over_tls_where_an_authority_is_named(
    listening: Start, written: Path, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINETK_TLS_CERT", str(certificates / "node.pem"))
    monkeypatch.setenv("SPINETK_TLS_CA", str(certificates / "authority.pem"))
    peer, got = listening(EVERY_KIND, [ImplicitVRLittleEndian], tls=server_tls())
    send_files(peer, [written / "seg.dcm"])
    assert len(got) == 1
    monkeypatch.delenv("SPINETK_TLS_CERT")
    with pytest.raises(SpineError):  # the node wants to know who sends
        send_files(peer, [written / "seg.dcm"])
    monkeypatch.delenv("SPINETK_TLS_CA")
    with pytest.raises(SpineError):
        send_files(peer, [written / "seg.dcm"])
    assert len(got) == 1
