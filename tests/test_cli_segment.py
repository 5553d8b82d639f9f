"""`spinetk segment` over a cohort: keys, sources and shards."""

import csv
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from spinetk.phantom import PhantomConfig, make_phantom, write_phantom


def spinetk(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spinetk.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three persons, a folder each."""
    folder = tmp_path_factory.mktemp("cohort") / "cohort"
    for number in (1, 2, 3):
        config = PhantomConfig(slices=1, samples=1, height=224, width=192, spacing=1.4, seed=number)
        write_phantom(make_phantom(config), folder / f"case{number:02d}")
        (folder / f"case{number:02d}" / "truth.nii.gz").unlink()
    return folder


def test_results_are_named_by_folder_and_sources_say_whose_they_are(
    cohort: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = spinetk("segment", cohort, "-o", out, "--key-from", "folder", "--format", "csv")
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in out.iterdir() if path.is_dir())
    assert names == ["case01_dicom", "case02_dicom", "case03_dicom"]
    assert stat.S_IMODE((out / "sources.csv").stat().st_mode) == 0o600
    rows = {row["key"]: row for row in csv.DictReader((out / "sources.csv").open())}
    assert rows["case02_dicom"]["input"] == "cohort/case02/dicom"
    assert rows["case02_dicom"]["series_number"] == "1"
    assert len({row["input_sha256"] for row in rows.values()}) == 3


def test_shards_fill_one_folder_without_clashes(cohort: Path, tmp_path: Path) -> None:
    whole, shared = tmp_path / "whole", tmp_path / "shared"
    assert spinetk("segment", cohort, "-o", whole, "--format", "csv").returncode == 0
    for part in (1, 2, 3, 4, 5):
        done = spinetk("segment", cohort, "-o", shared, "--format", "csv", "--shard", f"{part}/5")
        assert done.returncode == 0, done.stderr
    names = [sorted(p.name for p in out.iterdir() if p.is_dir()) for out in (whole, shared)]
    assert names[0] == names[1] and len(names[0]) == 3
    assert not (shared / "summary.csv").exists()
    for name in names[0]:
        tables = [(out / name / "instances.csv").read_bytes() for out in (whole, shared)]
        assert tables[0] == tables[1]


def test_a_cohort_goes_on_with_cases_added_and_removed(cohort: Path, tmp_path: Path) -> None:
    ours, out = tmp_path / "cohort", tmp_path / "out"
    shutil.copytree(cohort, ours)
    shutil.move(ours / "case02", tmp_path / "later")
    assert spinetk("segment", ours, "-o", out, "--format", "csv").returncode == 0
    before = {row["input"]: row["key"] for row in csv.DictReader((out / "sources.csv").open())}
    shutil.rmtree(ours / "case01")
    shutil.move(tmp_path / "later", ours / "case02")
    done = spinetk("segment", ours, "-o", out, "--format", "csv", "--continue")
    assert done.returncode == 0 and "kept: 1" in done.stderr
    after = {row["input"]: row["key"] for row in csv.DictReader((out / "sources.csv").open())}
    assert before.items() <= after.items() and len(set(after.values())) == 3


@pytest.mark.parametrize("option", ["--shard=0/4", "--shard=5/4", "--shard=a", "--key-from=nobody"])
def test_what_makes_no_sense_is_refused_in_a_line(
    cohort: Path, tmp_path: Path, option: str
) -> None:
    done = spinetk("segment", cohort, "-o", tmp_path / "out", option)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()
