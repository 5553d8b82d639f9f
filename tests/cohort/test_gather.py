"""What shards left is put together."""

import csv
import json
import os
import re
from pathlib import Path

import pytest
from PIL import Image

from spinetk.cohort.gather import gather
from spinetk.errors import UnreadableInput
from spinetk.owners import HOST
from spinetk.results.looks import Look, write_look
from spinetk.results.provenance import SourceRow, read_sources, write_sources
from tests.cohort.conftest import like


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


def test_what_cannot_be_read_is_named_and_takes_nothing_with_it(cohort: Path) -> None:
    (cohort / "person-01" / "run.json").write_text('{"spinetk": "0.1.0", "key": ')
    (cohort / "person-02" / "instances.csv").write_bytes(b"\xff\xfe,,\n")
    Image.new("L", (1, 1000)).save(cohort / "person-05" / "overlay.png")
    (cohort / "failures-0001-of-0002.csv").write_bytes(b"key,reason\nM\xfcller,why\n")
    (cohort / f".unfinished-{HOST}-999999-measurements.csv").write_text("x")
    os.utime(cohort / f".unfinished-{HOST}-999999-measurements.csv", (0, 0))
    os.mkfifo(cohort / "person-06" / "pipe")
    done = gather(cohort)
    assert done.results == 10 and done.failed == 3
    reasons = {r["key"]: r["reason"] for r in csv.DictReader((cohort / "failures.csv").open())}
    assert set(reasons) == {"person-01", "person-02", "M\ufffdller"}
    assert not list(cohort.glob(".unfinished-*"))
    page = (cohort / "cohort.html").read_text()
    assert "3 gave no result" in page and "person-02" in page


def test_failures_of_earlier_runs_stay_until_there_is_a_result(cohort: Path) -> None:
    (cohort / "failures.csv").write_text("key,reason\nother,why\nperson-03,it was damaged\n")
    (cohort / "failures-0001-of-0001.csv").write_text("key,reason\nZ,why\n")
    assert gather(cohort).failed == 2
    keys = [row["key"] for row in csv.DictReader((cohort / "failures.csv").open())]
    assert sorted(keys) == ["Z", "other"]


def test_an_overlay_of_another_size_is_no_picture_of_ours(
    cohort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spinetk.cohort.page.MOST_PIXELS", 10_000)
    gather(cohort)
    assert "no overlay" in (cohort / "cohort.html").read_text()


def test_a_series_with_two_results_is_named_until_one_is_rejected(cohort: Path) -> None:
    place = cohort / "person-04-slice-003"
    options = json.loads((cohort / "person-04" / "run.json").read_text())["options"]
    like(cohort / "person-04", place, 1.0, options=options | {"slice": 3})
    assert gather(cohort).several == ("person-04",)
    write_look(cohort, Look("person-04", "reject", "Ann", "2026-01-01T10:00:00", "slice 3 instead"))
    assert gather(cohort).several == ()


def test_a_persons_word_goes_before_the_verdict(cohort: Path) -> None:
    def counted() -> list[str]:
        return re.findall(r"L3 \((\d+)\)", (cohort / "cohort.html").read_text())

    gather(cohort)
    assert set(counted()) == {"11"}  # person-03 is to be rejected
    write_look(cohort, Look("person-03", "accept", "Ann", "2026-01-01T10:00:00", ""))
    gather(cohort)
    assert set(counted()) == {"12"}
    for number in (4, 5):
        write_look(cohort, Look(f"person-0{number}", "reject", "Ann", "2026-01-01T10:00:00", ""))
    gather(cohort)
    assert set(counted()) == {"10"}
    page = (cohort / "cohort.html").read_text()
    assert "A person accepted 1 and rejected 2" in page and "rejected by a person" in page
