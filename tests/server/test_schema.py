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


@pytest.mark.parametrize("there", [True, False])
def test_no_request_makes_the_server_fail(running: tuple[Served, str], there: bool) -> None:
    """Requests to what is there, and to what is not."""
    served, job = running
    content = httpx.get(f"{served.url}/api/openapi.json").json()
    key = served.ask("GET", f"jobs/{job}")["results"][0]["key"]
    # the result must stay, others take the files and are deleted
    waits = served.ask("POST", "jobs", 201, json={"name": "takes files"})["id"]
    spare = served.ask("POST", "jobs", 201, json={"name": "to be deleted"})["id"]
    for name, method in ((n, m) for path in content["paths"].values() for n, m in path.items()):
        for parameter in method.get("parameters", []):
            meant = {"put": waits, "delete": spare}.get(name, job)
            known = {"job": meant, "key": key}.get(parameter["name"])
            if known and there:
                parameter["schema"] = {"const": known}
    del content["paths"]["/api/events"]  # never ends
    if there:  # each case would take a while
        del content["paths"]["/api/jobs/{job}/results/{key}/slice"]
    schema = schemathesis.openapi.from_dict(content)
    answers: dict[str, list[int]] = {}
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=20, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck), derandomize=True,
        )  # fmt: skip
        def call(case: schemathesis.Case) -> None:
            response = case.call(base_url=served.url, timeout=60)
            answers.setdefault(case.operation.label, []).append(response.status_code)
            case.validate_response(response, checks=[not_a_server_error])

        given(operation.as_strategy())(call)()
    assert len(answers) >= 17 and sum(map(len, answers.values())) > 100
    if there:
        assert 201 in answers["PUT /api/jobs/{job}/files/{name}"], answers
        assert 204 in answers["DELETE /api/jobs/{job}"], answers
        assert 200 in answers["POST /api/jobs/{job}/results/{key}/edit"], answers
        assert 200 in answers["GET /api/jobs/{job}/results/{key}/volume.nii"], answers
    assert Path(served.folder / job / "results" / key / "run.json").is_file()
    served.ask("GET", f"jobs/{job}/results/{key}")
