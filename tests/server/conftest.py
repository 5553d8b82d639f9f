"""A real server, started as a user starts it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.services import free_port


class Served:
    """A running `spinetk serve`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.port = folder, free_port()
        command = [sys.executable, "-m", "spinetk.cli", "serve", "--folder", str(folder)]
        self.process = subprocess.Popen([*command, "--port", str(self.port), *options])
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=60)
        for _ in range(300):
            try:
                self.client.get("/api/about")
                return
            except httpx.TransportError:
                assert self.process.poll() is None, "the server ended"
                time.sleep(0.1)
        self.process.kill()
        raise TimeoutError("the server does not start")

    def end(self, how: int = signal.SIGINT) -> None:
        self.client.close()
        self.process.send_signal(how)
        try:
            self.process.wait(60)
        finally:
            self.process.kill()

    def ask(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = self.client.request(method, f"/api/{path}", **more)
        assert answer.status_code == status, answer.text
        if not answer.content or "json" not in answer.headers.get("content-type", ""):
            return answer.content
        return answer.json()

    def upload(self, files: dict[str, bytes], name: str = "study") -> str:
        """A job with these files, started."""
        job = self.ask("POST", "jobs", 201, json={"name": name})["id"]
        for path, content in files.items():
            self.ask("PUT", f"jobs/{job}/files/{path}", 201, content=content)
        self.ask("POST", f"jobs/{job}/start")
        return str(job)

    def wait(self, job: str, seconds: float = 120) -> dict[str, Any]:
        """The job once it is over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            state: dict[str, Any] = self.ask("GET", f"jobs/{job}")
            if state["state"] in ("done", "failed", "cancelled"):
                return state
            time.sleep(0.1)
        raise TimeoutError(state)


Serve = Callable[..., Any]


@pytest.fixture(scope="session")
def serve() -> Serve:
    """serve(folder, *options): a context with a running server."""

    @contextmanager
    def started(folder: Path, *options: str) -> Iterator[Served]:
        served = Served(folder, *options)
        try:
            yield served
        finally:
            if served.process.poll() is None:
                served.end()

    return started


@pytest.fixture(scope="session")
def study(phantom_folder: Path) -> dict[str, bytes]:
    """Name and content of the phantom's DICOM files."""
    return {f"dicom/{p.name}": p.read_bytes() for p in sorted((phantom_folder / "dicom").iterdir())}


@pytest.fixture(scope="module")
def server(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for a module's tests."""
    with serve(tmp_path_factory.mktemp("jobs")) as served:
        yield served


@pytest.fixture(scope="module")
def done(server: Served, study: dict[str, bytes]) -> tuple[str, str]:
    """Job and key of the segmented phantom."""
    job = server.upload(study)
    state = server.wait(job)
    assert state["state"] == "done", state
    return job, state["results"][0]["key"]
