"""The page behind nginx and a path prefix, as examples/nginx.conf has it."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.debian import needs_debian
from tests.server.conftest import Serve
from tests.server.test_page import browser, in_a_browser, with_the_result
from tests.services import free_port, listens, running, until

__all__ = ["browser"]
EXAMPLE = Path(__file__).parents[2] / "examples" / "nginx.conf"


@in_a_browser
@needs_debian("nginx-light", "nginx")
def test_everything_works_behind_a_path_prefix(
    browser: Browser, serve: Serve, phantom_folder: Path, tmp_path: Path
) -> None:
    port = free_port()
    with serve(tmp_path / "jobs", "--token", "a-long-secret-token") as served:
        text = EXAMPLE.read_text()
        text = text.replace(":8080", f":{port}").replace(":8321/", f":{served.port}/")
        places = "".join(
            f"{name}_temp_path {tmp_path / name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config = tmp_path / "nginx.conf"
        config.write_text(
            f"daemon off;\npid {tmp_path}/pid;\nerror_log {tmp_path}/error;\nuser root;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{places}{text}\n}}\n"
        )
        with running(["nginx", "-c", config, "-p", tmp_path, "-e", tmp_path / "error"]):
            until(lambda: listens(port), 20)
            page = browser.new_page()
            wrong: list[str] = []
            page.on("response", lambda r: wrong.append(r.url) if r.status >= 400 else None)
            page.goto(f"http://127.0.0.1:{port}/spine/?token=a-long-secret-token")
            assert page.url == f"http://127.0.0.1:{port}/spine/"
            with_the_result(page, phantom_folder)
            rows = page.locator("tr[data-id]")
            expect(rows.first).to_be_visible()
            rows.first.locator("td.area").click()
            page.keyboard.press("Delete")
            with page.expect_download() as download:
                page.click('a[href$="files/run.json"]')
            assert '"spinetk"' in download.value.path().read_text()
            page.click("#save")
            page.fill("#who", "Ann")
            page.click("#confirm")
            expect(page.locator("aside h2").nth(0)).to_contain_text("-corrected-1")
            assert wrong == []
            page.close()
