from pathlib import Path

from spinetk.writers.formats import DICOM_FORMATS, FILES, FORMATS, USUAL_FORMATS, not_written

ROOT = Path(__file__).parents[2]


def test_every_format_writes_its_files_and_nothing_else_is_written(written: Path) -> None:
    wanted = {name for names in FILES.values() for name in names} | {"run.json"}
    assert {path.name for path in written.iterdir()} == wanted
    assert set(DICOM_FORMATS) < set(FORMATS) and set(USUAL_FORMATS) < set(FORMATS)


def test_every_file_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "output.md").read_text()
    assert [name for names in FILES.values() for name in names if name not in page] == []


def test_what_is_missing_is_said_with_its_reason() -> None:
    warning = not_written("sr", "the source is not DICOM")
    assert warning.code == "not-written"
    assert warning.text == "sr.dcm was not written: the source is not DICOM"
