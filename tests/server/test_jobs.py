import threading
from pathlib import Path

import pytest

from spinetk.errors import UsageError
from spinetk.server.job import Task
from spinetk.server.jobs import JobStore


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "jobs")


def test_a_job_lives_through_a_restart(store: JobStore) -> None:
    job = store.add("study", "CT")
    store.change(job.id, state="queued", tasks=(Task(), Task("key", 3)))
    running = store.next()
    assert running is not None and running.state == "running" and store.next() is None
    store.close()
    again = JobStore(store.folder)
    found = again.get(job.id)
    assert found is not None and found.state == "queued" and found.modality == "CT"
    assert found.tasks == (Task(), Task("key", 3))


def test_one_server_has_a_folder(store: JobStore) -> None:
    with pytest.raises(UsageError, match="another server uses this folder"):
        JobStore(store.folder)


def test_nothing_comes_between_a_look_and_a_change(store: JobStore) -> None:
    job = store.add("study")

    def add_one() -> None:
        for _ in range(50):
            store.update(job.id, lambda now: {"files": now.files + 1})

    threads = [threading.Thread(target=add_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = store.get(job.id)
    assert found is not None and found.files == 200 and found.changed == 200
    assert store.update(job.id, lambda now: {}) == found
    assert store.update("0" * 32, lambda now: {"files": 1}) is None


def test_a_removed_job_leaves_nothing(store: JobStore) -> None:
    job = store.add("study")
    (store.study(job.id) / "a.dcm").touch()
    store.remove(job.id)
    assert store.get(job.id) is None
    assert [path.name for path in store.folder.iterdir() if path.is_dir()] == []


def test_a_task_waits_behind_the_others(store: JobStore) -> None:
    job = store.add("study")
    store.change(job.id, state="done")
    queued = store.enqueue(job.id, Task("key", 1))
    assert queued is not None and queued.state == "queued"
    store.next()
    running = store.enqueue(job.id, Task("key", 2))
    assert running is not None and running.state == "running"
    assert [task.slice_index for task in running.tasks] == [1, 2]
