"""Tell how a run goes: a bar at a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_SECONDS = 60.0
FIRST_STEPS = 5
"""After so many steps it is known how long the run will take."""


class Telling:
    """Says on standard error how far a run is.

    Args:
        total: steps of the run; `done` of them lie behind it.
        quiet: says nothing.
    """

    def __init__(self, total: int, done: int = 0, *, quiet: bool = False) -> None:
        self._total, self._first, self._start = total, done, time.monotonic()
        self._console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} {task.fields[losses]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bar.add_task("training", total=total, completed=done, losses="")
        self._said = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(text)

    def step(self, done: int, losses: dict[str, float]) -> None:
        """Take account of a step: `done` of all steps lie behind now."""
        shown = " ".join(f"{n.removeprefix('loss_')} {v:.2f}" for n, v in losses.items())
        self._bar.update(self._task, completed=done, losses=shown)
        now = time.monotonic()
        each = (now - self._start) / max(1, done - self._first)
        left = (self._total - done) * each / 60
        if done - self._first == min(FIRST_STEPS, self._total - self._first):
            self.say(
                f"{each:.2f} s a step: about {left:.0f} minutes for {self._total - done} steps"
            )
            self._said = now
        elif not self._console.is_terminal and now - self._said >= LINE_SECONDS:
            self.say(f"step {done} of {self._total}, about {left:.0f} minutes left; {shown}")
            self._said = now
