"""What shards left is put together."""

import csv
from pathlib import Path

import pytest

from spinetk.cohort.gather import gather
from spinetk.errors import UnreadableInput
from spinetk.results.provenance import SourceRow, read_sources, write_sources


def test_tables_page_and_accounts_of_all_shards(cohort: Path) -> None:
    for part in (1, 2):
        row = SourceRow(f"person-0{part}", f"cohort/case{part}", "1", "sha")
        write_sources(cohort, [row], f"sources-000{part}-of-0002.csv")
        (cohort / f"failures-000{part}-of-0002.csv").write_text(f"key,reason\nbad{part},why\n")
    done = gather(cohort)
    assert (done.results, done.failed) == (12, 2)
    assert [row.key for row in read_sources(cohort / "sources.csv")] == ["person-01", "person-02"]
    reasons = [row["key"] for row in csv.DictReader((cohort / "failures.csv").open())]
    assert reasons == ["bad1", "bad2"]
    names = ("summary.csv", "measurements.csv", "codebook.csv", "cohort.html")
    assert all((cohort / name).is_file() for name in names)
    rows = list(csv.DictReader((cohort / "summary.csv").open()))
    assert len(rows) == 12
    assert gather(cohort).failed == 2  # again: the same


def test_results_without_a_participant_are_named(cohort: Path, tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("participant_id\tage\nperson-00\t61\n")
    done = gather(cohort, tmp_path / "p.tsv")
    assert len(done.without_participant) == 11


def test_a_folder_without_results_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="holds no results"):
        gather(tmp_path)
    with pytest.raises(UnreadableInput, match="holds no results"):
        gather(tmp_path / "nowhere")
