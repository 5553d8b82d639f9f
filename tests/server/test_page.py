"""The whole story in a real browser: Debian's Chromium, driven by Playwright.

With SPINETK_PICTURES=FOLDER the pictures of the README are written there.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.debian import needs_debian
from tests.server.conftest import Serve, Served

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import page_types

expect.set_options(timeout=30_000)  # other processes may take a core meanwhile
CHROMIUM = "chromium"
WEB = Path(__file__).parents[2] / "web"
PAGE = Path(__file__).parents[2] / "src" / "spinetk" / "server" / "page"
PICTURES = os.environ.get("SPINETK_PICTURES")
in_a_browser = needs_debian("chromium", CHROMIUM)


def test_the_page_in_the_package_is_built_from_the_sources_here() -> None:
    digest = hashlib.sha256()
    sources = [f"src/{path.name}" for path in (WEB / "src").iterdir()]
    for name in sorted([*sources, "index.html", "package-lock.json", "vite.config.ts"]):
        digest.update(f"{name}\n".encode())
        digest.update((WEB / name).read_bytes())
    told = (PAGE / "built-from.txt").read_text().strip()
    assert told == digest.hexdigest(), "run `make page`"
    text = "".join(path.read_text() for path in PAGE.rglob("*.html"))
    assert not re.search(r"(src|href)=\"(https?:)?//", text)  # nothing from elsewhere


def test_the_pages_types_are_those_of_the_server() -> None:
    assert (WEB / "openapi.json").read_text() == page_types.text(), "run `make page`"


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
def test_the_pages_own_parts(tmp_path: Path) -> None:
    """Vitest, and the types made anew from the server's description."""
    shutil.copytree(WEB, tmp_path / "web", ignore=shutil.ignore_patterns("node_modules"))
    for command in (
        ["npm", "install", "--no-save", "--no-audit", "--no-fund"],
        ["npm", "run", "types"],
        ["npm", "test"],
    ):
        done = subprocess.run(command, cwd=tmp_path / "web", capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    made = (tmp_path / "web" / "src" / "openapi.ts").read_text()
    assert made == (WEB / "src" / "openapi.ts").read_text(), "run `make page`"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        # without a graphics card WebGL is drawn by the processor
        options = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        made = driver.chromium.launch(executable_path=shutil.which(CHROMIUM), args=options)
        yield made
        made.close()


def opened(browser: Browser, served: Served, width: int, height: int) -> Page:
    page = browser.new_page(viewport={"width": width, "height": height})
    page.wrong = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.wrong.append(str(error)))  # type: ignore[attr-defined]
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((served.url, "data:", "blob:"))
            else page.wrong.append(request.url)
        ),  # type: ignore[attr-defined]
    )
    page.goto(served.url)
    return page


def with_the_result(page: Page, phantom_folder: Path) -> Page:
    """Upload the phantom and open what is found in it."""
    page.set_input_files("#folder", str(phantom_folder / "dicom"))
    page.click("a.open", timeout=60_000)
    expect(page.locator("svg.overlay path[data-id]").first).to_be_visible()
    return page


def picture(page: Page, name: str) -> None:
    page.wait_for_timeout(400)
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


def area(page: Page) -> int:
    return int(page.locator("tr.chosen td.area").inner_text())


@in_a_browser
def test_from_the_dropped_study_to_the_saved_correction(
    browser: Browser, serve: Serve, phantom_folder: Path, tmp_path: Path
) -> None:
    with serve(tmp_path / "jobs") as served:
        page = opened(browser, served, 1280, 860)
        expect(page.locator("#drop")).to_contain_text("Drop a study here")
        page.set_input_files("#folder", str(phantom_folder / "dicom"))
        expect(page.locator("ul.jobs progress")).to_be_visible()  # it is being segmented
        expect(page.locator(".state.done")).to_be_visible(timeout=60_000)
        picture(page, "page-studies")

        page.click("a.open")
        expect(page.locator("tr[data-id]").first).to_be_visible()
        outlines = page.locator("svg.overlay path[data-id]")
        rows = page.locator("tr[data-id]").count()
        expect(outlines).to_have_count(rows)

        # an outline lies on bright pixels of the drawn slice: the picture is there, in its place
        page.locator('tr[data-level="L4"] td.area').click()
        below_it = page.locator('tr[data-level="L5"]').get_attribute("data-id")
        before = area(page)
        handles = page.locator("circle.handle")
        boxes = [handles.nth(i).bounding_box() for i in range(handles.count())]
        left = min((box for box in boxes if box), key=lambda box: box["x"])
        x, y = left["x"] + left["width"] / 2, left["y"] + left["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - 14, y, steps=4)
        picture(page, "page-dragging")
        page.mouse.up()
        expect(page.locator("tr.chosen td.area")).not_to_have_text(str(before))
        dragged = area(page)
        assert dragged > before

        page.keyboard.press("Control+z")
        expect(page.locator("tr.chosen td.area")).to_have_text(str(before))
        page.keyboard.press("Control+Shift+Z")
        expect(page.locator("tr.chosen td.area")).to_have_text(str(dragged))

        # the brush takes some of it away again
        page.keyboard.press("e")
        page.mouse.move(x - 10, y)
        page.mouse.down()
        page.mouse.move(x - 2, y + 2, steps=3)
        page.mouse.up()
        expect(page.locator("tr.chosen td.area")).not_to_have_text(str(dragged))
        page.keyboard.press("p")

        # a wrong name for all, then the right one: the third body from below is the phantom's L4
        for name, below in (("L3", "L4"), ("L4", "L5")):
            page.locator("tr.chosen select").select_option(name)
            page.click("#name-all")
            row = page.locator(f'tr[data-id="{below_it}"]')
            expect(row).to_have_attribute("data-level", below)
        page.locator("tr[data-id]", has_text="cut off").first.locator("td.area").click()
        page.keyboard.press("Delete")
        expect(page.locator("tr[data-id]")).to_have_count(rows - 1)
        picture(page, "page-result")

        # a disc that is drawn by hand
        page.click("[data-add=intervertebral_disc]")
        box = page.locator("svg.overlay").bounding_box()
        assert box is not None
        for dx, dy in ((60, 60), (110, 60), (110, 90), (60, 90)):
            page.mouse.click(box["x"] + dx, box["y"] + dy)
        page.keyboard.press("Enter")
        expect(page.locator("tr[data-id]")).to_have_count(rows)
        expect(page.locator("tr.chosen")).to_contain_text("by hand")

        page.click("#save")
        page.fill("#who", "R. Reader")
        page.fill("#note", "from the test")
        page.click("#confirm")
        expect(page.locator("details[open]")).to_contain_text("Corrected by R. Reader")
        expect(page.locator("aside")).to_contain_text("T10: deleted")
        expect(page.locator("tr[data-id]")).to_have_count(rows)
        with page.expect_download() as download:
            page.click("text=instances.coco.json")
        content = json.loads(Path(download.value.path()).read_text())
        assert len(content["annotations"]) == rows
        with page.expect_download() as download:
            page.click("text=seg.dcm")
        assert Path(download.value.path()).read_bytes()[128:132] == b"DICM"

        page.goto(served.url)
        with page.expect_download() as download:
            page.click("text=Download")
        assert download.value.suggested_filename == "corrections.zip"
        assert page.wrong == []  # type: ignore[attr-defined]
        page.close()


@in_a_browser
def test_the_curve_leads_to_another_slice(
    browser: Browser, serve: Serve, phantom_folder: Path, tmp_path: Path
) -> None:
    with serve(tmp_path / "jobs") as served:
        page = with_the_result(opened(browser, served, 1280, 860), phantom_folder)
        at = page.locator("svg.curve").get_attribute("aria-valuenow")
        page.hover("svg.overlay")
        page.mouse.wheel(0, 100)
        expect(page.locator("svg.curve")).not_to_have_attribute("aria-valuenow", str(at))
        expect(page.locator("svg.overlay path[data-id]")).to_have_count(0)  # another slice's
        box = page.locator("svg.curve").bounding_box()
        assert box is not None
        page.click("svg.curve", position={"x": box["width"] * 0.72, "y": 30})  # slice 6 of 9
        page.click("text=Segment slice 6 instead")
        expect(page.locator("aside h2").first).to_contain_text("-slice-006", timeout=30_000)
        expect(page.locator("svg.overlay path[data-id]").first).to_be_visible()
        page.close()


@in_a_browser
def test_a_narrow_screen_shows_everything(
    browser: Browser, serve: Serve, phantom_folder: Path, tmp_path: Path
) -> None:
    with serve(tmp_path / "jobs") as served:
        page = opened(browser, served, 390, 780)
        page.set_input_files("#folder", str(phantom_folder / "dicom"))
        expect(page.locator(".state.done")).to_be_visible(timeout=60_000)
        page.click("a.open")
        expect(page.locator("svg.overlay path[data-id]").first).to_be_visible()
        picture(page, "page-narrow")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, wide  # only the table scrolls, in itself
        page.locator("tr[data-id]").nth(1).locator("td.area").click()
        expect(page.locator("circle.handle").first).to_be_attached()
        page.close()


@in_a_browser
def test_fingers_drag_points_too(
    browser: Browser, serve: Serve, phantom_folder: Path, tmp_path: Path
) -> None:
    with serve(tmp_path / "jobs") as served:
        context = browser.new_context(viewport={"width": 390, "height": 780}, has_touch=True)
        page = context.new_page()
        page.goto(served.url)
        page.set_input_files("#folder", str(phantom_folder / "dicom"))
        page.tap("a.open", timeout=60_000)
        outline = page.locator("svg.overlay path[data-id]").nth(3)
        expect(outline).to_be_visible()
        for _ in range(3):  # every tap ends
            outline.tap()
        expect(page.locator("circle.handle").first).to_be_attached()
        before = area(page)
        page.locator("circle.handle").first.scroll_into_view_if_needed()
        box = page.locator("circle.handle").first.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        finger = context.new_cdp_session(page)
        for kind, by in (("touchStart", 0), ("touchMove", 15), ("touchMove", 30), ("touchEnd", 30)):
            points = [] if kind == "touchEnd" else [{"x": x - by, "y": y - by}]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        expect(page.locator("tr.chosen td.area")).not_to_have_text(str(before))
        context.close()


@in_a_browser
def test_unsaved_corrections_are_not_left_unasked(
    browser: Browser, serve: Serve, phantom_folder: Path, tmp_path: Path
) -> None:
    with serve(tmp_path / "jobs") as served:
        page = with_the_result(opened(browser, served, 1280, 860), phantom_folder)
        page.locator("tr[data-id]").nth(1).locator("td.area").click()
        rows = page.locator("tr[data-id]").count() - 1
        page.keyboard.press("Delete")
        expect(page.locator("tr[data-id]")).to_have_count(rows)
        asked: list[str] = []
        page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        page.click("a.home")
        for _ in range(100):  # the question comes when the browser has changed the address
            if not asked:
                page.wait_for_timeout(50)
        expect(page.locator("tr[data-id]")).to_have_count(rows)
        assert asked and "#/" in page.url and len(page.url) > len(served.url) + 10
        page.once("dialog", lambda dialog: dialog.accept())
        page.click("a.home")
        expect(page.locator("#drop")).to_be_visible()
        page.close()


@in_a_browser
def test_two_readers_of_one_result_hear_of_each_other(
    browser: Browser, serve: Serve, phantom_folder: Path, tmp_path: Path
) -> None:
    with serve(tmp_path / "jobs") as served:
        first = with_the_result(opened(browser, served, 1280, 860), phantom_folder)
        second = browser.new_page()
        second.goto(first.url)
        for page, name in ((first, "First"), (second, "Second")):
            expect(page.locator("tr[data-id]").first).to_be_visible()
            page.locator("tr[data-id]").nth(1).locator("td.area").click()
            page.keyboard.press("Delete")
            page.click("#save")
            page.fill("#who", name)
            asked: list[str] = []
            page.once(
                "dialog",
                lambda dialog, asked=asked: (asked.append(dialog.message), dialog.accept()),
            )
            page.click("#confirm")
            expect(page.locator("details[open]")).to_contain_text(f"Corrected by {name}")
        assert asked and "First saved" in asked[0] and "beside it?" in asked[0]
        expect(second.locator("select[aria-label=version] option")).to_have_count(3)
        first.close()
        second.close()


@in_a_browser
def test_the_place_under_the_cursor_stays_when_zooming_and_follows_when_moving(
    browser: Browser, serve: Serve, phantom_folder: Path, tmp_path: Path
) -> None:
    with serve(tmp_path / "jobs") as served:
        page = with_the_result(opened(browser, served, 1280, 860), phantom_folder)
        label = page.locator("svg.overlay text").nth(3)
        expect(label).to_be_visible()

        def place() -> tuple[float, float]:
            box = label.bounding_box()
            assert box is not None
            return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

        x, y = place()
        page.mouse.move(x, y)
        page.keyboard.down("Control")
        for _ in range(3):
            page.mouse.wheel(0, -120)
        page.keyboard.up("Control")
        page.wait_for_timeout(300)
        assert place() == pytest.approx((x, y), abs=2.5)
        page.keyboard.down("Shift")
        page.mouse.down()
        page.mouse.move(x + 50, y + 20, steps=5)
        page.mouse.up()
        page.keyboard.up("Shift")
        page.wait_for_timeout(200)
        assert place() == pytest.approx((x + 50, y + 20), abs=2.5)
        page.close()


@in_a_browser
def test_what_a_person_should_know_is_told_at_once(
    browser: Browser, serve: Serve, phantom_folder: Path, tmp_path: Path
) -> None:
    with serve(tmp_path / "jobs") as served:
        page = with_the_result(opened(browser, served, 1280, 860), phantom_folder)
        expect(page.locator("aside")).to_contain_text("from dicom")  # what was uploaded
        for level in ("L4", "L3"):
            page.locator(f'tr[data-level="{level}"] select').select_option("C3")
        expect(page.locator("td.doubt", has_text="named twice")).to_have_count(2)
        # choosing a row leaves its columns where they are
        measures = page.locator('tr[data-level="L1"] td.area')
        before = measures.bounding_box()
        measures.click()
        expect(page.locator("tr.actions")).to_contain_text("Delete")
        after = measures.bounding_box()
        assert before and after and all(before[name] == after[name] for name in ("x", "y", "width"))
        page.click("[data-add=vertebral_body]")
        expect(page.locator("#told.shown")).to_contain_text("click points around it")
        page.keyboard.press("Control+s")
        expect(page.locator("dialog")).to_be_visible()
        expect(page.locator("#told.shown")).to_have_count(
            0, timeout=1000
        )  # it goes by itself, later
        page.once("dialog", lambda dialog: dialog.accept())
        page.goto(f"{served.url}/#/{'0' * 32}/nope")
        expect(page.locator("#main")).to_contain_text("It was deleted, or never there")
        served.end()
        page.get_by_text("Try again").click()
        expect(page.locator("#main")).to_contain_text("the server does not answer")
        page.close()
