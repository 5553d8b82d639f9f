"""A server whose one job has a result, without a browser and without a process of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from spinetk.results.folders import summary_row
from spinetk.results.record import read_record
from spinetk.server.app import create_app
from spinetk.server.jobs import JobStore
from spinetk.server.settings import Settings


@dataclass(frozen=True)
class Asked:
    """A client, and the job that has a result."""

    client: TestClient
    store: JobStore
    job: str
    key: str

    @property
    def result(self) -> str:
        """The address of the result."""
        return f"/api/jobs/{self.job}/results/{self.key}"


@pytest.fixture
def asked(written: Path, phantom_folder: Path, tmp_path: Path) -> Iterator[Asked]:
    app = create_app(Settings(tmp_path / "jobs", most_bytes=10**7))
    store: JobStore = app.state.spinetk.store
    job = store.add("study").id
    shutil.copytree(phantom_folder / "dicom", store.study(job), dirs_exist_ok=True)
    shutil.copytree(written, store.results(job) / written.name)
    row = summary_row(read_record(written))
    store.change(job, state="done", results=(row,), files=9, size=100)
    yield Asked(TestClient(app, base_url="http://localhost"), store, job, written.name)
    store.close()
