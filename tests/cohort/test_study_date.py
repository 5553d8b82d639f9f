from pathlib import Path

import pydicom

from spinetk.cohort.study_date import study_date


def test_the_date_of_the_results_own_files(own_result: Path) -> None:
    assert len(study_date(own_result)) == 10
    for name in ("sr.dcm", "seg.dcm"):
        header = pydicom.dcmread(own_result / name)
        header.StudyDate = "20240229"
        header.save_as(own_result / name)
    assert study_date(own_result) == "2024-02-29"
    (own_result / "sr.dcm").write_bytes(b"no DICOM")
    assert study_date(own_result) == "2024-02-29"
    (own_result / "seg.dcm").unlink()
    assert study_date(own_result) == ""
