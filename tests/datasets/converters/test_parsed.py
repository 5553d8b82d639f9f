import contextlib
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from spinetk.datasets.converters.parsed import dicom_of, json_of, matlab_array, yaml_of
from spinetk.errors import SpineError


def test_what_is_no_mapping_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("[1, 2]")
    assert json_of(tmp_path / "a") == yaml_of(tmp_path / "a") == {}
    (tmp_path / "b").write_bytes(b'\xef\xbb\xbf{"names": [1]}')
    assert json_of(tmp_path / "b") == yaml_of(tmp_path / "b") == {"names": [1]}


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe{", b"[" * 100_000])
def test_damaged_files_are_refused_by_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.x").write_bytes(content)
    with pytest.raises(SpineError, match="a.x: not valid JSON"):
        json_of(tmp_path / "a.x")
    with pytest.raises(SpineError, match="a.x: not valid YAML"):
        yaml_of(tmp_path / "a.x")


def test_a_matlab_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    savemat(path, {"p2": np.arange(8.0)})
    np.testing.assert_array_equal(matlab_array(path, "p2").ravel(), np.arange(8.0))
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(SpineError, match="a.mat: no MATLAB file with an array p2"):
            matlab_array(path, "p2")


def test_a_dicom_file_cut_off_is_read_or_refused(phantom_folder: Path, tmp_path: Path) -> None:
    whole = min((phantom_folder / "dicom").iterdir()).read_bytes()
    path = tmp_path / "a.dcm"
    for length in range(0, 3000, 13):
        path.write_bytes(whole[:length])
        with contextlib.suppress(SpineError):
            dicom_of(path)
    path.write_bytes(b"no DICOM")
    with pytest.raises(SpineError, match="a.dcm: is damaged, or no DICOM"):
        dicom_of(path, pixels=False)
