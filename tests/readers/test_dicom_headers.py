from pathlib import Path

import numpy as np
from pydicom import dcmread

from spinetk.phantom import Phantom
from spinetk.readers.dicom_headers import integer, is_dicom, read_headers, scan
from tests.make_dicom import write_enhanced_mr


def first(phantom_folder: Path) -> Path:
    return min((phantom_folder / "dicom").iterdir())


def test_a_header_says_what_the_file_says(phantom_folder: Path, phantom: Phantom) -> None:
    dataset = dcmread(first(phantom_folder), stop_before_pixels=True)
    [header] = read_headers(first(phantom_folder))
    assert header.frame.uid == dataset.SOPInstanceUID and header.frame.number is None
    assert header.study == dataset.StudyInstanceUID and header.modality == "MR"
    assert header.shape == (dataset.Rows, dataset.Columns)
    assert header.spacing == tuple(dataset.PixelSpacing)
    assert header.spacing_source == "PixelSpacing" and not header.is_film
    assert header.geometry is not None
    np.testing.assert_allclose(header.geometry.origin, dataset.ImagePositionPatient)


def test_every_frame_of_a_multi_frame_file_has_its_header(phantom: Phantom, tmp_path: Path) -> None:
    headers = read_headers(write_enhanced_mr(tmp_path, phantom))
    assert [h.frame.number for h in headers] == list(range(1, len(phantom.volume) + 1))
    places = np.array([h.geometry.origin for h in headers if h.geometry is not None])
    assert len(np.unique(places, axis=0)) == len(headers)


def test_dicom_is_told_by_its_first_bytes_under_any_name(
    phantom_folder: Path, tmp_path: Path
) -> None:
    renamed = tmp_path / "IM0001"
    renamed.write_bytes(first(phantom_folder).read_bytes())
    (tmp_path / "text.dcm").write_text("no DICOM")
    (tmp_path / "empty").touch()
    assert [is_dicom(p) for p in (renamed, tmp_path / "text.dcm", tmp_path / "empty")] == [
        True, False, False,
    ]  # fmt: skip


def test_damaged_files_are_told_one_by_one(phantom_folder: Path, tmp_path: Path) -> None:
    content = first(phantom_folder).read_bytes()
    (tmp_path / "a.dcm").write_bytes(content)
    (tmp_path / "b.dcm").write_bytes(content[:200])
    found = dict(scan([tmp_path / "a.dcm", tmp_path / "b.dcm"]))
    assert isinstance(found[tmp_path / "a.dcm"], list)
    assert isinstance(found[tmp_path / "b.dcm"], Exception)


def test_numbers_that_are_none() -> None:
    assert [integer(v) for v in ("7", 7.0, "", None, "x")] == [7, 7, None, None, None]
