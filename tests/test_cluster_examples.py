"""The examples for clusters: a real Slurm, and what a Kubernetes Indexed Job would run."""

import csv
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
from tests import slurm

EXAMPLES = Path(__file__).parents[1] / "examples"
STUDIES, TASKS, FEW = 200, 4, 8


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cluster") / "cohort"
    for number in range(STUDIES):
        config = PhantomConfig(slices=1, samples=1, height=224, width=192, spacing=1.4, seed=number)
        write_phantom(make_phantom(config), folder / f"case{number:03d}")
        (folder / f"case{number:03d}" / "truth.nii.gz").unlink()
    return folder


@pytest.fixture(scope="module")
def few(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of them."""
    folder = tmp_path_factory.mktemp("few") / "cohort"
    for case in sorted(cohort.iterdir())[:FEW]:
        shutil.copytree(case, folder / case.name)
    return folder


@pytest.fixture(scope="module")
def on_path() -> Iterator[None]:
    """`spinetk` as a node of the cluster finds it."""
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{before}"
    yield
    os.environ["PATH"] = before


def gathered(out: Path) -> list[str]:
    """Results after `spinetk gather`."""
    subprocess.run(["spinetk", "gather", out], check=True, capture_output=True)
    with (out / "summary.csv").open(newline="") as stream:
        return [row["key"] for row in csv.DictReader(stream)]


def middle(out: Path) -> None:
    """Wait until a quarter of the studies are done."""
    end = time.monotonic() + 180
    while len(list(out.glob("case*"))) < STUDIES // 4 and time.monotonic() < end:
        time.sleep(0.1)


@slurm.needs_slurm
def test_a_slurm_array_does_a_cohort_and_a_killed_task_is_made_up_for(
    cohort: Path, on_path: None, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    out = tmp_path / "results"
    script = (EXAMPLES / "slurm.sh", cohort, out)
    asked = (f"--array=1-{TASKS}",)
    with slurm.cluster(tmp_path_factory.mktemp("slurm")) as environment:
        job = slurm.submit(environment, *asked, f"--output={tmp_path}/%a.log", *script)
        middle(out)
        subprocess.run(["pkill", "-KILL", "-f", f"spinetk segment {cohort}"], check=False)
        slurm.wait_for(environment, job)
        first = len(list(out.glob("case*/run.json")))
        again = slurm.submit(environment, *asked, f"--output={tmp_path}/again-%a.log", *script)
        slurm.wait_for(environment, again)
    logs = "\n".join(path.read_text() for path in sorted(tmp_path.glob("*.log")))
    assert 1 <= first < STUDIES, logs  # it was lost while there was work left
    assert gathered(out) == [f"case{k:03d}_dicom" for k in range(STUDIES)], logs


@slurm.needs_slurm
def test_dasks_workers_on_slurm_do_a_cohort_and_a_lost_ones_part_is_done_by_the_other(
    cohort: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    pytest.importorskip("dask_jobqueue", reason="needs the cluster extra")
    monkeypatch.chdir(tmp_path_factory.mktemp("jobs"))
    out = tmp_path / "results"
    killed: list[str] = []

    def kill_one() -> None:
        middle(out)
        jobs = subprocess.run(
            ["squeue", "-h", "-o", "%i"], capture_output=True, text=True, check=True
        )
        killed.extend(jobs.stdout.split())
        subprocess.run(["scancel", "--signal=KILL", "--full", killed[0]], check=True)

    with slurm.cluster(tmp_path_factory.mktemp("slurm")) as environment:
        monkeypatch.setenv("SLURM_CONF", environment["SLURM_CONF"])
        killer = threading.Thread(target=kill_one)
        killer.start()
        options = Options(formats=("csv",), key_from="{folder}")
        outcome = segment_all([cohort], out, options, cluster="slurm:2")
        killer.join()
    assert len(killed) == 2 and not outcome.failed
    assert sorted(row["key"] for row in outcome.done) == [
        f"case{k:03d}_dicom" for k in range(STUDIES)
    ]


def test_the_pods_of_the_kubernetes_job_do_a_cohort(
    few: Path, on_path: None, tmp_path: Path
) -> None:
    """Not on Kubernetes: what each pod's shell runs, one after the other, with its index."""
    job = yaml.safe_load((EXAMPLES / "kubernetes.yaml").read_text())
    assert job["kind"] == "Job" and job["spec"]["completionMode"] == "Indexed"
    [container] = job["spec"]["template"]["spec"]["containers"]
    completions = job["spec"]["completions"]
    [text] = container["args"]
    assert f"/{completions}" in text
    out = tmp_path / "results"
    text = text.replace("/data/cohort", str(few)).replace("/data/results", str(out))
    text = text.replace(f"/{completions}", f"/{TASKS}")
    for index in range(TASKS):
        environment = os.environ | {"JOB_COMPLETION_INDEX": str(index)}
        done = subprocess.run([*container["command"], text], env=environment, capture_output=True,
                              text=True, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert len(gathered(out)) == FEW
