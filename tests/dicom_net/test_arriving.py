"""Images that are larger than the memory that they may take, and such as break off."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pydicom
import pytest
from pynetdicom import AE
from pynetdicom.association import Association

from spinetk.dicom_net.receiving import Listener
from spinetk.dicom_net.storing import StudyFolder
from tests.services import free_port, listens, running, until

MEGABYTES = 200


@pytest.fixture
def large(phantom_folder: Path) -> pydicom.Dataset:
    dataset = pydicom.dcmread(min((phantom_folder / "dicom").iterdir()))
    dataset.Rows, dataset.Columns = 64 * MEGABYTES, 8192
    dataset.PixelData = np.zeros(MEGABYTES * 2**20, np.uint8).tobytes()
    return dataset


@contextmanager
def associated(port: int, large: pydicom.Dataset) -> Iterator[Association]:
    entity = AE(ae_title="SCANNER")
    entity.add_requested_context(large.SOPClassUID, large.file_meta.TransferSyntaxUID)
    entity.dimse_timeout = 120  # it is acknowledged once it is on the disk, which may be slow
    association = entity.associate("127.0.0.1", port, ae_title="SPINETK")
    assert association.is_established
    yield association
    association.abort()


def test_a_large_image_is_never_whole_in_memory(large: pydicom.Dataset, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "spinetk.cli", "node", "--folder", tmp_path / "n", "--port",
               str(port), "--allow", "SCANNER@127.0.0.1", "--quiet-seconds", "100"]  # fmt: skip
    with running(command, stderr=subprocess.DEVNULL) as process:
        until(lambda: listens(port))
        held = psutil.Process(process.pid).memory_info().rss
        with associated(port, large) as association:
            assert association.send_c_store(large).Status == 0
        status = Path(f"/proc/{process.pid}/status").read_text()
        most = int(status.split("VmHWM:")[1].split()[0]) * 1024
    assert most - held < MEGABYTES * 2**20 / 4
    [image] = (tmp_path / "n" / "incoming").glob("*/*.dcm")
    assert pydicom.dcmread(image).PixelData == large.PixelData
    assert not list((tmp_path / "n" / "arriving").iterdir())


def test_what_broke_off_leaves_nothing(large: pydicom.Dataset, tmp_path: Path) -> None:
    folder, port = StudyFolder(tmp_path / "node"), free_port()
    listener = Listener("SPINETK", [("SCANNER", "127.0.0.1")], folder)
    listener.start("127.0.0.1", port)
    with associated(port, large) as association:
        sending = threading.Thread(target=association.send_c_store, args=(large,))
        sending.start()
        until(lambda: [p for p in folder.arriving.iterdir() if p.stat().st_size > 10**6])
        association.dul.socket.socket.shutdown(socket.SHUT_RDWR)
        sending.join()
    until(lambda: not list(folder.arriving.iterdir()), 20)
    assert folder.studies() == []
    listener.stop()


def test_what_a_killed_process_left_is_deleted(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "node")
    (folder.arriving / "tmpabc.dcm").write_bytes(b"half")
    listener = Listener("SPINETK", [("SCANNER", "127.0.0.1")], folder)
    listener.start("127.0.0.1", free_port())
    listener.stop()
    assert not list(folder.arriving.iterdir())
