"""Orthanc on loopback: a study is read from it over DICOMweb, its results are stored back."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom.uid import JPEG2000Lossless, generate_uid

from spinetk.dicom_net.web import WebArchive
from spinetk.errors import UnreadableInput, UsageError
from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
from tests.debian import needs_debian
from tests.dicom_net.half_server import HalfServer
from tests.services import Orthanc

PLUGINS = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


def needs_orthanc(test: Callable[..., None]) -> Callable[..., None]:
    there = pytest.mark.skipif(
        not PLUGINS.exists(), reason="needs apt-get install orthanc-dicomweb"
    )
    marked: Callable[..., None] = needs_debian("orthanc", "Orthanc")(there(test))
    return marked


@pytest.fixture(scope="module")
def half(phantom_folder: Path) -> Iterator[HalfServer]:
    """A server that gives parts of the phantom's study."""
    files = [path.read_bytes() for path in sorted((phantom_folder / "dicom").iterdir())]
    made = HalfServer(files)
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("part", "the server says that it gives a part"),
        ("unmarked", "ends before its closing mark"),
        ("cut", "ends before its closing mark|damaged"),
        ("counted", "4 of 9 instances came"),
    ],
)
def test_a_part_of_a_study_is_no_study(half: HalfServer, mode: str, why: str) -> None:
    with pytest.raises(UnreadableInput, match=f"only a part of the study came .*({why})"):
        WebArchive(f"{half.url}/{mode}").fetch("1.2.3")
    fetched = WebArchive(f"{half.url}/{mode}").fetch("1.2.3", partial=True)
    assert fetched.missing and 1 <= len(list(Path(fetched.folder.name).iterdir())) < 9
    fetched.folder.cleanup()


def test_from_a_part_nothing_is_stored_unless_asked(half: HalfServer, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "spinetk.cli", "segment", "--study", "1.2.3", "--dicomweb"]
    done = subprocess.run([*command, f"{half.url}/cut", "-o", str(tmp_path / "a")],
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 3 and len(done.stderr.splitlines()) == 1
    assert half.stored == 0 and not (tmp_path / "a").exists()
    done = subprocess.run([*command, f"{half.url}/part", "--partial", "-o", str(tmp_path / "b")],
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    [record] = (tmp_path / "b").glob("*/run.json")
    warnings = json.loads(record.read_text())["warnings"]
    assert "partial" in [w["code"] for w in warnings] and half.stored > 0


def test_a_whole_study_and_an_address_that_ends_in_a_stroke(half: HalfServer) -> None:
    for url in (f"{half.url}/ok", f"{half.url}/ok/"):
        fetched = WebArchive.at(url).fetch("1.2.3")
        assert fetched.missing is None and len(list(Path(fetched.folder.name).iterdir())) == 9
        fetched.folder.cleanup()


@pytest.mark.parametrize(
    ("variables", "header"),
    [
        ({"SPINETK_DICOMWEB_TOKEN": "abc"}, "Bearer abc"),
        ({"SPINETK_DICOMWEB_USER": "me", "SPINETK_DICOMWEB_PASSWORD": "x"}, "Basic bWU6eA=="),
    ],
)
def test_who_we_are_comes_by_the_environment(
    half: HalfServer, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], header: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    WebArchive(f"{half.url}/ok").fetch("1.2.3").folder.cleanup()
    assert half.authorization == header


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an empty Orthanc's DICOMweb service."""
    made = Orthanc(tmp_path_factory.mktemp("orthanc"), PLUGINS)
    made.start()
    try:
        yield f"{made.url}/dicom-web"
    finally:
        made.stop()


@needs_orthanc
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
    again = WebArchive(orthanc).fetch(study).folder
    assert len(list(Path(again.name).iterdir())) == len(sources) + 2
    again.cleanup()


def test_a_server_that_gives_few_at_once_is_asked_for_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = [f"1.2.{k}" for k in range(7)]

    class Client:
        def search_for_studies(self, search_filters: object, offset: int) -> list[object]:
            return [{"0020000D": {"Value": [uid]}} for uid in there[offset : offset + 3]]

    monkeypatch.setattr(WebArchive, "_client", lambda archive: Client())
    assert list(WebArchive("http://a").studies("StudyDate=2020")) == there


@needs_orthanc
def test_the_studies_that_answer_a_query_are_done_one_by_one(orthanc: str, tmp_path: Path) -> None:
    client = DICOMwebClient(orthanc)
    for number in range(3):
        config = PhantomConfig(slices=1, samples=1, height=224, width=192, spacing=1.4, seed=number)
        write_phantom(make_phantom(config), tmp_path / f"p{number}")
        for path in (tmp_path / f"p{number}" / "dicom").iterdir():
            dataset = pydicom.dcmread(path)
            dataset.StudyDate = f"201{number}0101"
            client.store_instances([dataset])
    old = list(WebArchive(orthanc).studies("StudyDate=20100101-20111231,ModalitiesInStudy=MR"))
    assert len(old) == len(set(old)) == 2
    with pytest.raises(UsageError, match="ModalitiesInStudy=MR"):
        list(WebArchive(orthanc).studies("anything"))

    def asked(query: str) -> subprocess.CompletedProcess[str]:
        command = ["segment", "--dicomweb", orthanc, "--query", query, "-o", str(tmp_path / "out"),
                   "--format", "csv,seg", "--continue"]  # fmt: skip
        return subprocess.run(
            [sys.executable, "-m", "spinetk.cli", *command], capture_output=True, text=True
        )

    first = asked("StudyDate=20100101")
    assert first.returncode == 0 and first.stdout.count("stored 1 instances") == 1, first.stderr
    both = asked("StudyDate=20100101-20111231")
    assert both.returncode == 0, both.stderr
    assert both.stdout.count("stored 1 instances") == 1  # the first one is there already
    assert len(list((tmp_path / "out").glob("*/seg.dcm"))) == 2
    none = asked("StudyDate=18990101")
    assert none.returncode == 3 and "has no study that answers" in none.stderr


@needs_orthanc
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
    folder = WebArchive(orthanc).fetch(dataset.StudyInstanceUID).folder
    [fetched] = [pydicom.dcmread(path) for path in Path(folder.name).iterdir()]
    assert fetched.file_meta.TransferSyntaxUID == JPEG2000Lossless
    np.testing.assert_array_equal(fetched.pixel_array, stored)
    folder.cleanup()


def test_a_name_and_a_password_in_the_address_are_used_and_not_printed() -> None:
    archive = WebArchive.at("http://doctor:p@s%2Fs%40t@127.0.0.1:9/dicom-web")
    assert archive.login == ("doctor", "p@s/s@t") and "s@t" not in repr(archive)
    with pytest.raises(UnreadableInput) as told:
        archive.fetch("1.2.3")
    assert str(told.value).startswith("http://127.0.0.1:9/dicom-web: ")
    assert "s@t" not in str(told.value) and "doctor" not in str(told.value)


@pytest.mark.parametrize(
    "address",
    ["http://me:s3cr/et@127.0.0.1:1/d", "http://me:s3cret@/d", "me:s3cret@127.0.0.1:1",
     "http:/me:s3cret@127.0.0.1:1", "http://me:s3cret@[::1/d", "ftp://me:s3cret@a/d",
     "https://me:s3cret@[pacs/d", "me:s3cret@pacs/dicom-web"],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_being_repeated(address: str, tmp_path: Path) -> None:
    command = ["segment", "--dicomweb", address, "--study", "1.2.3", "-o", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "spinetk.cli", *command], capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "s3c" not in done.stderr + done.stdout


@needs_orthanc
def test_a_study_that_is_not_there_and_a_server_that_is_not(orthanc: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="404, no such study"):
        WebArchive(orthanc).fetch("1.2.3")
    (tmp_path / "seg.dcm").write_bytes(b"")
    with pytest.raises(UnreadableInput, match="127.0.0.1:9"):
        WebArchive("http://127.0.0.1:9/dicom-web").fetch("1.2.3")
    assert WebArchive(orthanc).store([]) == 0
