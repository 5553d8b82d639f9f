"""The cohort's page: one file, worst first."""

import re
from pathlib import Path

import pytest

from spinetk.cohort.long_table import write_table
from spinetk.cohort.page import MOST_PICTURES, write_page
from tests.cohort.conftest import PERSONS, like


def page_of(out: Path) -> str:
    write_table(out)
    return write_page(out).read_text()


def test_verdicts_outliers_and_overlays_are_on_one_page_worst_first(cohort: Path) -> None:
    text = page_of(cohort)
    assert "<b>10</b>ok" in text and "<b>1</b>to reject" in text
    assert "A person" not in text  # decided anything
    # the pictures first: they say at once what the figures are worth
    sheet = text[text.index("Contact sheet") : text.index("What stands out")]
    order = re.findall(r"<b>(person-\d\d)</b>", sheet)
    assert order[:2] == ["person-03", "person-07"] and len(order) == PERSONS
    assert sheet.count("data:image/jpeg;base64,") == PERSONS
    outliers = text[text.index("What stands out") : text.index("Spread by level")]
    assert 'href="person-07/report.html"' in outliers
    # nothing is loaded from elsewhere
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', text)


def test_modalities_are_drawn_apart(cohort: Path) -> None:
    assert ", MR</h3>" not in page_of(cohort)
    for number in range(4):
        like(cohort / f"person-0{number}", cohort / f"ct-{number}", 1.0, modality="CT")
    text = page_of(cohort)
    assert "area (mm²), vertebral body, MR</h3>" in text
    assert "area (mm²), vertebral body, CT</h3>" in text


def test_a_result_without_pictures_is_listed_all_the_same(cohort: Path) -> None:
    (cohort / "person-03" / "overlay.png").unlink()
    (cohort / "person-03" / "report.html").unlink()
    text = page_of(cohort)
    assert "no overlay" in text and 'href="person-03/report.html"' not in text


def test_names_cannot_run_in_the_page(cohort: Path) -> None:
    like(cohort / "person-00", cohort / "<b onclick=x>", 1.0)
    text = page_of(cohort)
    assert "<b onclick" not in text and "&lt;b onclick" in text


def test_of_many_results_the_worst_are_shown(cohort: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spinetk.cohort.page.MOST_PICTURES", 3)
    text = page_of(cohort)
    assert "(3 of 12)" in text and MOST_PICTURES == 200
    assert re.findall(r"<b>(person-\d\d)</b>", text)[:2] == ["person-03", "person-07"]
