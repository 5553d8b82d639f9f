from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from spinetk.server.app import create_app
from spinetk.server.settings import Settings

TOKEN = "a-long-enough-token"


def client(tmp_path: Path, token: str | None = None, host: str = "localhost") -> TestClient:
    app = create_app(Settings(tmp_path / "jobs", token))
    return TestClient(app, base_url=f"http://{host}")


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 200), ("127.0.0.1", 200), ("[::1]", 200), ("evil.example", 403)],
)
def test_without_a_token_only_this_machine_is_served(
    host: str, status: int, tmp_path: Path
) -> None:
    assert client(tmp_path, host=host).get("/api/about").status_code == status


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:18321@evil", "localhost:x.evil", "localhost.evil", "[::1]evil", "evil:8321", "",
     "localhost:8321:9", "LOCALHOST.evil:80"],
)  # fmt: skip
def test_a_host_that_only_looks_like_this_machine_is_not_served(host: str, tmp_path: Path) -> None:
    assert client(tmp_path).get("/api/about", headers={"host": host}).status_code == 403
    for own in ("localhost:8321", "127.0.0.1:1", "[::1]:8321"):
        assert client_again(tmp_path, own) == 200


def client_again(tmp_path: Path, host: str) -> int:
    return client(tmp_path / host).get("/api/about", headers={"host": host}).status_code


def test_other_sites_are_not_served(tmp_path: Path) -> None:
    asked = client(tmp_path)
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert asked.get("/api/about", headers=headers).status_code == 403
    assert asked.get("/api/about", headers={"origin": "http://localhost"}).status_code == 200


def test_with_a_token_every_request_bears_it(tmp_path: Path) -> None:
    asked = client(tmp_path, TOKEN, "anywhere.example")
    assert asked.get("/api/about").status_code == 401
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert asked.get("/api/about", headers=bearer).status_code == 200
    assert asked.get("/api/about", headers={"authorization": "Bearer no"}).status_code == 401
    asked.get("/", params={"token": TOKEN})  # the cookie is set
    assert asked.get("/api/about").status_code == 200


def test_answers_bear_the_headers_that_keep_the_page_to_itself(tmp_path: Path) -> None:
    headers = client(tmp_path).get("/api/about").headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_the_levels_come_from_one_list(tmp_path: Path) -> None:
    from spinetk.structures import BODY_LEVELS, DISC_LEVELS

    about = client(tmp_path).get("/api/about").json()
    assert about["body_levels"] == list(BODY_LEVELS) and about["disc_levels"] == list(DISC_LEVELS)


def test_a_word_of_any_length_is_not_read(tmp_path: Path) -> None:
    """PUT is for uploads, which are bounded as they come, and for short words."""
    place = "/api/jobs/" + "0" * 32 + "/results/a/look"
    long = {"content-length": str(2**40), "content-type": "application/json"}
    assert client(tmp_path).put(place, content=b"{}", headers=long).status_code == 413
