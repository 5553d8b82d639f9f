import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from spinetk.errors import UsageError
from spinetk.server.job_folder import changing, claim, job_folders, open_base
from spinetk.server.jobs import JobStore


def test_a_folder_of_somebody_elses_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").touch()
    with pytest.raises(UsageError, match="is not empty and no folder of spinetk serve"):
        JobStore(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis"]


def test_a_new_folder_is_marked_and_its_owners_only(tmp_path: Path) -> None:
    claim(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    claim(tmp_path / "new")  # its own
    # a file of that name is anybody's
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "jobs.sqlite").touch()
    with pytest.raises(UsageError, match="is not empty and no folder of spinetk serve"):
        claim(tmp_path / "other")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is no folder"):
        claim(tmp_path / "file")


def test_a_damaged_base_is_put_aside(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / "jobs.sqlite").write_bytes(b"nothing of the kind" * 99)
        open_base(tmp_path).close()
        assert (tmp_path / f"jobs.sqlite.damaged-{number}").is_file()


def test_a_full_disk_costs_no_list_of_studies(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "own")
    jobs = [store.add(f"study {number}") for number in range(3)]
    kept = tmp_path / "killed"
    shutil.copytree(store.folder, kept)  # as kill -9 leaves it: rows in the journal
    program = (
        "import resource, sys; from pathlib import Path; from spinetk.errors import UsageError\n"
        "from spinetk.server.jobs import JobStore\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try: JobStore(Path(sys.argv[1]))\n"
        "except UsageError as error: print(error)\n"
    )
    command = [sys.executable, "-c", program, str(kept)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cannot be opened" in done.stdout
    assert not list(kept.glob("*.damaged*"))
    assert {job.name for job in JobStore(kept).all()} == {job.name for job in jobs}


def test_a_base_with_another_table_is_put_aside(tmp_path: Path) -> None:
    claim(tmp_path)
    base = sqlite3.connect(tmp_path / "jobs.sqlite")
    base.execute("CREATE TABLE jobs (id TEXT, job TEXT, owner TEXT)")
    base.close()
    store = JobStore(tmp_path)
    assert store.add("study") in store.all() and (tmp_path / "jobs.sqlite.damaged-1").is_file()


def test_a_base_that_another_program_locks_is_named(tmp_path: Path) -> None:
    open_base(tmp_path).close()
    other = sqlite3.connect(tmp_path / "jobs.sqlite")
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UsageError, match="another program keeps it locked"):
        open_base(tmp_path)
    other.close()


def test_a_change_that_fails_is_none(tmp_path: Path) -> None:
    base = open_base(tmp_path)
    with pytest.raises(ValueError, match="no"), changing(base):
        base.execute("INSERT INTO jobs VALUES ('a', '{}')")
        raise ValueError("no")
    assert base.execute("SELECT * FROM jobs").fetchall() == []
    (tmp_path / "not-a-job" / "study").mkdir(parents=True)
    (tmp_path / ("0" * 32) / "study").mkdir(parents=True)
    assert [path.name for path in job_folders(tmp_path)] == ["0" * 32]
