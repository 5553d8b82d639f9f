import json
import subprocess
import sys
from pathlib import Path

import httpx

from tests.services import free_port, listens, running, until


def test_requests_are_logged_without_a_name(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "spinetk.cli", "serve", "--folder", tmp_path / "jobs",
               "--port", port, "--log-json"]  # fmt: skip
    with running(command, stderr=subprocess.PIPE) as process:
        until(lambda: listens(port))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            client.post("/api/jobs", json={"name": "Jane Doe"})
            client.get("/api/jobs/Jane-Doe")
            client.get("/Jane.js")
            client.get("/health", headers={"host": "elsewhere.example"})
        process.terminate()
        _, said = process.communicate(timeout=30)
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    seen = [(line["method"], line["route"], line["status"]) for line in lines]
    assert seen == [
        ("POST", "/api/jobs", 201), ("GET", "/api/jobs/{job}", 422), ("GET", "(page)", 404),
        ("GET", "(page)", 403),
    ]  # fmt: skip
    assert "Jane" not in said and all(line["milliseconds"] >= 0 for line in lines)
