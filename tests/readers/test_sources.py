import gzip
import os
import tempfile
import traceback
import zipfile
from pathlib import Path

import pytest

from spinetk.errors import UnreadableInput
from spinetk.readers import read
from spinetk.readers.sources import find_files
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


def test_links_are_followed_and_circles_and_dead_links_end(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "linked.dcm").touch()
    study = tmp_path / "study"
    (study / "real").mkdir(parents=True)
    (study / "real" / "own.dcm").touch()
    (study / "series").symlink_to(elsewhere)
    (study / "real" / "up").symlink_to(study)
    (study / "gone.dcm").symlink_to("/nonexistent/gone.dcm")
    files = find_files([study])
    assert sorted(path.name for path in files.paths) == ["linked.dcm", "own.dcm"]
    assert [(r.name, r.reason) for r in files.refused] == [
        ("study", "1 link leads nowhere (gone.dcm)")
    ]
    with pytest.raises(UnreadableInput, match="the link leads nowhere"):
        find_files([study / "gone.dcm"])


def test_a_folder_of_dead_links_is_not_called_empty(tmp_path: Path) -> None:
    for name in ("a.dcm", "b.dcm"):
        (tmp_path / name).symlink_to(f"/nonexistent/{name}")
    with pytest.raises(UnreadableInput, match="2 links lead nowhere"):
        read(tmp_path)


def test_a_compressed_pair_is_unpacked_side_by_side(tmp_path: Path) -> None:
    for name in ("a.hdr", "a.img"):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(name.encode()))
    files = find_files([tmp_path])
    assert sorted(path.name for path in files.paths) == ["a.hdr", "a.img"]
    assert len({path.parent for path in files.paths}) == 1
    assert files.archive_of(files.paths[0]) == tmp_path


def test_archives_in_archives_and_those_that_are_not_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as inner:
        inner.writestr("p/a.dcm", "a")
        inner.writestr("p/b.rar", "b")
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as outer:
        outer.write(tmp_path / "in.zip", "q/in.zip")
        outer.writestr("bad.zip", "no archive")
    (tmp_path / "c.7z").touch()
    (tmp_path / "in.zip").unlink()
    files = find_files([tmp_path])
    assert [path.name for path in files.paths] == ["a.dcm"]
    assert files.archive_of(files.paths[0]) == tmp_path / "out.zip"
    told = {refusal.name: refusal.reason for refusal in files.refused}
    assert set(told) == {"c.7z", "out.zip: bad.zip", "out.zip: b.rar"}
    assert "7z archive" in told["c.7z"] and "cannot be unpacked" in told["out.zip: bad.zip"]


@pytest.mark.parametrize("mode", [0o000, 0o644, 0o311])
def test_a_folder_that_may_not_be_read_is_named(mode: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        for name in ("open", "closed"):
            (Path(place) / name).mkdir()
            (Path(place) / name / "a.png").touch()
        (Path(place) / "closed").chmod(mode)
        Path(place).chmod(0o755)
        child = os.fork()
        if child == 0:  # exceptions do not come back from here
            try:
                if os.geteuid() == 0:  # who may read everything
                    os.setuid(65534)
                found = find_files([place])
                assert [path.parent.name for path in found.paths] == ["open"]
                assert [(one.name, one.failed) for one in found.refused] == [("closed", True)]
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        (Path(place) / "closed").chmod(0o755)
        assert ended == 0


def test_devices_and_pipes_are_no_input(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(UnreadableInput, match="is a device or a pipe"):
            find_files([path])


def test_a_link_without_an_ending_is_read_as_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    for name in ("0a1b.nii.gz", "IM0001"):
        (tmp_path / "store" / name).write_bytes(b"x")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "t2").symlink_to(tmp_path / "store" / "0a1b.nii.gz")
    (tmp_path / "study" / "image").symlink_to(tmp_path / "store" / "IM0001")
    paths = find_files([tmp_path / "study"]).paths
    assert sorted(path.name for path in paths) == ["0a1b.nii.gz", "image"]
