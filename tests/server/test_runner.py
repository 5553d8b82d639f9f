"""The runner's thread, with the real working process."""

import csv
import time
from pathlib import Path
from typing import Any

import pytest

from spinetk.server.job import Job, Task
from spinetk.server.jobs import JobStore
from spinetk.server.runner import Runner
from spinetk.structures import BODY_KIND
from tests.services import until


def test_an_error_fails_its_job_and_no_other(
    study: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = JobStore(tmp_path)
    jobs = [store.add(name).id for name in ("first", "second")]
    for job in jobs:
        for path, content in study.items():
            place = store.study(job) / path
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(content)
        store.change(job, state="queued", tasks=(Task(),), files=len(study))
    finish = Runner._finish

    def broken(self: Runner, job: str, *news: Any) -> None:
        if job == jobs[0]:
            raise RuntimeError
        finish(self, job, *news)

    monkeypatch.setattr(Runner, "_finish", broken)
    runner = Runner(store, 2**30)
    runner.start()
    try:
        deadline = time.monotonic() + 60
        while any(_under_way(store.get(job)) for job in jobs) and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        runner.stop()
    states = [store.get(job) for job in jobs]
    store.close()
    assert [one.state for one in states if one] == ["failed", "done"]
    assert states[0] and states[0].message == "unexpected RuntimeError"


def test_a_pictures_spacing_and_a_level_that_a_person_knows(pictures: Path, tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = store.add("film", "MR", (0.7, 0.7), ("L4", 2)).id
    (store.study(job) / "p0.png").write_bytes((pictures / "p0.png").read_bytes())
    store.change(job, state="queued", tasks=(Task(),), files=1)
    runner = Runner(store, 2**30)
    runner.start()
    try:
        until(lambda: not _under_way(store.get(job)), 60)
    finally:
        runner.stop()
    with (store.results(job) / "p0" / "instances.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    store.close()
    bodies = [row for row in rows if row["kind"] == BODY_KIND]
    assert [row["level"] for row in bodies[:3]] == ["L5", "L4", "L3"]
    assert 10 < float(bodies[2]["height_middle_mm"]) < 40
    assert {row["spacing_row_mm"] for row in rows} == {"0.7"}


def _under_way(job: Job | None) -> bool:
    return job is not None and job.state in ("queued", "running")
