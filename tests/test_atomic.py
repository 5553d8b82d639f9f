import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from spinetk.atomic import (
    UNFINISHED,
    leftovers,
    remove_unfinished,
    whole_file,
    whole_folder,
    write_text,
)
from spinetk.owners import HOST


def test_a_file_takes_its_place_only_when_it_is_complete(tmp_path: Path) -> None:
    place = tmp_path / "a.txt"
    place.write_text("old")
    with whole_file(place) as path:
        path.write_text("new")
        assert place.read_text() == "old" and path.name.startswith(UNFINISHED)
    assert place.read_text() == "new" and list(tmp_path.iterdir()) == [place]
    with pytest.raises(RuntimeError), whole_file(place, synced=True) as path:
        path.write_text("half")
        raise RuntimeError
    assert place.read_text() == "new" and list(tmp_path.iterdir()) == [place]


def test_a_folder_replaces_an_older_one_as_a_whole(tmp_path: Path) -> None:
    place = tmp_path / "result"
    for name in ("first", "second"):
        with whole_folder(place) as path:
            (path / name).touch()
    assert [p.name for p in place.iterdir()] == ["second"]
    with pytest.raises(RuntimeError), whole_folder(place) as path:
        (path / "third").touch()
        raise RuntimeError
    assert [p.name for p in place.iterdir()] == ["second"] and list(tmp_path.iterdir()) == [place]


def test_an_error_between_the_two_renames_leaves_the_old_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "result"
    with whole_folder(place) as path:
        (path / "old").touch()
    rename, calls = Path.rename, []

    def fail_at_the_second(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return rename(self, target)

    with pytest.raises(KeyboardInterrupt), whole_folder(place) as path:
        (path / "new").touch()
        monkeypatch.setattr(Path, "rename", fail_at_the_second)
    monkeypatch.undo()
    assert [p.name for p in place.iterdir()] == ["old"] and list(tmp_path.iterdir()) == [place]


def test_of_two_writers_the_last_one_stays_and_none_fails(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom spinetk.atomic import whole_folder\n"
        "for number in range(150):\n"
        "    with whole_folder(Path(sys.argv[1]) / 'result') as path:\n"
        "        (path / 'a').write_text('x')\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert [p.name for p in tmp_path.iterdir()] == ["result"]


def test_folders_of_dead_processes_are_told_from_those_of_living_ones(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = f"{UNFINISHED}{HOST}-{dead.pid}-abc"
    (tmp_path / left).mkdir()
    with whole_folder(tmp_path / "result"), whole_file(tmp_path / "table") as table:
        table.touch()
        assert len(list(tmp_path.iterdir())) == 3
        assert [p.name for p in leftovers(tmp_path)] == [left]


def test_a_folder_that_was_deleted_is_not_made_again(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_folder(tmp_path / "gone" / "result"):
        pass
    assert not (tmp_path / "gone").exists()


def test_files_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with whole_folder(tmp_path / "result") as path:
            write_text(path / "a", "ä")
    finally:
        os.umask(before)
    assert (tmp_path / "result").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "result" / "a").stat().st_mode & 0o777 == 0o640


def test_what_a_killed_process_left_is_hidden_and_can_be_removed(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from spinetk.atomic import whole_folder, whole_file\nhere = Path(sys.argv[1])\n"
        "with whole_folder(here / 'result') as path, whole_file(here / 'a') as file:\n"
        "    (path / 'half').touch(); file.touch()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)])
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2
    assert all(path.name.startswith(UNFINISHED) for path in tmp_path.iterdir())
    remove_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_to_be_new_replaces_nothing(tmp_path: Path) -> None:
    place = tmp_path / "result"
    with whole_folder(place, new=True) as path:
        (path / "first").touch()
    with pytest.raises(FileExistsError), whole_folder(place, new=True) as path:
        (path / "second").touch()
    assert [p.name for p in place.iterdir()] == ["first"] and list(tmp_path.iterdir()) == [place]
