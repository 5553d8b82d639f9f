import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from spinetk import temporary
from spinetk.owners import HOST, held
from spinetk.temporary import TemporaryFolder, sweep_temporary
from tests.services import running

PROGRAM = """
from spinetk.temporary import TemporaryFolder
folder = TemporaryFolder()
print(folder.name, flush=True)
input()
"""


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # folders of earlier tests may still be in use elsewhere
    monkeypatch.setattr(temporary, "_home", temporary._Home())
    return tmp_path


def test_what_a_killed_process_left_is_swept(own_place: Path) -> None:
    with running(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(own_place)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip()).parent
        assert left.parent == own_place
        (left / "image.dcm").touch()
        os.utime(left, (0, 0))
        sweep_temporary()
        assert left.is_dir()  # it lives
    os.utime(left, None)
    sweep_temporary()
    assert left.is_dir()  # it was changed just now
    os.utime(left, (0, 0))
    sweep_temporary()
    assert not left.exists()


def test_what_a_process_of_another_container_has_in_use_is_not_swept(own_place: Path) -> None:
    mine = TemporaryFolder()
    os.utime(Path(mine.name).parent, (0, 0))
    # a process whose number is free, or another's, here
    other = own_place / f"spinetk-{HOST}-999999-a"
    other.mkdir()
    with held(other):
        os.utime(other, (0, 0))
        sweep_temporary()
        assert other.is_dir() and Path(mine.name).is_dir()
    # one of this number that is gone: the predecessor of number 1 in a container
    left = own_place / f"spinetk-{HOST}-{os.getpid()}-b"
    left.mkdir()
    os.utime(left, (0, 0))
    sweep_temporary()
    assert not left.exists() and not other.exists() and Path(mine.name).is_dir()


def test_nothing_else_is_swept(own_place: Path) -> None:
    mine = TemporaryFolder()
    for name in ("spinetk-notes", "spinetk-99999999", "other-99999999-a"):
        (own_place / name).mkdir()
        os.utime(own_place / name, (0, 0))
    (own_place / "elsewhere").mkdir()
    (own_place / "spinetk-99999999-a").symlink_to(own_place / "elsewhere")
    sweep_temporary()
    names = {path.name for path in own_place.iterdir()}
    assert names == {"spinetk-notes", "spinetk-99999999", "other-99999999-a", "elsewhere",
                     "spinetk-99999999-a", Path(mine.name).parent.name}  # fmt: skip


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_folders_of_one_process_share_a_lock_and_the_last_takes_all(own_place: Path) -> None:
    before = open_files()
    folders = [TemporaryFolder() for _ in range(300)]
    assert open_files() <= before + 1
    assert len(list(own_place.iterdir())) == 1
    with folders[0] as name:
        assert Path(name).is_dir()
    assert not Path(name).exists()
    last = Path(folders[-1].name)
    del folders  # nothing refers to them any more
    assert not last.exists() and list(own_place.iterdir()) == []
    assert open_files() == before


def test_a_forked_process_has_its_own_and_leaves_its_parents(own_place: Path) -> None:
    mine = TemporaryFolder()
    child = os.fork()
    if child == 0:
        theirs = TemporaryFolder()
        apart = Path(theirs.name).parent != Path(mine.name).parent
        theirs.cleanup()
        mine.cleanup()
        os._exit(0 if apart else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert Path(mine.name).is_dir() and len(list(own_place.iterdir())) == 1
