"""The worklist in a real browser: the worst first, judged by key; a box becomes an outline."""

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.server.conftest import Serve
from tests.server.test_page import area, browser, in_a_browser, opened, picture

__all__ = ["browser"]


@pytest.fixture
def results(own_result: Path, tmp_path: Path) -> Path:
    """Three results of one series: two to check, of which one has more reasons, and one that is
    ok."""
    verdicts = {"a": ("ok", []), "b": ("check", ["one"]), "c": ("check", ["one", "two", "three"])}
    for key, (verdict, reasons) in verdicts.items():
        place = tmp_path / "results" / key
        shutil.copytree(own_result, place)
        record = json.loads((place / "run.json").read_text())
        changed = {"key": key, "verdict": verdict, "reasons": reasons}
        (place / "run.json").write_text(json.dumps(record | changed))
    shutil.rmtree(own_result)
    return tmp_path / "results"


@pytest.fixture
def page(
    browser: Browser, serve: Serve, results: Path, phantom_folder: Path, tmp_path: Path
) -> Iterator[Page]:
    """The worklist of the results."""
    images = str(phantom_folder / "dicom")
    with serve(tmp_path / "jobs", str(results), "--images", images) as served:
        shown = opened(browser, served, 1280, 900)
        yield shown
        assert shown.wrong == []  # type: ignore[attr-defined]
        shown.close()


@in_a_browser
def test_fifty_studies_are_cleared_by_key(page: Page, results: Path) -> None:
    expect(page.locator(".worklist a.open")).to_have_text(["c", "b", "a"])
    expect(page.locator("#looked")).to_have_text("0 of 3 looked at")
    small = page.locator(".worklist img").first
    expect(small).to_have_js_property("naturalHeight", 160)
    picture(page, "page-worklist")
    page.locator(".worklist a.open").first.click()
    expect(page.locator("tr[data-id]").first).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("dialog h2")).to_have_text("Accept c")
    page.fill("#judge", "Ann")
    page.fill("#comment", "as it should be")
    page.click("#keep")
    shown = page.locator("aside h2").first
    expect(shown).to_have_text("b")  # the next that nobody has looked at
    expect(page.locator("tr[data-id]").first).to_be_visible()
    page.keyboard.press("r")  # she is known by now
    expect(shown).to_have_text("a")
    expect(page.locator("tr[data-id]").first).to_be_visible()
    page.keyboard.press("k")
    expect(shown).to_have_text("b")
    expect(page.locator("#reject")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("r")  # the same again takes it back
    expect(page.locator("#reject")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".judging")).to_contain_text("1 of 3 looked at")
    page.keyboard.press("r")
    expect(shown).to_have_text("a")
    page.keyboard.press("k")
    expect(shown).to_have_text("b")
    page.click("a.home")
    expect(page.locator("#looked")).to_have_text("2 of 3 looked at")
    page.select_option("#filter", "open")
    expect(page.locator(".worklist a.open")).to_have_text(["a"])
    with (results / "reviews.csv").open(newline="") as stream:
        said = {row["key"]: row for row in csv.DictReader(stream)}
    assert said["c"]["decision"] == "accept" and said["c"]["comment"] == "as it should be"
    assert said["b"]["decision"] == "reject" and said["b"]["who"] == "Ann"
    for width in (390, 980):
        page.set_viewport_size({"width": width, "height": 800})
        page.select_option("#filter", "all")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, wide
        expect(page.locator(".worklist tbody tr").first).to_contain_text("accepted by Ann")


@in_a_browser
def test_a_box_around_a_body_is_outlined_at_once(page: Page) -> None:
    page.locator(".worklist a.open").last.click()
    rows = page.locator("tr[data-id]")
    expect(rows.first).to_be_visible()
    count = rows.count()
    levels = [row.get_attribute("data-level") for row in rows.all()]
    assert levels[-3:] == ["L5", "L5-S1", "S1"]  # as the picture runs, head to foot
    page.locator('tr[data-level="L3"] td.area').click()
    before = area(page)
    box = page.locator("svg.overlay path.chosen").bounding_box()
    assert box is not None
    page.keyboard.press("Delete")
    expect(rows).to_have_count(count - 1)
    page.click('button[data-add="vertebral_body"]')
    page.mouse.move(box["x"] - 6, box["y"] - 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 7, box["y"] + box["height"] + 4, steps=5)
    expect(page.locator("rect.box")).to_be_visible()
    picture(page, "page-box")
    page.mouse.up()
    expect(rows).to_have_count(count, timeout=60_000)
    assert area(page) == pytest.approx(before, rel=0.1)
    # it has the level that its neighbours leave open, and its place among them
    assert [row.get_attribute("data-level") for row in rows.all()] == levels
    again = page.locator("svg.overlay path.chosen").bounding_box()
    assert again is not None
    for name in ("x", "y", "width", "height"):
        assert again[name] == pytest.approx(box[name], abs=12)
    page.keyboard.press("b")
    page.mouse.move(box["x"], box["y"])
    expect(page.locator("circle.brush")).to_be_attached()
