import zipfile
from pathlib import Path

import pytest

from spinetk.errors import UnreadableInput
from spinetk.readers.sources import find_files, unpack
from spinetk.results.record import write_record
from tests.results.test_record import record


def test_hidden_files_and_earlier_results_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    for name in ("study/a.dcm", "study/.hidden.dcm", "b.png"):
        (tmp_path / name).touch()
    (tmp_path / "result").mkdir()
    write_record(tmp_path / "result", record())
    (tmp_path / "result" / "image.nii.gz").touch()
    files = find_files([tmp_path])
    assert [path.name for path in files.paths] == ["b.png", "a.dcm"] and not files.named
    named = find_files([tmp_path / "b.png"])
    assert named.named == {tmp_path / "b.png"}
    with pytest.raises(UnreadableInput, match="no such file or folder"):
        find_files([tmp_path / "missing"])


def test_no_name_in_an_archive_leads_out_of_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in (
            "../../evil.dcm",
            "/abs.dcm",
            "c:\\x\\win.dcm",
            "d/one.dcm",
            "d/two.dcm",
            "d/",
        ):
            archive.writestr(name, name)
    inside = tmp_path / "inside"
    inside.mkdir()
    unpack(path, inside)
    found = sorted(p.relative_to(inside) for p in inside.rglob("*") if p.is_file())
    assert {p.name for p in found} == {"evil.dcm", "abs.dcm", "win.dcm", "one.dcm", "two.dcm"}
    assert len({p.parent for p in found if p.name in ("one.dcm", "two.dcm")}) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "inside"]


def test_damaged_and_oversized_archives_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.dcm", bytes(10**6))
    (tmp_path / "inside").mkdir()
    with pytest.raises(UnreadableInput, match="too large to unpack"):
        unpack(path, tmp_path / "inside", most_bytes=10**5)
    path.write_bytes(path.read_bytes()[:-30])
    refused = find_files([path]).refused
    assert [r.name for r in refused] == ["a.zip"] and "cannot be unpacked" in refused[0].reason
