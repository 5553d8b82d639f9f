import stat
from pathlib import Path

from spinetk.results.completed import FILE, completed, name_of, note_completed


def result(out: Path, key: str) -> None:
    (out / key).mkdir(parents=True)


def test_a_study_is_done_while_all_its_results_are_there(tmp_path: Path) -> None:
    for key in ("a-1", "a-2", "b-1"):
        result(tmp_path, key)
    note_completed(tmp_path, "1.2.3", ["a-1", "a-2"])
    note_completed(tmp_path, "1.2.4", ["b-1"])
    note_completed(tmp_path, "1.2.5", [])
    assert completed(tmp_path) == {name_of("1.2.3"): ["a-1", "a-2"], name_of("1.2.4"): ["b-1"]}
    (tmp_path / "a-2").rmdir()
    assert list(completed(tmp_path)) == [name_of("1.2.4")]


def test_it_names_no_study_and_is_its_owners(tmp_path: Path) -> None:
    note_completed(tmp_path, "s3://hospital/smith_john", ["k"])
    assert b"smith" not in (tmp_path / FILE).read_bytes()
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_a_line_that_a_killed_process_left_unfinished_takes_no_other_with_it(
    tmp_path: Path,
) -> None:
    for key in ("a-1", "b-1"):
        result(tmp_path, key)
    note_completed(tmp_path, "1", ["a-1"])
    path = tmp_path / FILE
    with path.open("ab") as stream:
        stream.write(name_of("2").encode()[:7])
    note_completed(tmp_path, "3", ["b-1"])
    assert completed(tmp_path) == {name_of("1"): ["a-1"], name_of("3"): ["b-1"]}


def test_shards_have_a_file_each_and_any_key_comes_back(tmp_path: Path) -> None:
    result(tmp_path, "-scan")
    result(tmp_path, "b")
    note_completed(tmp_path, "1", ["-scan"], "completed-0001-of-0002.csv")
    note_completed(tmp_path, "2", ["b"], "completed-0002-of-0002.csv")
    assert completed(tmp_path) == {name_of("1"): ["-scan"], name_of("2"): ["b"]}
