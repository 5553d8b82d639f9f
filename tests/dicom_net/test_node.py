"""The DICOM node on loopback: dcmtk's tools and Orthanc speak to it."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid

from spinetk.dicom_net.peers import Peer, parse_peer
from spinetk.dicom_net.send import send_files
from spinetk.errors import SpineError, UsageError
from tests.debian import needs_debian
from tests.services import Orthanc, free_port, listens, running, until

# by their paths: pynetdicom brings programs of the same names
ECHOSCU, STORESCU = "/usr/bin/echoscu", "/usr/bin/storescu"
pytestmark = [needs_debian("dcmtk", STORESCU), needs_debian("orthanc", "Orthanc")]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Orthanc]:
    made = Orthanc(tmp_path / "orthanc")
    made.start()
    yield made
    made.stop()


@contextmanager
def node(folder: Path, port: int, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [
        sys.executable, "-m", "spinetk.cli", "node", "--folder", str(folder), "--port", str(port),
        "--allow", "SCANNER@127.0.0.1", "--allow", "ARCHIVE@127.0.0.1", "--quiet-seconds", "1",
    ]  # fmt: skip
    with (
        folder.with_suffix(".log").open("a") as log,
        running([*command, *options], stderr=log) as process,
    ):
        until(lambda: listens(port) or process.poll() is not None)
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0  # that is how a service ends


def storescu(port: int, path: Path, *, title: str = "SCANNER", called: str = "SPINETK") -> int:
    """dcmtk's exit status."""
    done = subprocess.run(
        [STORESCU, "-aet", title, "-aec", called, "+sd", "127.0.0.1", str(port), str(path)],
        capture_output=True, timeout=120,
    )  # fmt: skip
    return done.returncode


def test_a_study_comes_in_and_its_results_go_on(
    archive: Orthanc, phantom_folder: Path, tmp_path: Path
) -> None:
    port = free_port()
    with node(tmp_path / "n", port, "--send-to", f"ARCHIVE@127.0.0.1:{archive.dicom}"):
        echo = [ECHOSCU, "-aet", "SCANNER", "-aec", "SPINETK", "127.0.0.1", str(port)]
        assert subprocess.run(echo, capture_output=True).returncode == 0
        assert storescu(port, phantom_folder / "dicom") == 0
        until(lambda: archive.kinds() == ["SEG", "SR"])
        until(lambda: " done, 2 files sent to" in (tmp_path / "n.log").read_text())
        assert storescu(port, phantom_folder / "dicom") == 0  # the same again: nothing to do
        time.sleep(4)
        assert archive.kinds() == ["SEG", "SR"]
        # one image more: all of them are segmented again
        dataset = pydicom.dcmread(sorted((phantom_folder / "dicom").iterdir())[0])
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.ImagePositionPatient[0] -= 5
        dataset.PatientBirthDate = "born 1.2.1950 Doe"  # what libraries warn of, quoting it
        dataset.save_as(tmp_path / "one.dcm")
        assert storescu(port, tmp_path / "one.dcm") == 0
        until(lambda: len(archive.kinds()) == 4)
    told = (tmp_path / "n.log").read_text()
    assert "Phantom" not in told and "Doe" not in told
    [record] = (tmp_path / "n" / "results").glob("*/*/run.json")
    assert json.loads(record.read_text())["n_slices"] == 10


def test_strangers_do_not_keep_peers_out(phantom_folder: Path, tmp_path: Path) -> None:
    port = free_port()
    with node(tmp_path / "n", port):
        for _ in range(30):  # from an address that is nobody's
            with socket.socket() as stranger:
                stranger.bind(("127.0.0.2", 0))
                stranger.connect(("127.0.0.1", port))
        assert storescu(port, phantom_folder / "dicom") == 0
    assert "refused: a connection from 127.0.0.2" in (tmp_path / "n.log").read_text()


def test_orthanc_sends_to_the_node(archive: Orthanc, phantom_folder: Path, tmp_path: Path) -> None:
    port = free_port()
    with node(tmp_path / "n", port):
        archive.send(sorted((phantom_folder / "dicom").iterdir())[4], port)
        until(lambda: list((tmp_path / "n" / "results").glob("*/*/seg.dcm")))


def test_only_allowed_peers_and_our_title_are_served(phantom_folder: Path, tmp_path: Path) -> None:
    port = free_port()
    with node(tmp_path / "n", port):
        assert storescu(port, phantom_folder / "dicom", title="STRANGER") != 0
        assert storescu(port, phantom_folder / "dicom", called="OTHER") != 0
        assert not list((tmp_path / "n" / "incoming").iterdir())
        told = (tmp_path / "n.log").read_text()
        assert "refused: STRANGER at 127.0.0.1" in told and "which called OTHER" in told
    with node(tmp_path / "m", free_port(), "--allow", "nonsense") as process:
        assert process.wait(20) == 2


def test_a_node_that_is_killed_loses_no_study(
    archive: Orthanc, phantom_folder: Path, tmp_path: Path
) -> None:
    port, options = free_port(), ("--send-to", f"ARCHIVE@127.0.0.1:{archive.dicom}")
    folder = tmp_path / "n"
    with node(folder, port, *options) as process:  # in the middle of the segmentation
        assert storescu(port, phantom_folder / "dicom") == 0
        until(lambda: list((folder / "results").iterdir()))
        process.kill()
        process.wait()
    assert len(list((folder / "incoming").glob("*/*.dcm"))) == 9 and archive.kinds() == []
    (next((folder / "incoming").iterdir()) / "x.part").write_bytes(b"cut short")
    with node(folder, port, *options):
        until(lambda: archive.kinds() == ["SEG", "SR"])


def test_a_destination_that_is_away_gets_the_results_later(
    phantom_folder: Path, tmp_path: Path
) -> None:
    archive, port = Orthanc(tmp_path / "orthanc"), free_port()
    with node(tmp_path / "n", port, "--send-to", f"ARCHIVE@127.0.0.1:{archive.dicom}"):
        assert storescu(port, phantom_folder / "dicom") == 0
        until(lambda: "cannot be reached" in (tmp_path / "n.log").read_text())
        archive.start()
        try:
            until(lambda: archive.kinds() == ["SEG", "SR"])
        finally:
            archive.stop()


def test_what_cannot_be_segmented_is_put_aside_with_the_reason(tmp_path: Path) -> None:
    from pydicom.data import get_testdata_file

    port = free_port()
    with node(tmp_path / "n", port):
        path = tmp_path / "one"
        path.mkdir()
        shutil.copy(str(get_testdata_file("CT_small.dcm")), path)
        assert storescu(port, path) == 0
        until(lambda: " failed, " in (tmp_path / "n.log").read_text())
        [reason] = (tmp_path / "n" / "results").glob("*/reason.txt")
        assert "too few to be cut" in reason.read_text()
        assert len(list((tmp_path / "n" / "incoming").glob("*/*.dcm"))) == 1  # still there


def test_sending_says_what_is_wrong(archive: Orthanc, tmp_path: Path, phantom_folder: Path) -> None:
    path = sorted((phantom_folder / "dicom").iterdir())[0]
    send_files(Peer("ARCHIVE", "127.0.0.1", archive.dicom), [path])
    assert archive.kinds() == [pydicom.dcmread(path).Modality]
    with pytest.raises(SpineError, match="cannot be reached"):
        send_files(Peer("ARCHIVE", "127.0.0.1", free_port()), [path])
    for text in ("ARCHIVE", "A@host", "A@host:99999", "much-too-long-for-a-title@host:1"):
        with pytest.raises(UsageError):
            parse_peer(text)
