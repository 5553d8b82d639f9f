"""A profile of the whole command, before and after the work on speed: python benchmarks/where_time_goes.py

py-spy (of the dev extra) samples `spinetk segment` on a 20-slice DICOM series of the phantom 200 times a second, in the
present code and in that of the commit BEFORE. Samples of threads that run side by side are all counted, so that the sum
can be more than the time on the clock. Writes docs/results/profile.{json,md}.
"""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from speed import markdown_table, phantom_series

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "results"
BEFORE = "df6c780"
"""The last commit of the network in one file, run whole on the chosen slice."""
RATE = 200
PARTS = (
    ("loading modules", ("_find_and_load",)),
    ("opening the network", ("_session (", "InferenceSession", "find_model", "load_model")),
    ("boxes on every slice", ("find_boxes", "detect (")),
    ("masks on the chosen slice", ("find_masks", "outline (")),
    ("ordering and naming", ("order_and_name",)),
    ("reading DICOM", ("spinetk/readers/",)),
    ("DICOM SR", ("dicom_sr.py",)),
    ("DICOM SEG", ("dicom_seg.py",)),
    ("saving DICOM", ("dcmwrite",)),
    ("other files and measures", ("spinetk/writers/", "spinetk/radiomics", "spinetk/morphometry")),
)  # fmt: skip


def sampled(source: Path, series: Path) -> tuple[float, collections.Counter[str]]:
    """Seconds on the clock without the profiler, and samples by part."""
    environment = os.environ | {"PYTHONPATH": str(source)}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "spinetk.cli", "segment", str(series), "-o"]
        took = []
        for number in range(3):
            start = time.perf_counter()
            subprocess.run([*command, f"{folder}/{number}"], env=environment, check=True, capture_output=True)  # fmt: skip
            took.append(time.perf_counter() - start)
        stacks = Path(folder) / "stacks.txt"
        spy = ["py-spy", "record", "--format", "raw", "--rate", str(RATE), "-o", str(stacks), "--"]
        subprocess.run([*spy, *command, f"{folder}/spy"], env=environment, check=True, capture_output=True)  # fmt: skip
        spent: collections.Counter[str] = collections.Counter()
        for line in stacks.read_text().splitlines():
            stack, count = line.rsplit(" ", 1)
            part = next((name for name, marks in PARTS if any(m in stack for m in marks)), "all other")  # fmt: skip
            spent[part] += int(count)
    return min(took), spent


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        series = phantom_series(20, Path(folder) / "series")
        older = Path(folder) / "before"
        subprocess.run(
            ["git", "-C", str(ROOT), "worktree", "add", "--detach", str(older), BEFORE],
            check=True, capture_output=True,
        )  # fmt: skip
        try:
            found = {"before": sampled(older / "src", series), "after": sampled(ROOT / "src", series)}  # fmt: skip
        finally:
            subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(older)])
    rows = [
        {"part": name, **{f"{when}, s": round(spent[name] / RATE, 2) for when, (_, spent) in found.items()}}
        for name in [*(name for name, _ in PARTS), "all other"]
    ]  # fmt: skip
    rows.append({"part": "whole process, on the clock without the profiler",
                 **{f"{when}, s": round(seconds, 2) for when, (seconds, _) in found.items()}})  # fmt: skip
    (OUT / "profile.json").write_text(json.dumps({"before": BEFORE, "rows": rows}, indent=1) + "\n")
    text = f"py-spy's samples of `spinetk segment` on 20 slices, commit {BEFORE} and now (`python benchmarks/where_time_goes.py`).\n\n"
    (OUT / "profile.md").write_text(text + markdown_table(rows))
    print(markdown_table(rows))


if __name__ == "__main__":
    main()
