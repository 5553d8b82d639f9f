"""Thousands of inputs of one kind, each tried in a process that can be lost: what became of each.

A kind is a module with two functions: `seeds(folder)` writes whole inputs there, once, and
`attempt(folder, number)` damages one of them, gives it to SpineTK and returns one of `OUTCOMES`,
or what is wrong. An attempt may take `SECONDS` and its process, and those that it starts, `MEMORY`.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from attacks.measured import most
from spinetk.errors import SpineError

SECONDS, MEMORY = 20, 10**9
AT_ONCE = 100
"""Inputs of one process."""
OUTCOMES = ("taken", "refused")


def outcome(attempt: object, folder: Path, number: int) -> str:
    """The outcome of one attempt: an error that is not ours, or of several lines, is wrong."""
    try:
        return str(attempt(folder, number))  # type: ignore[operator]
    except SpineError as error:
        return "refused" if "\n" not in str(error) else f"WRONG several lines: {error}"
    except TimeoutError:
        return "WRONG too slow"
    except BaseException:
        return "WRONG " + traceback.format_exc(limit=-3)


def chunk(kind: str, folder: Path, first: int, last: int) -> None:
    """Print number and outcome of each attempt as soon as it is known."""
    module = importlib.import_module(f"attacks.{kind}")
    warnings.simplefilter("ignore")

    def late(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    for number in range(first, last):
        start = time.perf_counter()
        signal.alarm(SECONDS)
        result = outcome(module.attempt, folder, number)
        signal.alarm(0)
        if time.perf_counter() - start > SECONDS:
            result = "WRONG too slow"
        if most() > MEMORY and result in OUTCOMES:
            result = f"WRONG {most() / 1e9:.1f} GB"
        line = json.dumps([number, result, time.perf_counter() - start, most()])
        print("\nRESULT", line, flush=True)
        if "GB" in result:
            os._exit(0)  # the peak stays: the next inputs need a process of their own


def _started(kind: str, folder: Path, *numbers: int) -> subprocess.CompletedProcess[str]:
    """A process that makes the whole inputs or, with a range of numbers, attempts."""
    command = [sys.executable, "-m", "attacks.trial", kind, str(folder), *map(str, numbers)]
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", cwd=Path(__file__).parents[1]
    )


def in_process(kind: str, folder: Path, first: int, last: int) -> dict[int, list]:
    """A chunk in processes of its own; an input that ends one is wrong, and the rest goes on."""
    out: dict[int, list] = {}
    while first < last:
        done = _started(kind, folder, first, last)
        came = [
            json.loads(line.removeprefix("RESULT "))
            for line in done.stdout.splitlines()
            if line.startswith("RESULT ")
        ]
        out |= {number: rest for number, *rest in came}
        first = max([number for number, *_ in came], default=first - 1) + 1
        if first < last and done.returncode:
            text = f"WRONG the process ended with {done.returncode}: {done.stderr[-600:]}"
            out[first] = [text, 0.0, 0]
            first += 1
    return out


def run(kind: str, count: int, workers: int = 2) -> dict[int, list]:
    """Outcome, seconds and most bytes of the process of each of `count` attempts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _started(kind, folder).check_returncode()
        with ThreadPoolExecutor(workers) as pool:
            parts = [
                pool.submit(in_process, kind, folder, first, min(first + AT_ONCE, count))
                for first in range(0, count, AT_ONCE)
            ]
            return {number: rest for part in parts for number, rest in part.result().items()}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    given, place = sys.argv[1], Path(sys.argv[2])
    if sys.argv[3:]:
        chunk(given, place, int(sys.argv[3]), int(sys.argv[4]))
    else:
        importlib.import_module(f"attacks.{given}").seeds(place)
