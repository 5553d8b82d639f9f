"""Disks that fill: the results' and the temporary folder's, at every size from none to enough.

Needs the right to mount (root on Linux); elsewhere nothing is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attacks.kills import SPINETK, outputs, studies

SIZES_KB = (64, 128, 192, 256, 384, 512, 640, 768, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 4096)
ENOUGH_KB = 200_000


@contextmanager
def disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A file system of that size."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    subprocess.run(command, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def attempt(source: Path, work: Path, expected: dict[str, object], full: str, size: int) -> str:
    """Segment where the disk of the results, or of temporary files, is so small; make it larger and
    continue."""
    with disk(work / "disk", size) as small:
        out = small / "out" if full == "results" else work / "out"
        temporary = small if full == "temporary" else work
        command = [*SPINETK, "segment", str(source), "-o", str(out)]
        more = os.environ | {"TMPDIR": str(temporary)}
        first = subprocess.run(command, capture_output=True, text=True, env=more, timeout=120)
        said = first.stderr.strip().splitlines()
        if not all(line.startswith("spinetk: ") for line in said):
            return f"WRONG {said[-3:]}"
        if first.returncode and not said:
            return "WRONG nothing is said"
        whole = outputs(out) if out.is_dir() else {}
        if first.returncode == 0 and whole != expected:
            return "WRONG said to be done"
        if any(name not in expected or whole[name] != expected[name] for name in whole):
            return f"WRONG a part is left: {sorted(set(whole) - set(expected))[:3]}"
        subprocess.run(["mount", "-o", f"remount,size={ENOUGH_KB}k", str(small)], check=True)
        again = subprocess.run([*command, "--continue"], capture_output=True, text=True, env=more)
        if again.returncode or outputs(out) != expected:
            return f"WRONG it does not go on: {again.stderr}"
    return "whole" if first.returncode == 0 else "refused"


def run() -> list[dict[str, object]]:
    """A row of figures for each disk; none where nothing can be mounted."""
    if os.geteuid():
        return []
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as name:
        source = studies(Path(name) / "studies")
        subprocess.run(
            [*SPINETK, "segment", str(source), "-o", f"{name}/out", "--quiet"], check=True
        )
        expected = outputs(Path(name) / "out")
        for full in ("results", "temporary"):
            results = []
            for size in SIZES_KB:
                work = Path(name) / f"{full}{size}"
                work.mkdir()
                results.append(attempt(source, work, expected, full, size))
                if results[-1].startswith("WRONG"):
                    print(f"--- {full} {size} KB: {results[-1]}", flush=True)
            wrong = sum(result.startswith("WRONG") for result in results)
            rows.append({"full disk": f"of the {full} files", "sizes": len(SIZES_KB),
                         "refused, and whole once there was room": results.count("refused"),
                         "whole at once": results.count("whole"), "wrong": wrong})  # fmt: skip
    return rows


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
