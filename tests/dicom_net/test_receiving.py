import errno
import os
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from spinetk.dicom_net.receiving import Listener
from spinetk.dicom_net.storing import StudyFolder
from spinetk.errors import UsageError
from tests.dicom_net.test_send import free_port


def test_images_of_allowed_peers_are_on_disk_when_they_are_acknowledged(
    phantom_folder: Path, tmp_path: Path
) -> None:
    folder, port = StudyFolder(tmp_path / "node"), free_port()
    listener = Listener("SPINETK", [("SCANNER", "127.0.0.1")], folder)
    listener.start("127.0.0.1", port)
    try:
        path = min((phantom_folder / "dicom").iterdir())
        dataset = dcmread(path)
        for title, accepted in (("SCANNER", True), ("STRANGER", False)):
            entity = AE(ae_title=title)
            entity.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
            entity.add_requested_context(Verification)
            association = entity.associate("127.0.0.1", port, ae_title="SPINETK")
            assert association.is_established == accepted
            if accepted:
                assert association.send_c_echo().Status == 0
                assert association.send_c_store(dataset).Status == 0
                [study] = folder.studies()
                assert folder.arrivals(study)[0] == 1
                association.release()
        again = Listener("SPINETK", [("SCANNER", "127.0.0.1")], folder)
        with pytest.raises(UsageError, match="cannot listen there"):
            again.start("127.0.0.1", port)
    finally:
        listener.stop()


@contextmanager
def listening(folder: Path) -> Iterator[tuple[StudyFolder, int]]:
    studies, port = StudyFolder(folder), free_port()
    listener = Listener("SPINETK", [("SCANNER", "127.0.0.1")], studies)
    listener.start("127.0.0.1", port)
    try:
        yield studies, port
    finally:
        listener.stop()


def answers(port: int, **tls: object) -> bool:
    """Whether a peer is let in."""
    entity = AE(ae_title="SCANNER")
    entity.add_requested_context(Verification)
    entity.connection_timeout = entity.acse_timeout = 10
    association = entity.associate("127.0.0.1", port, ae_title="SPINETK", **tls)
    established = association.is_established
    association.release()
    return established


def test_who_is_silent_under_tls_keeps_nobody_out(
    certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINETK_TLS_CERT", str(certificates / "node.pem"))
    context = ssl.create_default_context(cafile=str(certificates / "authority.pem"))
    with listening(tmp_path / "node") as (_, port):
        silent = [
            socket.create_connection(("127.0.0.1", port), source_address=(source, 0))
            for source in ("127.0.0.9", "127.0.0.1", "127.0.0.1")  # a stranger, and a peer's host
        ]
        time.sleep(0.5)
        start = time.monotonic()
        assert answers(port, tls_args=(context, "127.0.0.1"))
        assert time.monotonic() - start < 5  # the silent ones are given 5 s
        for connection in silent:
            connection.close()
        with socket.create_connection(("127.0.0.1", port)) as plain:  # no TLS at all
            plain.sendall(b"nothing of the kind")
            plain.settimeout(10)
            with pytest.raises(ConnectionError):
                while plain.recv(1024):
                    pass
                raise ConnectionError
        assert answers(port, tls_args=(context, "127.0.0.1"))


def test_what_claims_to_be_long_is_not_taken_into_memory(tmp_path: Path) -> None:
    with listening(tmp_path / "node") as (_, port):
        before = resident()
        with socket.create_connection(("127.0.0.1", port)) as sender:
            try:
                sender.sendall(struct.pack(">BBL", 1, 0, 0xFFFFFFF0))  # wants an association
                for _ in range(300):
                    sender.sendall(bytes(2**20))
            except OSError:  # it hangs up
                pass
        assert resident() - before < 100
        assert answers(port)


def resident() -> int:
    """MB that this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def test_a_disk_that_becomes_full_ends_what_is_coming(
    phantom_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(tmp_path / "node") as (folder, port):
        dataset = dcmread(min((phantom_folder / "dicom").iterdir()))
        entity = AE(ae_title="SCANNER")
        entity.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
        association = entity.associate("127.0.0.1", port, ae_title="SPINETK")

        def full(_: Path, wanted: int = 0) -> None:
            raise OSError(errno.ENOSPC, "full")

        monkeypatch.setattr("spinetk.dicom_net.storing.see_room", full)
        assert getattr(association.send_c_store(dataset), "Status", None) != 0
        monkeypatch.undo()
        assert folder.studies() == [] and list(folder.arriving.iterdir()) == []
        assert answers(port)
