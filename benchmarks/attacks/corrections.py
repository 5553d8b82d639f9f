"""Damaged requests of a reader who corrects, and damaged files of the server's own folder."""

from __future__ import annotations

import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from fastapi.testclient import TestClient

from attacks.injuries import damaged, damaged_json
from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
from spinetk.results.folders import results_in, summary_row
from spinetk.server.app import create_app
from spinetk.server.jobs import JobStore
from spinetk.server.settings import Settings

FOLDERS = 5
"""One in so many damages the folder instead of a request."""


def seeds(folder: Path) -> None:
    """A server's folder with one segmented study."""
    write_phantom(make_phantom(PhantomConfig(slices=1)), folder / "study")
    app = create_app(Settings(folder / "jobs"))
    store: JobStore = app.state.spinetk.store
    job = store.add("study").id
    shutil.copytree(folder / "study" / "dicom", store.study(job), dirs_exist_ok=True)
    segment_all([folder / "study" / "dicom"], store.results(job), Options())
    [(result, record)] = results_in(store.results(job))
    store.change(job, state="done", results=(summary_row(record),), files=1, size=100)
    store.close()
    (folder / "address").write_text(f"/api/jobs/{job}/results/{result.name}")


@cache
def _client(folder: Path) -> tuple[TestClient, str, list]:
    """A client of a copy of the server's folder, the result's address, and its instances."""
    copy = Path(tempfile.mkdtemp()) / "jobs"
    shutil.copytree(folder / "jobs", copy)
    client = TestClient(create_app(Settings(copy)), base_url="http://localhost")
    address = (folder / "address").read_text()
    return client, address, client.get(address).json()["instances"]


def attempt(folder: Path, number: int, injure: bool = True) -> str:
    """Ask with a damaged request, or of a damaged folder."""
    rng = np.random.default_rng(number)
    if number % FOLDERS == 0:
        return _of_folder(folder, rng, injure)
    client, address, marks = _client(folder)
    x, y = marks[0]["centre"]
    path, wanted = [
        ("edit", {"marks": marks, "change": {"place": 0, "how": "erase", "stroke": [[x, y]], "radius": 4.0}}),
        ("edit", {"marks": marks, "change": {"place": 0, "how": "outline", "before": marks[0]["outline"],
                                             "after": marks[1]["outline"]}}),
        ("edit", {"marks": marks, "change": {"place": 0, "how": "name_all"}}),
        ("versions", {"marks": marks, "who": "A", "note": "n", "known": []}),
    ][number % 4]  # fmt: skip
    text = json.dumps(wanted)
    if injure:
        text = damaged_json(text, rng)
        if rng.random() < 0.2:
            text = damaged(text.encode(), rng).decode("latin-1")
    answer = client.post(
        f"{address}/{path}", content=text.encode(), headers={"content-type": "application/json"}
    )
    if answer.status_code >= 500:
        return f"WRONG {answer.status_code} {answer.text}"
    after = client.get(address)
    if after.status_code != 200:
        return f"WRONG the original: {after.status_code}"
    if answer.status_code == 201:  # what was saved is shown
        key = answer.json()["key"]
        shown = client.get(address.rsplit("/", 1)[0] + "/" + key)
        if shown.status_code != 200:
            return f"WRONG saved and not shown: {shown.status_code} {shown.text}"
    return "taken" if answer.status_code < 300 else "refused"


def _of_folder(folder: Path, rng: np.random.Generator, injure: bool) -> str:
    """Start on a folder one file of which is damaged; the study's files stay."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "jobs"
        shutil.copytree(folder / "jobs", copy)
        base = [p for p in copy.iterdir() if p.is_file()]
        deep = [p for p in copy.rglob("*") if p.is_file() and p.suffix in (".json", ".csv")]
        files = sorted(base if rng.random() < 0.7 else deep)
        path = files[int(rng.integers(len(files)))]
        if injure:
            path.write_bytes(damaged(path.read_bytes(), rng))
        before = {p.relative_to(copy) for p in copy.glob("*/*/**/*")}
        app = create_app(Settings(copy))
        client = TestClient(app, base_url="http://localhost")
        asked = [client.get(p).status_code for p in ("/api/jobs", (folder / "address").read_text())]
        app.state.spinetk.store.close()
        if max(asked) >= 500:
            return f"WRONG {asked}"
        lost = before - {p.relative_to(copy) for p in copy.glob("*/*/**/*")}
        return f"WRONG lost {lost}" if lost else "taken" if max(asked) == 200 else "refused"
