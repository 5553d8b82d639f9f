"""Whatever is sent to the server, by its own OpenAPI schema or against it, it answers; no 500."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error

from tests.server.conftest import Serve, Served


@pytest.fixture(scope="module")
def running(serve: Serve, study: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server with a result, so that more than "no such job" is reached."""
    with serve(tmp_path_factory.mktemp("jobs")) as served:
        job = served.upload(study)
        served.wait(job)
        yield served, job


def test_no_request_makes_the_server_fail(running: tuple[Served, str]) -> None:
    served, job = running
    content = httpx.get(f"{served.url}/api/openapi.json").json()
    key = served.ask("GET", f"jobs/{job}")["results"][0]["key"]
    # half of the cases go to the result that is there
    for path, methods in content["paths"].items():
        for method in methods.values():
            for parameter in method.get("parameters", []):
                known = {"job": job, "key": key}.get(parameter["name"])
                if known and not path.endswith(("/events", "/slice")) and path.count("{"):
                    parameter["schema"] = {"anyOf": [{"const": known}, parameter["schema"]]}
    del content["paths"]["/api/jobs/{job}"]["delete"]  # the result must stay
    schema = schemathesis.openapi.from_dict(content)
    tried: dict[str, int] = {}
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=25, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def call(case: schemathesis.Case) -> None:
            response = case.call(base_url=served.url, timeout=60)
            tried[case.operation.label] = tried.get(case.operation.label, 0) + 1
            case.validate_response(response, checks=[not_a_server_error])

        given(operation.as_strategy())(call)()
    assert len(tried) >= 17 and sum(tried.values()) > 200, tried
    assert Path(served.folder / job / "results" / key / "run.json").is_file()
    served.ask("GET", f"jobs/{job}/results/{key}")
