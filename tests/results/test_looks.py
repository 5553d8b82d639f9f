from pathlib import Path

from spinetk.results.looks import FILE, Look, decisions_in, looks_in, write_look


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


def test_a_file_of_others_is_no_word(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("a,b\n1,2\n")
    assert looks_in(tmp_path) == {}
