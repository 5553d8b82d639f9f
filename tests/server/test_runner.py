"""The runner's thread, with the real working process."""

import time
from pathlib import Path
from typing import Any

import pytest

from spinetk.server.job import Job, Task
from spinetk.server.jobs import JobStore
from spinetk.server.runner import Runner


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


def _under_way(job: Job | None) -> bool:
    return job is not None and job.state in ("queued", "running")
