"""Share tasks among the workers of a Dask cluster (extra `cluster`): a scheduler that is there, or
one that starts its workers on Slurm.

The workers need SpineTK, and the folders of input and results under the same names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from spinetk.errors import UsageError

Task = TypeVar("Task")
Result = TypeVar("Result")
RETRIES = 2
"""So often a task is done again elsewhere whose worker was lost."""
AHEAD = 4
"""Tasks that are with the cluster for each of its threads: the driver's memory does not grow with
the number of all."""
WORKER_MEMORY = "2GB"
CONNECT_SECONDS = 20


def in_cluster(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    address: str,
    lost: Callable[[Task], Result],
) -> Generator[Result]:
    """Do every task on a cluster; results come as they are complete.

    Args:
        work: a function of a module, of one task; both can be pickled.
        address: of a scheduler ("tcp://host:8786"), or "slurm:N" for N workers on Slurm.
        lost: what to give for a task that could not be done: whose workers were lost, too often.

    Raises:
        UsageError: the extra is not installed, or there is no scheduler.
    """
    with _client(address) as client:
        from distributed import as_completed

        waiting = iter(tasks)
        under_way: dict[Any, Task] = {}
        done = as_completed()

        def send(count: int) -> None:
            for task in _first(waiting, count):
                future = client.submit(work, task, pure=False, retries=RETRIES)
                under_way[future] = task
                done.add(future)

        send(AHEAD * max(1, sum(client.nthreads().values())))
        for future in done:
            task = under_way.pop(future)
            yield _outcome(future, task, lost)
            future.release()
            send(1)


def _outcome(future: Any, task: Task, lost: Callable[[Task], Result]) -> Result:
    """What a task gave. Results stay with the workers until they are asked for: one that was lost
    with its worker is being made anew, and is waited for; what failed, failed again and again."""
    try:
        result: Result = future.result()
    except Exception:  # the task's own, or the cluster's, which told why
        return lost(task)
    return result


def _first(items: Iterator[Task], count: int) -> Iterator[Task]:
    for _, item in zip(range(count), items, strict=False):
        yield item


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """A client of the cluster.

    Raises:
        UsageError: as `in_cluster`.
    """
    try:
        from distributed import Client
    except ImportError as error:
        how = "this needs the cluster extra: pip install '.[cluster]' in SpineTK's folder"
        raise UsageError(how, f"--cluster {address}") from error
    with ExitStack() as open_ones:
        place: Any = address
        if found := re.fullmatch(r"slurm:([1-9][0-9]{0,4})", address):
            from dask_jobqueue.slurm import SLURMCluster

            place = open_ones.enter_context(
                SLURMCluster(cores=1, processes=1, memory=WORKER_MEMORY)
            )
            place.scale(int(found[1]))
        try:
            client = open_ones.enter_context(Client(place, timeout=CONNECT_SECONDS))
            client.wait_for_workers(1, timeout=None if found else CONNECT_SECONDS)
        except (OSError, TimeoutError, ValueError) as error:
            why = "no scheduler, or no worker, answers there"
            raise UsageError(why, f"--cluster {address}") from error
        yield client
