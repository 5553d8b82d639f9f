"""What watches a server gets its answer, and nobody else's names."""

from pathlib import Path

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from spinetk.server.app import create_app
from spinetk.server.settings import Settings

TOKEN = "a-long-enough-token"


def test_health_needs_no_token_and_figures_do(tmp_path: Path) -> None:
    asked = TestClient(create_app(Settings(tmp_path / "jobs", TOKEN)), base_url="http://any.host")
    assert asked.get("/health").json()["status"] == "ok"
    assert asked.get("/metrics").status_code == 401
    assert asked.get("/health/..%2fapi/jobs").status_code in (401, 404)


def test_figures_are_those_of_the_studies(tmp_path: Path) -> None:
    app = create_app(Settings(tmp_path / "jobs"))
    store = app.state.spinetk.store
    for state in ("done", "done", "failed"):
        job = store.add("a name")
        store.change(job.id, state=state, results=({"key": "a", "verdict": "check"},))
    answer = TestClient(app, base_url="http://localhost").get("/metrics")
    assert "a name" not in answer.text
    figures = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert figures["spinetk_studies", "done"] == 2 and figures["spinetk_studies", "failed"] == 1
    assert figures["spinetk_results", "check"] == 3
    assert figures[("spinetk_disk_free_bytes",)] > 0
