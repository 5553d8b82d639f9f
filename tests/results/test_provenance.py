"""sources.csv: whose result it is, for its owner alone."""

import shutil
import stat
from pathlib import Path

from spinetk.results.provenance import SourceRow, known_sources, read_sources, write_sources


def row(key: str, place: str = "cohort/case01/t2.nii.gz") -> SourceRow:
    return SourceRow(key, place, "", f"sha of {key}")


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write_sources(tmp_path, [row("a")])
    assert stat.S_IMODE((tmp_path / "sources.csv").stat().st_mode) == 0o600
    assert read_sources(tmp_path / "sources.csv") == [row("a")]


def test_a_second_run_adds_and_what_is_gone_goes(tmp_path: Path) -> None:
    for key in ("a", "b", "c-slice-003"):
        (tmp_path / key).mkdir()
    write_sources(tmp_path, [row("a"), row("b")])
    (tmp_path / "a").rmdir()
    write_sources(tmp_path, [row("c"), row("b", "moved/t2.nii.gz")])
    assert [(r.key, r.input) for r in read_sources(tmp_path / "sources.csv")] == [
        ("b", "moved/t2.nii.gz"), ("c", "cohort/case01/t2.nii.gz"),
    ]  # fmt: skip


def test_every_shard_has_a_file_and_all_are_known(tmp_path: Path) -> None:
    for key in ("a", "b"):
        (tmp_path / key).mkdir()
        write_sources(tmp_path, [row(key)], f"sources-000{key}-of-0002.csv")
    assert known_sources(tmp_path) == [row("a"), row("b")]


def test_names_that_a_spreadsheet_would_run_come_back(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write_sources(tmp_path, [row("a", "=cmd()/t2.nii.gz")])
    assert "'=cmd()" in (tmp_path / "sources.csv").read_text()
    assert read_sources(tmp_path / "sources.csv")[0].input == "=cmd()/t2.nii.gz"


def test_a_file_that_is_none_of_ours_holds_no_rows(tmp_path: Path) -> None:
    (tmp_path / "sources.csv").write_bytes(b"a,b\n\xff,2\n")
    assert read_sources(tmp_path / "sources.csv") == []


def test_results_of_a_killed_run_are_known_by_their_records(written: Path, tmp_path: Path) -> None:
    shutil.copytree(written, tmp_path / "t2")
    [known] = known_sources(tmp_path)
    assert (known.key, known.input) == ("t2", "") and len(known.input_sha256) == 64
