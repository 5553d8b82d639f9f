import os
import time
from pathlib import Path

import pytest

from spinetk.atomic import unfinished
from spinetk.dicom_net.storing import State, StudyFolder, read_json
from spinetk.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "node")


def put(folder: StudyFolder, study: str, image: str, content: bytes) -> None:
    arriving = folder.arriving / "a"
    arriving.write_bytes(content)
    folder.put(study, image, arriving)
    assert not arriving.exists()


def test_an_image_sent_twice_is_one_and_nothing_new(folder: StudyFolder) -> None:
    put(folder, "1.2", "1.2.3", b"content")
    [study] = folder.studies()
    count, came = folder.arrivals(study)
    time.sleep(0.02)
    put(folder, "1.2", "1.2.3", b"content")
    assert folder.arrivals(study) == (count, came) and count == 1
    put(folder, "1.2", "1.2.3", b"other")
    assert folder.arrivals(study)[0] == 2 and folder.arrivals(study)[1] > came


def test_no_uid_leads_out_of_the_folder(folder: StudyFolder, tmp_path: Path) -> None:
    put(folder, "../../evil", "/etc/passwd", b"x")
    files = [p for p in tmp_path.rglob("*") if p.is_file() and p.name != ".lock"]
    assert len(files) == 1 and files[0].is_relative_to(folder.incoming)
    assert (tmp_path / "node").stat().st_mode & 0o077 == 0


def test_what_a_killed_node_left_half_written_does_not_count(
    folder: StudyFolder, tmp_path: Path
) -> None:
    put(folder, "1.2", "1.2.3", b"content")
    [study] = folder.studies()
    half = unfinished(study / "x.dcm")
    half.write_bytes(b"half")
    assert folder.arrivals(study)[0] == 1
    folder.close()  # as a killed process does
    StudyFolder(tmp_path / "node")
    assert not half.exists()


def test_a_state_is_kept_and_a_damaged_one_is_as_new(folder: StudyFolder) -> None:
    put(folder, "1.2", "1.2.3", b"content")
    [study] = folder.studies()
    assert folder.state(study) == State()
    failed = State(folder.arrivals(study), "failed", 2)
    folder.keep(study, failed, "no DICOM results")
    assert folder.state(study) == failed
    assert (folder.results(study) / "reason.txt").read_text() == "no DICOM results\n"
    for damage in ("{", "{}", "[1]", '"x"', "3", '{"came": null, "name": "done", "tries": 0}'):
        (folder.incoming.parent / "states" / f"{study.name}.json").write_text(damage)
        assert folder.state(study) == State()
    assert read_json(folder.incoming / "missing") is None


@pytest.mark.parametrize("sent", [True, False])
def test_only_what_is_done_with_and_old_is_deleted(folder: StudyFolder, sent: bool) -> None:
    put(folder, "1.2", "1.2.3", b"content")
    [study] = folder.studies()
    folder.results(study).mkdir()
    old = time.time() - 100
    os.utime(next(study.iterdir()), (old, old))
    assert not folder.sweep(study, 50, results=sent) and study.exists()  # waiting
    folder.keep(study, State(folder.arrivals(study), "done"))
    assert not folder.sweep(study, 200, results=sent) and study.exists()
    assert folder.sweep(study, 50, results=sent)
    assert not study.exists() and folder.studies() == []
    assert folder.results(study).exists() != sent  # what was not sent is nowhere else


def test_what_was_never_sent_stays_and_is_taken_up_again(folder: StudyFolder) -> None:
    put(folder, "1.2", "1.2.3", b"content")
    [study] = folder.studies()
    came = folder.arrivals(study)
    folder.keep(study, State(came, "unsent", 1), "PACS: cannot be reached: given up")
    folder.sweep(study, -1.0, results=True)
    assert study.exists() and "given up" in (folder.results(study) / "reason.txt").read_text()
    folder.take_up_unsent()
    assert folder.state(study) == State(came, "waiting", 1)


def test_two_nodes_do_not_share_a_folder(tmp_path: Path) -> None:
    first = StudyFolder(tmp_path / "node")
    with pytest.raises(UsageError, match="another node uses this folder"):
        StudyFolder(tmp_path / "node")
    first.close()
    StudyFolder(tmp_path / "node").close()


def test_another_image_under_the_same_uid_replaces_none(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    for content in (b"first", b"second", b"first"):
        put(folder, "1.2", "1.2.3", content)
    [study] = folder.studies()
    assert sorted(path.read_bytes() for path in study.iterdir()) == [b"first", b"second"]


def test_studies_are_their_owners_in_a_folder_that_is_not(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    StudyFolder(tmp_path)
    for name in ("incoming", "results", "states", "arriving"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
