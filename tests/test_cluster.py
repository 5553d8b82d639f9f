"""Tasks on a real Dask cluster of processes on this machine, one of which is killed."""

import os
import signal
import time
from pathlib import Path

import pytest

from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.cluster import in_cluster
from spinetk.errors import UsageError

distributed = pytest.importorskip("distributed", reason="needs the cluster extra")


@pytest.fixture(scope="module")
def cluster() -> "object":
    """A scheduler with two workers, each a process."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield cluster


@pytest.fixture
def address(cluster: "distributed.LocalCluster") -> str:
    return cluster.scheduler_address


def doubled(number: int) -> int:
    return 2 * number


def killed_once(task: tuple[int, str]) -> int:
    """The process ends itself the first time that it gets 3."""
    number, mark = task
    if number == 3 and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
    return number


def fails(number: int) -> int:
    raise ValueError("always")


def lost(task: object) -> object:
    return ("lost", task)


def test_every_task_is_done_once(address: str) -> None:
    assert sorted(in_cluster(doubled, range(40), address, lost)) == [2 * k for k in range(40)]  # type: ignore[arg-type]


def test_a_lost_workers_tasks_are_done_elsewhere(address: str, tmp_path: Path) -> None:
    tasks = [(number, str(tmp_path / "mark")) for number in range(20)]
    assert sorted(in_cluster(killed_once, tasks, address, lost)) == list(range(20))  # type: ignore[arg-type]
    assert (tmp_path / "mark").exists()


def test_results_lost_with_their_worker_are_made_anew(
    cluster: "distributed.LocalCluster", address: str
) -> None:
    results = in_cluster(doubled, range(8), address, lost)  # type: ignore[arg-type]
    first = next(results)
    time.sleep(1)  # the others are complete, and lie with their workers
    workers = list(cluster.workers.values())
    for worker in workers:
        os.kill(worker.process.pid, signal.SIGKILL)
    # the driver hears of it while it still has results to ask for
    with distributed.Client(address) as client:
        client.wait_for_workers(len(workers), timeout=60)
    assert sorted([first, *results]) == [2 * number for number in range(8)]


def test_what_cannot_be_done_is_said(address: str) -> None:
    assert list(in_cluster(fails, [1], address, lost)) == [("lost", 1)]  # type: ignore[arg-type]


def test_a_scheduler_that_is_not_there_is_a_line() -> None:
    with pytest.raises(UsageError, match="no scheduler"):
        list(in_cluster(doubled, [1], "tcp://127.0.0.1:9", lost))  # type: ignore[arg-type]


def test_results_are_those_of_one_process(address: str, pictures: Path, tmp_path: Path) -> None:
    options = Options(formats=("csv",))
    segment_all([pictures], tmp_path / "one", options)
    outcome = segment_all([pictures], tmp_path / "many", options, cluster=address)
    assert len(outcome.failed) == 1 and len(outcome.done) == 6
    for name in ("p0", "p3", "p5"):
        tables = [
            (tmp_path / which / name / "instances.csv").read_bytes() for which in ("one", "many")
        ]
        assert tables[0] == tables[1]
