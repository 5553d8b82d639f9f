import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from spinetk.owners import HOST, held
from spinetk.temporary import sweep_temporary, temporary_folder

PROGRAM = """
from spinetk.temporary import temporary_folder
folder = temporary_folder()
print(folder.name, flush=True)
input()
"""


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_a_killed_process_left_is_swept(own_place: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"TMPDIR": str(own_place)},
    )  # fmt: skip
    assert process.stdout is not None
    left = Path(process.stdout.readline().strip())
    (left / "image.dcm").touch()
    os.utime(left, (0, 0))
    sweep_temporary()
    assert left.is_dir()  # it lives
    process.send_signal(signal.SIGKILL)
    process.communicate()
    os.utime(left, None)
    sweep_temporary()
    assert left.is_dir()  # it was changed just now
    os.utime(left, (0, 0))
    sweep_temporary()
    assert not left.exists()


def test_what_a_process_of_another_container_has_in_use_is_not_swept(own_place: Path) -> None:
    mine = temporary_folder()
    os.utime(mine.name, (0, 0))
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
    mine = temporary_folder()
    for name in ("spinetk-notes", "spinetk-99999999", "other-99999999-a"):
        (own_place / name).mkdir()
        os.utime(own_place / name, (0, 0))
    (own_place / "elsewhere").mkdir()
    (own_place / "spinetk-99999999-a").symlink_to(own_place / "elsewhere")
    sweep_temporary()
    names = {path.name for path in own_place.iterdir()}
    assert names == {"spinetk-notes", "spinetk-99999999", "other-99999999-a", "elsewhere",
                     "spinetk-99999999-a", Path(mine.name).name}  # fmt: skip
