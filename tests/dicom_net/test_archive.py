from pathlib import Path

from spinetk.dicom_net.archive import dicom_files


def test_only_results_with_dicom_files_are_stored(tmp_path: Path) -> None:
    for name in ("a/seg.dcm", "a/sr.dcm", "a/mask.nii.gz", "b/instances.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = list(dicom_files([tmp_path / "a", tmp_path / "b"]))
    assert found == [[tmp_path / "a" / "seg.dcm", tmp_path / "a" / "sr.dcm"]]
