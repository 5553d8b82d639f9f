"""The pixels of stacks of DICOM images."""

import shutil
from pathlib import Path

from spinetk.readers import read


def test_one_truncated_file_among_others_is_left_out_and_named(
    phantom_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(phantom_folder / "dicom", tmp_path / "dicom")
    broken = sorted((tmp_path / "dicom").iterdir())[4]
    broken.write_bytes(broken.read_bytes()[:9000])
    study = read(tmp_path)
    assert len(study.series[0].slices) == 8
    assert any("1 of 9 slices" in w.text for w in study.series[0].warnings)
    assert study.refused[0].name == broken.name
