import tempfile
from pathlib import Path

import pytest

from spinetk.dicom_net.archive import Fetched, dicom_files, whole_study
from spinetk.errors import UnreadableInput


def test_a_part_is_refused_and_deleted_unless_it_is_welcome() -> None:
    part = Fetched(tempfile.TemporaryDirectory(), "2 of 7 instances came")
    assert whole_study(part, "PACS", partial=True) is part
    with pytest.raises(
        UnreadableInput, match="PACS: only a part of the study came .2 of 7 instances came"
    ):
        whole_study(part, "PACS", partial=False)
    assert not Path(part.folder.name).exists()


def test_only_results_with_dicom_files_are_stored(tmp_path: Path) -> None:
    for name in ("a/seg.dcm", "a/sr.dcm", "a/mask.nii.gz", "b/instances.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = list(dicom_files([tmp_path / "a", tmp_path / "b"]))
    assert found == [[tmp_path / "a" / "seg.dcm", tmp_path / "a" / "sr.dcm"]]
