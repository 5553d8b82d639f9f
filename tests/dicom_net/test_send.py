import socket
from pathlib import Path

import pytest
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt

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
