"""Orthanc on loopback: a study is read from it over DICOMweb, its results are stored back."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom.uid import JPEG2000Lossless, generate_uid

from spinetk.dicom_net.web import fetch_study, store_results
from spinetk.errors import UnreadableInput
from tests.debian import needs_debian
from tests.services import Orthanc

PLUGINS = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
pytestmark = [
    needs_debian("orthanc", "Orthanc"),
    pytest.mark.skipif(not PLUGINS.exists(), reason="needs apt-get install orthanc-dicomweb"),
]


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an empty Orthanc's DICOMweb service."""
    made = Orthanc(tmp_path_factory.mktemp("orthanc"), PLUGINS)
    made.start()
    try:
        yield f"{made.url}/dicom-web"
    finally:
        made.stop()


def test_a_study_is_read_segmented_and_stored_back(
    orthanc: str, phantom_folder: Path, tmp_path: Path
) -> None:
    client = DICOMwebClient(orthanc)
    sources = [pydicom.dcmread(path) for path in (phantom_folder / "dicom").iterdir()]
    client.store_instances(sources)
    study = sources[0].StudyInstanceUID
    done = subprocess.run(
        [sys.executable, "-m", "spinetk.cli", "segment", "--dicomweb", orthanc, "--study", study,
         "-o", str(tmp_path)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "stored 2 instances" in done.stdout
    stored = {d.Modality: d for d in client.iter_study(study) if d.Modality in ("SEG", "SR")}
    [folder] = [p for p in tmp_path.iterdir() if p.is_dir()]
    for modality, name in (("SEG", "seg.dcm"), ("SR", "sr.dcm")):
        own = pydicom.dcmread(folder / name)
        assert stored[modality].SOPInstanceUID == own.SOPInstanceUID
        assert stored[modality].StudyInstanceUID == study
    assert stored["SEG"].PixelData == pydicom.dcmread(folder / "seg.dcm").PixelData
    # with results in it, the study is read again all the same
    again = fetch_study(orthanc, study)
    assert len(list(Path(again.name).iterdir())) == len(sources) + 2
    again.cleanup()


@needs_debian("libgdcm-tools", "gdcmconv")
def test_what_is_compressed_comes_as_it_is_stored(
    orthanc: str, phantom_folder: Path, tmp_path: Path
) -> None:
    path = next((phantom_folder / "dicom").iterdir())
    subprocess.run(["gdcmconv", "--j2k", str(path), str(tmp_path / "j2k.dcm")], check=True)
    dataset = pydicom.dcmread(tmp_path / "j2k.dcm")
    stored = pydicom.dcmread(path).pixel_array
    dataset.StudyInstanceUID = dataset.SeriesInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    DICOMwebClient(orthanc).store_instances([dataset])
    folder = fetch_study(orthanc, dataset.StudyInstanceUID)
    [fetched] = [pydicom.dcmread(path) for path in Path(folder.name).iterdir()]
    assert fetched.file_meta.TransferSyntaxUID == JPEG2000Lossless
    np.testing.assert_array_equal(fetched.pixel_array, stored)
    folder.cleanup()


def test_a_password_in_the_address_is_not_printed() -> None:
    with pytest.raises(UnreadableInput) as told:
        fetch_study("http://doctor:secret@127.0.0.1:9/dicom-web", "1.2.3")
    assert "secret" not in str(told.value) and "127.0.0.1:9" in str(told.value)


def test_a_study_that_is_not_there_and_a_server_that_is_not(orthanc: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="404, no such study"):
        fetch_study(orthanc, "1.2.3")
    (tmp_path / "seg.dcm").write_bytes(b"")
    with pytest.raises(UnreadableInput, match="127.0.0.1:9"):
        fetch_study("http://127.0.0.1:9/dicom-web", "1.2.3")
    assert store_results(orthanc, []) == 0
