"""Where the time goes, and what the alternatives cost: python benchmarks/performance.py DATA

Writes docs/performance.md, docs/results/performance.json and the plots beside it. One process, two threads, everything
timed side by side; the machine should be idle. Dice is measured on patients that the network `mr` was not trained on.
OpenVINO is tried where it is installed (`pip install openvino`).
"""

from __future__ import annotations

import collections
import dataclasses
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import onnxruntime
import pandas as pd
import torch
from torchvision.models.detection import maskrcnn_resnet50_fpn

from spinetk.dataset import patient_hash
from spinetk.evaluation.compare import compare_image
from spinetk.evaluation.run import read_images
from spinetk.evaluation.tables import markdown
from spinetk.network.detector import FEATURES, FOUND, Detector
from spinetk.network.fitting import fit_slice
from spinetk.network.loaded import LoadedModel, load_model, prepared
from spinetk.phantom import PhantomConfig, make_phantom
from spinetk.pipeline import outline
from spinetk.search import detect
from spinetk.study import Slice
from spinetk.training.export import export_onnx, load_weights
from spinetk.training.network import SpineRCNN
from spinetk.training.run import network_of_card

matplotlib.use("Agg")
from matplotlib import pyplot

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "results"
SETS = ("mr_spider", "mr_vb2", "mr_vb3")
SIDES = (320, 384, 448, 512, 576)
LENGTHS = (10, 50, 200, 1000, 2000)
DETECTIONS = 17
"""As many as `mr` outlines on the phantom."""


def median_seconds(work: Callable[[], Any], repeats: int = 9) -> float:
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def sample() -> Slice:
    phantom = make_phantom(PhantomConfig(slices=1, height=512, width=512, spacing=0.6))
    return Slice(phantom.volume[0], 0, None, (0.6, 0.6), Path("phantom"))


def against_the_reference(
    loaded: LoadedModel, network: SpineRCNN, whole: LoadedModel
) -> pd.DataFrame:
    """Seconds a slice from its pixels to pasted masks."""
    one = sample()
    reference = maskrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, box_score_thresh=0.0, box_detections_per_img=DETECTIONS
    ).eval()
    colour = torch.from_numpy(one.pixels / one.pixels.max()).expand(3, -1, -1)
    given = torch.from_numpy(prepared(one, loaded, "MR").image)
    rows = []
    with torch.no_grad():
        rows.append(("torchvision maskrcnn_resnet50_fpn, 800 px, random weights, torch",
                     median_seconds(lambda: reference([colour]), 3)))  # fmt: skip
        rows.append(
            ("ours, torch eager (masks not pasted)", median_seconds(lambda: network(given)))
        )
    rows.append(
        (
            "ours, ONNX Runtime float32, boxes and masks",
            median_seconds(lambda: outline(one, whole, 0.5, "MR")),
        )
    )
    rows.append(
        (
            "ours as shipped (8 bit), boxes and masks",
            median_seconds(lambda: outline(one, loaded, 0.5, "MR")),
        )
    )
    rows.append(("ours as shipped, boxes alone",
                 median_seconds(lambda: loaded.detector.find_boxes(prepared(one, loaded, "MR")))))  # fmt: skip
    table = pd.DataFrame(rows, columns=["what", "seconds"])
    table["times faster than torchvision's"] = (table["seconds"][0] / table["seconds"]).round(1)
    table["seconds"] = table["seconds"].round(4)
    return table


class _OpenVino:
    """Stands in for an ONNX Runtime session."""

    def __init__(self, path: Path, precision: str) -> None:
        import openvino

        hints = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": os.cpu_count(),
                 "PERFORMANCE_HINT": "LATENCY"}  # fmt: skip
        self.request = openvino.Core().compile_model(str(path), "CPU", hints).create_infer_request()

    def run(self, _: None, given: dict[str, Any]) -> list[Any]:
        out = self.request.infer(given)
        return [np.array(out[name]) for name in (*FOUND, *FEATURES)]


def alternatives(data: Path, loaded: LoadedModel, whole: LoadedModel) -> pd.DataFrame:
    """Dice and detection against milliseconds a slice, boxes alone."""
    trained = set(loaded.model.card["trained_patients_sha256"])
    images = [
        image
        for image in read_images([data / name for name in SETS])
        if patient_hash(image.patient) not in trained and image.reference
        and (image.dataset != "mr_spider" or image.slice_index == image.n_slices // 2)
    ]  # fmt: skip
    one, rows = sample(), []

    def add(name: str, side: int, model: LoadedModel) -> None:
        fitted = dataclasses.replace(
            model, model=dataclasses.replace(model.model, input_sides={"MR": side})
        )
        found = [row for image in images for row in compare_image(image, fitted, 0.5).instances]
        bodies = [row for row in found if row.kind == "vertebral_body"]
        given = prepared(one, fitted, "MR")
        rows.append({
            "runtime": name, "side": side, "images": len(images), "bodies": len(bodies),
            "milliseconds": round(1000 * median_seconds(lambda: fitted.detector.find_boxes(given)), 1),
            "mean dice": round(float(np.mean([row.dice for row in bodies])), 4),
            "detected percent": round(100 * float(np.mean([row.detected for row in bodies])), 2),
        })  # fmt: skip

    for side in SIDES:
        add("ONNX Runtime, 8 bit", side, loaded)
        add("ONNX Runtime, float32", side, whole)
    try:
        import openvino  # noqa: F401
    except ImportError:
        return pd.DataFrame(rows)
    for precision in ("f32", "bf16"):
        detector = Detector(whole.model.path)
        detector._search = _OpenVino(whole.model.path, precision)  # type: ignore[assignment]
        add(f"OpenVINO, {precision}", 512, LoadedModel(whole.model, detector))
    return pd.DataFrame(rows)


def settings(path: Path) -> pd.DataFrame:
    """Threads and graph optimisation of the first step."""
    given, rows = fit_slice(sample().pixels, (0.6, 0.6), 512, "MR").image, []
    levels = onnxruntime.GraphOptimizationLevel
    for threads, level in ((1, "ORT_ENABLE_ALL"), (2, "ORT_ENABLE_ALL"), (4, "ORT_ENABLE_ALL"),
                           (2, "ORT_ENABLE_EXTENDED"), (2, "ORT_ENABLE_BASIC"), (2, "ORT_DISABLE_ALL")):  # fmt: skip
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.graph_optimization_level = getattr(levels, level)
        start = time.perf_counter()
        session = onnxruntime.InferenceSession(str(path), options)
        opening = time.perf_counter() - start
        rows.append({"threads": threads, "optimisation": level, "seconds to open": round(opening, 3),
                     "milliseconds": round(1000 * median_seconds(lambda: session.run(None, {"image": given})), 1)})  # noqa: B023  # fmt: skip
    return pd.DataFrame(rows)


def search(length: int) -> dict[str, float]:
    """The search of a series of so many slices, alone in a process."""
    loaded, one = load_model("mr"), sample()
    slices = [dataclasses.replace(one, index=i) for i in range(length)]
    detect(slices[:3], loaded, 0.5, "MR")
    start = time.perf_counter()
    detect(slices, loaded, 0.5, "MR")
    took = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "slices": length,
        "milliseconds a slice": round(1000 * took / length, 1),
        "peak MB": round(peak),
    }


def scaling() -> pd.DataFrame:
    """Seconds a slice and peak memory of the search as series grow; each in a new process, which imports this script."""
    program = "import json, sys; sys.path.insert(0, sys.argv[1]); import performance; "
    program += "print(json.dumps(performance.search(int(sys.argv[2]))))"
    rows = []
    for length in LENGTHS:
        command = [sys.executable, "-c", program, str(Path(__file__).parent), str(length)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    return pd.DataFrame(rows)


def profile(path: Path, name: str) -> pd.DataFrame:
    """Milliseconds of each kind of operation in the first step (ONNX Runtime's own profiler)."""
    given = fit_slice(sample().pixels, (0.6, 0.6), 512, "MR").image
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        options.enable_profiling = True
        options.profile_file_prefix = f"{folder}/profile"
        session = onnxruntime.InferenceSession(str(path), options)
        for _ in range(10):
            session.run(None, {"image": given})
        events = json.loads(Path(session.end_profiling()).read_text())
    spent: collections.Counter[str] = collections.Counter()
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            spent[event["args"]["op_name"]] += event["dur"]
    rows = [(op, round(micro / 10_000, 2)) for op, micro in spent.most_common(8)]
    rows.append(("all others", round(sum(m for _, m in spent.most_common()[8:]) / 10_000, 2)))
    return pd.DataFrame(rows, columns=["operation", f"{name}, ms"])


def plot(table: pd.DataFrame, lengths: pd.DataFrame) -> None:
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4))
    for name, part in table.groupby("runtime"):
        part = part.sort_values("milliseconds")
        axes[0].plot(part["milliseconds"], part["mean dice"], "o-", label=name)
        for _, row in part.iterrows():
            axes[0].annotate(str(row["side"]), (row["milliseconds"], row["mean dice"]), fontsize=7,
                             xytext=(3, 3), textcoords="offset points")  # fmt: skip
    axes[0].set_xlabel("milliseconds a slice (boxes)")
    axes[0].set_ylabel("mean Dice of bodies, misses as 0")
    axes[0].legend(fontsize=8)
    axes[1].semilogx(lengths["slices"], lengths["milliseconds a slice"], "o-")
    axes[1].set_ylim(0)
    axes[1].set_xlabel("slices in the series")
    axes[1].set_ylabel("milliseconds a slice")
    figure.tight_layout()
    figure.savefig(OUT / "performance.png", dpi=110)


def main(data: Path) -> None:
    loaded = load_model("mr")
    weights = loaded.model.path.with_suffix(".safetensors")
    network = SpineRCNN(network_of_card(loaded.model.card)).eval()
    load_weights(network, weights)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float32.onnx"
        export_onnx(network, path)
        path.with_suffix(".json").write_text(json.dumps(loaded.model.card))
        whole = load_model(path)
        tables = {
            "reference": against_the_reference(loaded, network, whole),
            "settings": settings(loaded.model.path),
            "alternatives": alternatives(data, loaded, whole),
            "scaling": scaling(),
            "profile": profile(path, "float32").merge(profile(loaded.model.path, "8 bit"), how="outer", on="operation"),
        }  # fmt: skip
    plot(tables["alternatives"], tables["scaling"])
    about = {"date": time.strftime("%Y-%m-%d"), "cores": os.cpu_count(), "processor": platform.processor() or "x86-64",
             "onnxruntime": onnxruntime.__version__, "torch": torch.__version__}  # fmt: skip
    content = {"about": about} | {name: table.to_dict("records") for name, table in tables.items()}
    (OUT / "performance.json").write_text(json.dumps(content, indent=1) + "\n")
    (ROOT / "docs" / "performance.md").write_text(
        PAGE.format(**{k: markdown(v) for k, v in tables.items()}, **about)
    )


PAGE = """# Performance

Written by `python benchmarks/performance.py DATA` on {date}, {cores} cores, ONNX Runtime {onnxruntime}, torch {torch};
everything timed side by side in one process, medians after a warm-up. A whole series from files to outputs is timed by
`make bench` ([speed](results/speed.md)).

## One slice of 512 x 512 pixels
{reference}

The reference is the paper's architecture at torchvision's default size; its weights are random, and it always outlines
17 instances, as many as ours finds here.

## How it got there
- Two steps, two files: boxes on every slice, masks on the chosen one from the features that the first step computed
  (those of the four fullest slices are kept).
- The convolutions of the first step run in 8 bits, calibrated at export on slices of the training sets; the second stage
  that decodes boxes, and the masks, run in float32.
- A backbone made for CPUs (EfficientNet-Lite0), its batch norms folded.

## Runtime, precision, input size
Patients that `mr` was not trained on; Dice counts what was not found as 0.

{alternatives}

![Dice against time, and time against length](results/performance.png)

OpenVINO would add 180 MB to the install; the base install has ONNX Runtime alone.

## Threads and graph optimisation
{settings}

## Length of a series
The search alone, a process each (which holds torch, too, for this script imports it).

{scaling}

## Where the time of the first step goes
{profile}
"""

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
