"""Time and memory of inference on this machine: `make bench` writes docs/results/speed.{json,md}.

Every measurement is a process of its own, so that peak memory is that of the one task; times inside
a process are medians over repeats after one warm-up.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

OUT = Path(__file__).parents[1] / "docs" / "results"
REPEATS = 9


def phantom_series(slices: int, folder: Path) -> Path:
    from spinetk.phantom import PhantomConfig, make_phantom, write_phantom

    config = PhantomConfig(slices=slices, slice_distance=3.0, height=512, width=512, spacing=0.6)
    write_phantom(make_phantom(config), folder)
    return folder / "dicom"


def median_seconds(work: Any) -> float:
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def one_slice(folder: Path) -> dict[str, float]:
    """A 512 x 512 slice: boxes alone, and boxes with masks pasted."""
    from spinetk.network.loaded import load_model, prepared
    from spinetk.pipeline import outline
    from spinetk.readers import read

    loaded = load_model("mr")
    one = read(folder).series[0].slices[10]
    assert one.pixels.shape == (512, 512)
    return {
        "boxes_s": median_seconds(lambda: loaded.detector.find_boxes(prepared(one, loaded, "MR"))),
        "masks_s": median_seconds(lambda: outline(one, loaded, 0.5)),
        "instances": len(outline(one, loaded, 0.5)),
    }


def whole_series(folder: Path) -> dict[str, float]:
    """A 20-slice DICOM series as a user runs it: a new process, from files to every output."""
    times = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as out:
            start = time.perf_counter()
            command = [sys.executable, "-m", "spinetk.cli", "segment", str(folder), "-o", out]
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"seconds": statistics.median(times), "peak_memory_mb": round(peak, 1)}


TASKS = {"one_slice": one_slice, "whole_series": whole_series}


def main() -> None:
    if len(sys.argv) == 3:
        print(json.dumps(TASKS[sys.argv[1]](Path(sys.argv[2]))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = phantom_series(20, Path(temporary))
        results: dict[str, Any] = {
            "command": "make bench",
            "date": time.strftime("%Y-%m-%d"),
            "cores": len(os.sched_getaffinity(0)),
            "machine": platform.machine(),
            "load_before": round(os.getloadavg()[0], 2),
        }
        for task in TASKS:
            done = subprocess.run(
                [sys.executable, __file__, task, str(folder)],
                check=True,
                capture_output=True,
                text=True,
            )
            results[task] = json.loads(done.stdout.splitlines()[-1])
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "speed.json").write_text(json.dumps(results, indent=1) + "\n")
    (OUT / "speed.md").write_text(table(results))
    print(table(results))


def table(results: dict[str, Any]) -> str:
    one, series = results["one_slice"], results["whole_series"]
    return (
        f"Measured by `make bench` on {results['cores']} cores, {results['date']}.\n\n"
        "| task | figure |\n|---|---|\n"
        f"| one 512 x 512 slice, boxes | {one['boxes_s']:.3f} s |\n"
        f"| one 512 x 512 slice, boxes and {one['instances']} masks | {one['masks_s']:.3f} s |\n"
        f"| 20-slice DICOM series, new process, files to every output | {series['seconds']:.2f} s |\n"
        f"| peak memory of that process | {series['peak_memory_mb']:.0f} MB |\n"
    )


if __name__ == "__main__":
    main()
