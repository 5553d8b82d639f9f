import json
import os
import shutil
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from spinetk.errors import UsageError
from spinetk.server.job import Job, Task
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


def aged(store: JobStore, job: str, seconds: float = 1e6) -> None:
    """As if it had been changed so long ago."""
    text = store._base.execute("SELECT job FROM jobs WHERE id = ?", (job,)).fetchone()[0]
    old = json.loads(text)
    old["created"] -= seconds
    old["touched"] -= seconds
    store._base.execute("UPDATE jobs SET job = ? WHERE id = ?", (json.dumps(old), job))


def test_only_what_the_server_made_is_swept(store: JobStore) -> None:
    for name in ("mine", ".archive-1", ".trash-2"):
        (store.folder / name).mkdir()
        os.utime(store.folder / name, (0, 0))
    store.sweep(60)
    assert (store.folder / "mine").is_dir()
    assert not list(store.folder.glob(".archive-*")) and not list(store.folder.glob(".trash-*"))


def test_time_counts_from_the_last_change_and_corrections_stay(
    store: JobStore, own_result: Path
) -> None:
    old, changed, corrected = (store.add(name) for name in ("old", "changed", "corrected"))
    shutil.copytree(own_result, store.results(corrected.id) / own_result.name)
    place = store.results(corrected.id) / f"{own_result.name}-corrected-1"
    shutil.copytree(own_result, place)
    record = json.loads((place / "run.json").read_text())
    record["key"] = place.name
    record["correction"] = {"of": own_result.name, "who": "R", "when": "2026-01-01", "changes": []}
    (place / "run.json").write_text(json.dumps(record))
    for job in (old, changed, corrected):
        aged(store, job.id)
    store.change(changed.id, state="done")
    assert store.sweep(3600) == 1
    assert {job.id for job in store.all()} == {changed.id, corrected.id}


@pytest.mark.parametrize("harm", ["gone", "no database", "other columns", "rows of nothing"])
def test_a_lost_list_loses_no_study(harm: str, store: JobStore, own_result: Path) -> None:
    done, waiting = store.add("done"), store.add("waiting")
    shutil.copytree(own_result, store.results(done.id) / own_result.name)
    (store.study(waiting.id) / "a.dcm").write_bytes(b"1234")
    store.close()
    path = store.folder / "jobs.sqlite"
    if harm == "gone":
        path.unlink()
    elif harm == "no database":
        path.write_bytes(b"this is no database" * 100)
    elif harm == "other columns":
        path.unlink()
        sqlite3.connect(path).execute("CREATE TABLE jobs (number INTEGER)").connection.commit()
    else:
        base = sqlite3.connect(path)
        base.execute("UPDATE jobs SET job = '{\"name\": 3}'")
        base.commit()
        base.close()
    again = JobStore(store.folder)
    again.sweep(3600)  # nothing goes because its row was missing
    assert {job.id for job in again.all()} == {done.id, waiting.id}
    assert (again.results(done.id) / own_result.name / "run.json").is_file()


def test_what_is_found_again_can_be_gone_on_with(store: JobStore, own_result: Path) -> None:
    done, waiting = store.add("done"), store.add("waiting")
    shutil.copytree(own_result, store.results(done.id) / own_result.name)
    (store.study(waiting.id) / "a.dcm").write_bytes(b"1234")
    store.close()
    (store.folder / "jobs.sqlite").unlink()
    again = JobStore(store.folder)
    found = again.get(done.id)
    assert found is not None and found.state == "done"
    assert [row["key"] for row in found.results] == [own_result.name]
    other = again.get(waiting.id)
    assert other is not None and (other.state, other.files, other.size) == ("failed", 1, 4)


def test_where_the_list_cannot_be_written_nothing_is_done(store: JobStore) -> None:
    job = store.add("study")
    store._base.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(store.folder / "jobs.sqlite")
    other.execute("BEGIN IMMEDIATE")
    done: list[str] = []

    def decide(now: Job) -> dict[str, Any]:
        done.append(now.id)
        return {"files": 1}

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        store.update(job.id, decide)
    assert not done
    other.rollback()
    after = store.update(job.id, decide)
    assert after is not None and after.files == 1


def test_names_of_deleted_studies_are_in_no_file(store: JobStore) -> None:
    job = store.add("Mrs Nightingale")
    store.remove(job.id)
    store.add("another")
    contents = [path.read_bytes() for path in store.folder.iterdir() if path.is_file()]
    assert not any(b"Nightingale" in content for content in contents)
    for path in store.folder.glob("jobs.sqlite*"):
        assert path.stat().st_mode & 0o077 == 0


def test_a_row_of_a_later_version_is_read_and_one_of_nothing_is_put_aside(store: JobStore) -> None:
    later, damaged, mistaken = (store.add(name) for name in ("later", "damaged", "mistaken"))

    def rewrite(job: Job, **fields: Any) -> None:
        row = store._base.execute("SELECT job FROM jobs WHERE id = ?", (job.id,)).fetchone()
        text = json.dumps(json.loads(row[0]) | fields)
        store._base.execute("UPDATE jobs SET job = ? WHERE id = ?", (text, job.id))

    rewrite(later, owner="somebody")
    rewrite(damaged, created="yesterday")
    rewrite(mistaken, id=later.id)
    store.close()
    again = JobStore(store.folder)
    names = {job.id: job.name for job in again.all()}
    assert names[later.id] == "later" and len(names) == 3
    assert "found again" in names[damaged.id] and "found again" in names[mistaken.id]
    rows = again._base.execute("SELECT id FROM unread").fetchall()
    assert {row[0] for row in rows} == {damaged.id, mistaken.id}
    again.remove(damaged.id)
    assert len(again._base.execute("SELECT id FROM unread").fetchall()) == 1


def test_a_job_that_is_changed_while_another_is_swept_stays(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = store.add("first"), store.add("second")
    for job in (first, second):
        aged(store, job.id)
    delete = shutil.rmtree

    def deleted(path: Path, **how: Any) -> None:
        store.change(second.id, state="queued")  # a person comes back meanwhile
        delete(path, **how)

    monkeypatch.setattr(shutil, "rmtree", deleted)
    assert store.sweep(3600) == 1
    assert [job.id for job in store.all()] == [second.id] and store.study(second.id).is_dir()


@pytest.mark.parametrize("record", ["", "{", '{"key": "t2-corrected-1", "correction": {"new": 1}}'])
def test_a_corrected_result_that_cannot_be_read_stays(store: JobStore, record: str) -> None:
    job = store.add("study")
    place = store.results(job.id) / "t2-corrected-1"
    place.mkdir()
    (place / "run.json").write_text(record)
    aged(store, job.id)
    assert store.sweep(3600) == 0 and place.is_dir()


def test_studies_are_their_owners_in_a_folder_that_is_not(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    store = JobStore(tmp_path)
    job = store.add("study")
    assert (tmp_path / job.id).stat().st_mode & 0o077 == 0


def test_what_an_upload_left_that_was_cut_off_is_swept_at_the_next_start(store: JobStore) -> None:
    job = store.add("study")
    (store.study(job.id) / "ab").mkdir()
    whole, cut = (store.study(job.id) / "ab" / name for name in ("a.png", ".unfinished-0-1-a"))
    whole.touch()
    cut.touch()
    store.close()
    JobStore(store.folder)
    assert whole.exists() and not cut.exists()
