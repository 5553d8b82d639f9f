from pathlib import Path

import pytest

from spinetk.errors import UsageError
from spinetk.results.looks import FILE, Look, decisions_in, look_of, looks_in, write_look


def test_what_is_said_is_read_again_and_the_last_word_counts(tmp_path: Path) -> None:
    first = Look("t2", "accept", "Ann", "2026-01-01T10:00:00", 'fine, "quite"')
    second = Look("=t1", "", "Bob", "2026-01-02T10:00:00", "-look again\nlater")
    assert looks_in(tmp_path) == {}
    write_look(tmp_path, first)
    write_look(tmp_path, second)
    assert looks_in(tmp_path) == {"t2": first, "=t1": second}
    changed = Look("t2", "reject", "Eve", "2026-01-03T10:00:00", "")
    write_look(tmp_path, changed)
    assert looks_in(tmp_path) == {"=t1": second, "t2": changed}
    assert decisions_in(tmp_path) == {"t2": "reject"}  # a comment decides nothing
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0  # names of persons


def test_what_was_said_of_a_result_is_not_said_of_one_that_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "t2").mkdir()
    (tmp_path / "t2" / "run.json").write_text("one")
    write_look(tmp_path, Look("t2", "accept", "Ann", "2026-01-01T10:00:00", ""))
    assert decisions_in(tmp_path) == {"t2": "accept"}
    (tmp_path / "t2" / "run.json").write_text("another")
    assert decisions_in(tmp_path) == {}
    assert look_of(tmp_path, "t2") is None and look_of(tmp_path, "t3") is None
    write_look(tmp_path, Look("t1", "reject", "Ann", "2026-01-01T10:00:00", ""))
    assert decisions_in(tmp_path) == {"t1": "reject"}
    (tmp_path / "t2" / "run.json").write_text("one")  # it is back
    assert decisions_in(tmp_path) == {"t2": "accept", "t1": "reject"}


def test_a_file_that_a_spreadsheet_saved_is_read(tmp_path: Path) -> None:
    text = "key;decision;who;when;comment;of\nt2;Reject;Ann;2026-01-01;bad, indeed;\n"
    (tmp_path / FILE).write_text(text, encoding="utf-8-sig")
    assert decisions_in(tmp_path) == {"t2": "reject"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1,2\n", "row 1 lacks one of key, decision"),
        ("key,decision,who,when,comment,of\nt2,perhaps,A,,,\n", "row 1 decides perhaps"),
    ],
)
def test_a_file_of_others_is_refused_and_left_alone(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UsageError, match=why):
        looks_in(tmp_path)
    with pytest.raises(UsageError, match=why):
        write_look(tmp_path, Look("t1", "reject", "Ann", "2026-01-01T10:00:00", ""))
    assert (tmp_path / FILE).read_text() == text
