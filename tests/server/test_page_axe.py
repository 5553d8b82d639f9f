"""Every page for everybody: axe (WCAG 2 A and AA, best practices) finds nothing."""

import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.server.conftest import Serve
from tests.server.test_page import browser, in_a_browser

__all__ = ["browser"]


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


@in_a_browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    width: int, scheme: str, browser: Browser, serve: Serve, own_result: Path,
    phantom_folder: Path, tmp_path: Path,
) -> None:  # fmt: skip
    shutil.copytree(own_result, own_result.parent / "second")
    images = str(phantom_folder / "dicom")
    with serve(tmp_path / "jobs", str(own_result.parent), "--images", images) as served:
        page = browser.new_page(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        page.goto(served.url)
        link = page.locator(".worklist a.open").first
        expect(link).to_be_visible()
        assert violations(page) == []
        link.click()
        rows = page.locator("tr[data-id]")
        expect(rows.first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        table = page.locator(".scroll").first
        assert table.evaluate("node => node.scrollWidth <= node.clientWidth"), "columns are lost"
        rows.first.locator("td.area").click()
        page.click("summary")
        assert violations(page) == []
        page.keyboard.press("t")
        expect(page.locator("dialog")).to_be_visible()
        assert violations(page) == []
        page.close()
