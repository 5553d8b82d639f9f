"""Time and memory of inference on this machine: `make bench` writes docs/results/speed.{json,md} and a plot.

Every measurement is a process of its own, so that peak memory is that of the one task; times inside a process are
medians over repeats after one warm-up. Takes about eight minutes and 600 MB of disk.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "results"
REPEATS = 9
STUDIES = 50
LENGTHS = (10, 50, 200, 1000, 2000)


def phantom_series(slices: int, folder: Path, **more: Any) -> Path:
    from spinetk.phantom import PhantomConfig, make_phantom, write_phantom

    config = PhantomConfig(
        slices=slices, slice_distance=3.0, height=512, width=512, spacing=0.6, **more
    )
    write_phantom(make_phantom(config), folder)
    return folder / "dicom"


def axial_ct(folder: Path) -> Path:
    """300 axial images of 512 x 512, 1 mm apart, 0.7 mm a pixel."""
    import numpy as np

    sys.path.insert(0, str(ROOT))
    from spinetk.phantom import PhantomConfig, make_phantom
    from tests.make_dicom import axial, write_classic

    body = make_phantom(
        PhantomConfig(
            look="CT", slices=64, slice_distance=2.1, spacing=0.7, height=430, width=300, samples=1
        )
    )
    stack, directions, places = axial(body)
    stack = np.repeat(stack, 3, axis=2)
    stack = stack[np.linspace(0, len(stack) - 1, 300).round().astype(int)]
    wide = np.full((300, 512, 512), -1000.0, dtype=np.float32)
    top, left = (512 - stack.shape[1]) // 2, (512 - stack.shape[2]) // 2
    wide[:, top : top + stack.shape[1], left : left + stack.shape[2]] = stack
    x, y, z = places[0]
    at = [(x - left * 0.7, y - top * 0.7, z - number) for number in range(300)]
    write_classic(folder, wide, directions, at, (0.7, 0.7))
    return folder


def many_studies(one: Path, folder: Path) -> Path:
    """Copies of a series as so many studies."""
    import pydicom
    from pydicom.uid import generate_uid

    for number in range(STUDIES):
        study, series = generate_uid(), generate_uid()
        (folder / f"{number:02d}").mkdir(parents=True)
        for path in sorted(one.iterdir()):
            image = pydicom.dcmread(path)
            image.StudyInstanceUID, image.SeriesInstanceUID = study, series
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            image.save_as(folder / f"{number:02d}" / path.name)
    return folder


def median_seconds(work: Callable[[], Any], repeats: int = REPEATS) -> float:
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def one_slice(folder: Path) -> dict[str, float]:
    """A 512 x 512 slice: boxes alone, and boxes with masks pasted."""
    from spinetk.network.loaded import load_model, prepared
    from spinetk.orientation import upright
    from spinetk.pipeline import outline
    from spinetk.readers import read

    loaded = load_model("mr")
    one = read(folder).series[0].slices[10]
    assert one.pixels.shape == (512, 512)
    return {
        "boxes_s": median_seconds(
            lambda: loaded.detector.find_boxes(prepared(upright(one), loaded, "MR"))
        ),
        "masks_s": median_seconds(lambda: outline(upright(one), loaded, 0.5, "MR")),
        "instances": len(outline(upright(one), loaded, 0.5, "MR")),
    }


def warm_series(folder: Path) -> dict[str, float]:
    """The 20 slices in a process that has segmented before, as in a batch: from files to every output."""
    from spinetk.batch_options import Options
    from spinetk.one_series import segment_found
    from spinetk.readers import find

    models: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as out:
        [found] = find([folder]).series
        work = lambda: segment_found(found, Path(out), Options(overwrite=True), models)  # noqa: E731
        return {"seconds": median_seconds(work, 5)}


def search(folder: Path, length: int) -> dict[str, float]:
    """The search of a series of so many slices."""
    from spinetk.network.loaded import load_model
    from spinetk.readers import read
    from spinetk.search import detect

    loaded = load_model("mr")
    one = read(folder).series[0].slices[10]
    slices = [dataclasses.replace(one, index=index) for index in range(length)]
    detect(slices[:3], loaded, 0.5, "MR")
    start = time.perf_counter()
    detect(slices, loaded, 0.5, "MR")
    took = time.perf_counter() - start
    # the kernel's own mark: getrusage would begin with what the parent held when it forked
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    return {
        "slices": length,
        "milliseconds a slice": round(1000 * took / length, 1),
        "peak MB": round(peak),
    }


TASKS: dict[str, Callable[..., dict[str, float]]] = {
    "one_slice": one_slice,
    "warm_series": warm_series,
    "search": search,
}


def in_new_process(task: str, *arguments: object) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, task, *map(str, arguments)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def command_line(
    inputs: Path, repeats: int = 3, cores: Sequence[int] | None = None
) -> dict[str, float]:
    """`spinetk segment` as a user runs it: a new process, from files to every output. Memory is the largest sum over
    the process and its workers, sampled ten times a second."""  # fmt: skip
    import psutil

    times, peak = [], 0
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as out:
            start = time.perf_counter()
            command = [sys.executable, "-m", "spinetk.cli", "segment", str(inputs), "-o", out]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # fmt: skip
                watched = psutil.Process(process.pid)
                if cores is not None:
                    watched.cpu_affinity(list(cores))
                while process.poll() is None:
                    try:
                        family = [watched, *watched.children(recursive=True)]
                        peak = max(peak, sum(one.memory_info().rss for one in family))
                    except psutil.Error:  # one of them has just ended
                        pass
                    time.sleep(0.02 if repeats > 1 else 0.1)
            assert process.returncode == 0, process.returncode
            times.append(time.perf_counter() - start)
    return {"seconds": statistics.median(times), "peak_memory_mb": round(peak / 2**20, 1)}


def install_size() -> dict[str, float]:
    """MB that a base install adds to a new environment, on disk."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        before = _disk(Path(folder))
        pip = [f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "--no-compile"]
        subprocess.run([*pip, str(ROOT)], check=True, capture_output=True)
        return {"megabytes": round((_disk(Path(folder)) - before) / 1e6)}


def _disk(folder: Path) -> int:
    files = (path.lstat() for path in folder.rglob("*") if not path.is_dir())
    return sum(file.st_blocks * 512 for file in files)


def main() -> None:
    if len(sys.argv) > 2:
        task, folder, *more = sys.argv[1:]
        print(json.dumps(TASKS[task](Path(folder), *map(int, more))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        folder = phantom_series(20, work / "series")
        results: dict[str, Any] = {
            "command": "make bench",
            "date": time.strftime("%Y-%m-%d"),
            "cores": len(os.sched_getaffinity(0)),
            "machine": platform.machine(),
            "load_before": round(os.getloadavg()[0], 2),
            "one_slice": in_new_process("one_slice", folder),
        }
        single = work / "single"
        single.mkdir()
        shutil.copy(sorted(folder.iterdir())[10], single)
        results["first_result"] = command_line(single)
        results["whole_series"] = command_line(folder)
        results["warm_series"] = in_new_process("warm_series", folder)
        results["axial_ct"] = command_line(axial_ct(work / "axial"))
        shutil.rmtree(work / "axial")
        results["scaling"] = [in_new_process("search", folder, length) for length in LENGTHS]
        few, many = work / "few", many_studies(folder, work / "many")
        few.mkdir()
        for study in sorted(many.iterdir())[: STUDIES // 5]:
            shutil.copytree(study, few / study.name, copy_function=os.link)
        results["few_studies"] = command_line(few, 1)
        results["studies"] = command_line(many, 1)
        results["studies_one_core"] = command_line(many, 1, [0])
        shutil.rmtree(many)
        results["install"] = install_size()
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "speed.json").write_text(json.dumps(results, indent=1) + "\n")
    (OUT / "speed.md").write_text(table(results))
    plot(results)
    print(table(results))


def table(results: dict[str, Any]) -> str:
    one, studies = results["one_slice"], results["studies"]
    alone = results["studies_one_core"]
    rows = [
        ("one 512 x 512 slice, boxes", f"{one['boxes_s']:.3f} s", "0.05 s"),
        (f"one 512 x 512 slice, boxes and {one['instances']} masks", f"{one['masks_s']:.3f} s", "0.07 s"),
        ("one DICOM slice, new process, file to every output", f"{results['first_result']['seconds']:.2f} s", "2 s"),
        ("20-slice DICOM series, new process, files to every output", f"{results['whole_series']['seconds']:.2f} s", "1.2 s"),
        ("the same in a process that has segmented before", f"{results['warm_series']['seconds']:.2f} s", "1.2 s"),
        ("peak memory of the 20-slice process", f"{results['whole_series']['peak_memory_mb']:.0f} MB", "600 MB"),
        ("300 axial CT images, cut, searched, every output", f"{results['axial_ct']['seconds']:.1f} s", "12 s"),
        ("peak memory of that process", f"{results['axial_ct']['peak_memory_mb']:.0f} MB", "600 MB"),
        (f"{STUDIES} studies of 20 slices, {results['cores']} cores", f"{studies['seconds']:.0f} s", ""),
        ("the same on one core", f"{alone['seconds']:.0f} s ({alone['seconds'] / studies['seconds']:.2f} times)", "1.7 times"),
        (f"memory of all its processes, {STUDIES // 5} and {STUDIES} studies",
         f"{results['few_studies']['peak_memory_mb']:.0f} and {studies['peak_memory_mb']:.0f} MB", "flat"),
        ("base install on disk", f"{results['install']['megabytes']} MB", "400 MB"),
    ]  # fmt: skip
    lines = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return (
        f"Measured by `make bench` on {results['cores']} cores, {results['date']}.\n\n"
        f"| task | figure | goal |\n|---|---|---|\n{lines}"
    )


def markdown_table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        list(rows[0]),
        ["---"] * len(rows[0]),
        *([str(v) for v in row.values()] for row in rows),
    ]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def plot(results: dict[str, Any]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    lengths = [row["slices"] for row in results["scaling"]]
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.2))
    for axis, name, label in zip(
        axes, ("milliseconds a slice", "peak MB"), ("milliseconds a slice", "peak memory, MB"), strict=True
    ):  # fmt: skip
        axis.semilogx(lengths, [row[name] for row in results["scaling"]], "o-")
        axis.set_ylim(0, 1.2 * max(row[name] for row in results["scaling"]))
        axis.set_xlabel("slices in the series")
        axis.set_ylabel(label)
    figure.tight_layout()
    figure.savefig(OUT / "scaling.png", dpi=110)


if __name__ == "__main__":
    main()
