"""What all commands share: the line of an error, and what must be installed."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import IO, Any

from rich.console import Console
from rich.text import Text

from spinetk.errors import UsageError

DONE, USAGE, UNREADABLE, SOME_FAILED = 0, 2, 3, 4
MODALITIES = {"auto": None, "mr": "MR", "ct": "CT", "xr": "XR"}
VIEW_CHOICES = {"auto": None, "ap": "ap", "lateral": "lateral"}


class _Console(Console):
    """One that does not end the program where nobody listens."""

    def on_broken_pipe(self) -> None:
        """As `rich` calls it."""
        _silence(sys.stderr)


console = _Console(stderr=True, highlight=False, soft_wrap=True)


def tell(text: object) -> None:
    """A line on standard output. Where nobody takes it any more (`| head`, a full disk) nothing
    more is told, and the work goes on."""
    try:
        print(text, flush=True)
    except OSError:
        _silence(sys.stdout)


def say(text: str) -> None:
    """One line on standard error, with our name before it; where nobody takes it, as `tell`."""
    hint(Text.assemble(("spinetk: ", "red"), text))


def hint(text: str | Text, **style: Any) -> None:
    """A line on standard error."""
    try:
        console.print(text, **style)
    except OSError:
        _silence(sys.stderr)


def _silence(stream: IO[str]) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def needs(extra: str, *modules: str) -> None:
    """Say which extra to install where one of its modules is missing."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"this needs the {extra} extra ({', '.join(missing)} not found): "
            f"pip install '.[{extra}]' in SpineTK's folder"
        )
