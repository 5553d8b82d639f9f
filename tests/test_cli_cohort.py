import subprocess
import sys
from pathlib import Path

from tests.cohort.conftest import cohort, one_result

__all__ = ["cohort", "one_result"]


def spinetk(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spinetk.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_gather_says_what_it_wrote(cohort: Path) -> None:
    done = spinetk("gather", cohort)
    assert done.returncode == 0 and done.stderr == ""
    first, second = done.stdout.splitlines()
    assert first.startswith("12 results, ") and "measurements.csv and measurements.parquet" in first
    assert second == str(cohort / "cohort.html")


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = spinetk("gather", tmp_path / "nowhere")
    assert done.returncode == 3 and len(done.stderr.splitlines()) == 1


def test_compare_needs_two_results(cohort: Path, tmp_path: Path) -> None:
    done = spinetk("compare", cohort / "person-00", "-o", tmp_path / "out")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    done = spinetk("compare", cohort / "person-07", cohort / "person-00", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "new fracture suspected" in done.stdout and "changes.html" in done.stdout
