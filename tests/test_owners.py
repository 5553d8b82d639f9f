import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from spinetk.owners import HOST, held, is_alive, is_left, owned_name
from tests.services import running


def test_a_folder_is_its_owners_while_it_is_locked(tmp_path: Path) -> None:
    # whatever process has that number here
    for process in (os.getpid(), 999_999):
        folder = tmp_path / f"{HOST}-{process}-a"
        folder.mkdir()
        with held(folder):
            assert not is_left(folder, folder.name)
        assert is_left(folder, folder.name)


def test_a_lock_goes_with_a_process_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from spinetk.owners import hold\n"
        "lock = hold(Path(sys.argv[1])); print('locked', flush=True); input()"
    )
    command = [sys.executable, "-c", program, tmp_path]
    with running(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == "locked\n"
        name = f"{HOST}-{process.pid}-a"
        assert not is_left(tmp_path, name)
    assert is_left(tmp_path, name)


def test_a_file_is_its_owners_while_that_lives(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / "a").touch()
    assert not is_alive(dead.pid) and is_alive(os.getpid())
    assert is_left(tmp_path / "a", f"{HOST}-{dead.pid}-a")
    assert not is_left(tmp_path / "a", f"{owned_name()}a")
    # somebody else's, whatever it is called
    assert not is_left(tmp_path / "a", f"{dead.pid}-a") and not is_left(tmp_path / "a", "notes")


@pytest.mark.parametrize(("age", "left"), [(3600.0, False), (1e6, True)])
def test_another_machines_file_stays_for_a_day(tmp_path: Path, age: float, left: bool) -> None:
    path = tmp_path / "a"
    path.touch()
    then = path.stat().st_mtime - age
    os.utime(path, (then, then))
    assert is_left(path, "00000000-1-a") is left


def test_a_look_does_not_keep_the_owner_from_its_lock(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    with (tmp_path / ".lock").open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.05, fcntl.flock, (looking, fcntl.LOCK_UN)).start()
        with held(tmp_path):
            assert not is_left(tmp_path, f"{HOST}-999999-a")
