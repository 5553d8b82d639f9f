"""Share tasks among processes, with few of them under way at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any, TypeVar

import cv2

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_workers(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    workers: int,
    lost: Callable[[Task], Result],
) -> Generator[Result]:
    """Do every task in one of some processes of one core each; results come in the tasks' order.

    Args:
        work: a function of a module, of one task; both can be pickled.
        lost: what to give for a task whose process died, with others under way at the time. The
            tasks after them go on in new processes.
    """
    waiting = deque(tasks)
    while waiting:
        pool = ProcessPoolExecutor(
            # forked processes would inherit locks of the runtime's threads
            workers, multiprocessing.get_context("spawn"), _begin,
        )  # fmt: skip
        under_way: deque[tuple[Task, Future[Result]]] = deque()
        broken = False
        try:
            while under_way or (waiting and not broken):
                # one more than there are workers, so that none waits for us
                while waiting and not broken and len(under_way) <= workers:
                    try:
                        with interruption_kept_from_children():
                            under_way.append((waiting[0], pool.submit(work, waiting[0])))
                        waiting.popleft()
                    except BrokenProcessPool:
                        broken = True
                if not under_way:
                    break
                task, future = under_way.popleft()
                try:
                    yield future.result()
                except BrokenProcessPool:
                    broken = True
                    yield lost(task)
        finally:
            _ended(pool)


@contextmanager
def interruption_kept_from_children() -> Iterator[None]:
    """What starts a process meanwhile gives it a terminal's Ctrl+C blocked: it would end with a
    traceback before it could say that the end is its parent's."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ended(pool: ProcessPoolExecutor) -> None:
    """End a pool when what is under way is complete, or at once if one cannot wait for that."""
    processes = list((pool._processes or {}).values())
    manager: Any = pool._executor_manager_thread
    pool.shutdown(wait=False, cancel_futures=True)
    try:
        # not the thread: a `join` that Ctrl+C ends takes a living thread for ended
        sentinels = {process.sentinel for process in processes}
        while sentinels:
            sentinels.difference_update(wait(list(sentinels)))
    except KeyboardInterrupt:  # a second one
        for process in processes:
            process.kill()
        raise
    finally:
        with interruption_kept_from_children():
            if manager is not None:
                manager.join()


def begin_process() -> None:
    """Prepare a process of ours: no word of libraries, and the end is the parent's to say. It ends
    when the one that started it has ended, however that came about."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _begin() -> None:
    """Prepare a worker, which has one core."""
    begin_process()
    cv2.setNumThreads(1)
