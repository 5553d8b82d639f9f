"""Orthanc on loopback, asked without DICOMweb: its study comes by C-GET and by C-MOVE."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
import requests
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless, generate_uid
from pynetdicom import AE, evt

from spinetk.dicom_net.peers import Peer
from spinetk.dicom_net.retrieve import FIND, GET, NodeArchive
from spinetk.errors import SpineError, UnreadableInput
from tests.debian import needs_debian
from tests.services import Orthanc, free_port

needs_orthanc = needs_debian("orthanc", "Orthanc")


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory, phantom_folder: Path) -> Iterator[Orthanc]:
    """It holds the phantom's study."""
    made = Orthanc(tmp_path_factory.mktemp("orthanc"))
    made.start()
    try:
        for path in (phantom_folder / "dicom").iterdir():
            requests.post(f"{made.url}/instances", data=path.read_bytes(), timeout=10)
        yield made
    finally:
        made.stop()


@pytest.fixture
def study(phantom_folder: Path) -> str:
    path = next((phantom_folder / "dicom").iterdir())
    return str(pydicom.dcmread(path, stop_before_pixels=True).StudyInstanceUID)


def archive(of: Orthanc, port: int | None = None) -> NodeArchive:
    return NodeArchive(Peer("ARCHIVE", "127.0.0.1", of.dicom), port)


@needs_orthanc
def test_a_study_comes_and_its_results_are_stored(
    orthanc: Orthanc, study: str, tmp_path: Path
) -> None:
    before = orthanc.kinds()
    done = subprocess.run(
        [sys.executable, "-m", "spinetk.cli", "segment", "--study", study, "-o", str(tmp_path),
         "--dimse", f"ARCHIVE@127.0.0.1:{orthanc.dicom}"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"stored 2 instances in ARCHIVE@127.0.0.1:{orthanc.dicom}" in done.stdout
    assert sorted([*before, "SEG", "SR"]) == orthanc.kinds()


@needs_orthanc
@pytest.mark.parametrize("moved", [False, True])
def test_every_instance_comes_as_it_is_stored(
    orthanc: Orthanc, study: str, phantom_folder: Path, moved: bool
) -> None:
    port = free_port() if moved else None
    if port:
        orthanc.know(port)
    fetched = archive(orthanc, port).fetch(study)
    assert fetched.missing is None
    came = [pydicom.dcmread(path) for path in Path(fetched.folder.name).iterdir()]
    fetched.folder.cleanup()
    own = [pydicom.dcmread(path) for path in (phantom_folder / "dicom").iterdir()]
    pixels = {d.SOPInstanceUID: d.pixel_array for d in came if d.Modality == "MR"}
    assert set(pixels) == {d.SOPInstanceUID for d in own}
    for dataset in own:
        np.testing.assert_array_equal(pixels[dataset.SOPInstanceUID], dataset.pixel_array)


@needs_orthanc
@needs_debian("libgdcm-tools", "gdcmconv")
def test_what_is_compressed_stays_so(
    orthanc: Orthanc, phantom_folder: Path, tmp_path: Path
) -> None:
    path = next((phantom_folder / "dicom").iterdir())
    subprocess.run(["gdcmconv", "--j2k", str(path), str(tmp_path / "j2k.dcm")], check=True)
    dataset = pydicom.dcmread(tmp_path / "j2k.dcm")
    dataset.StudyInstanceUID = dataset.SeriesInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.save_as(tmp_path / "j2k.dcm", enforce_file_format=True)
    content = (tmp_path / "j2k.dcm").read_bytes()
    requests.post(f"{orthanc.url}/instances", data=content, timeout=10)
    fetched = archive(orthanc).fetch(dataset.StudyInstanceUID)
    [came] = [pydicom.dcmread(path) for path in Path(fetched.folder.name).iterdir()]
    assert came.file_meta.TransferSyntaxUID == JPEG2000Lossless
    assert came.PixelData == dataset.PixelData
    fetched.folder.cleanup()


@needs_orthanc
def test_what_cannot_be_had_is_said(orthanc: Orthanc, study: str) -> None:
    with pytest.raises(UnreadableInput, match=r"ARCHIVE@.* has no study 1\.2\.3"):
        archive(orthanc).fetch("1.2.3")
    with pytest.raises(SpineError, match="cannot be reached"):
        NodeArchive(Peer("ARCHIVE", "127.0.0.1", free_port())).fetch(study)
    orthanc.know(free_port())  # where nobody listens
    with pytest.raises(UnreadableInput, match="gives nothing of the study"):
        archive(orthanc, free_port()).fetch(study)


@pytest.fixture
def half_archive(phantom_folder: Path) -> Iterator[NodeArchive]:
    """A node that names nine images and sends four."""
    datasets = [pydicom.dcmread(path) for path in sorted((phantom_folder / "dicom").iterdir())]

    def find(event: evt.Event) -> Iterator[tuple[int, Dataset]]:
        of_series = event.identifier.QueryRetrieveLevel == "SERIES"
        for dataset in datasets[:1] if of_series else datasets:
            found = Dataset()
            names = ["SeriesInstanceUID", *(() if of_series else ("SOPInstanceUID", "SOPClassUID"))]
            for name in names:
                setattr(found, name, dataset[name].value)
            yield 0xFF00, found

    def get(event: evt.Event) -> Iterator[int | tuple[int, Dataset]]:
        yield 4
        for dataset in datasets[:4]:
            yield 0xFF00, dataset

    entity = AE(ae_title="HALF")
    for context in (FIND, GET):
        entity.add_supported_context(context)
    for context in {str(d.SOPClassUID) for d in datasets}:
        entity.add_supported_context(context, scu_role=True, scp_role=True)
    port = free_port()
    server = entity.start_server(
        ("127.0.0.1", port), block=False,
        evt_handlers=[(evt.EVT_C_FIND, find), (evt.EVT_C_GET, get)],
    )  # fmt: skip
    assert server is not None
    yield NodeArchive(Peer("HALF", "127.0.0.1", port))
    server.shutdown()


def test_a_part_of_a_study_is_no_study(half_archive: NodeArchive, study: str) -> None:
    with pytest.raises(UnreadableInput, match="only a part of the study came .4 of 9 instances"):
        half_archive.fetch(study)
    fetched = half_archive.fetch(study, partial=True)
    assert fetched.missing == "4 of 9 instances came"
    assert len(list(Path(fetched.folder.name).iterdir())) == 4
    fetched.folder.cleanup()
