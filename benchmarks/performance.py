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
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import onnxruntime
import pandas as pd
import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet
from speed import median_seconds
from torchvision.models.detection import maskrcnn_resnet50_fpn

from spinetk.datasets.splits import patient_hash
from spinetk.evaluation.compare import compare_image
from spinetk.evaluation.evaluate import read_images
from spinetk.evaluation.tables import markdown
from spinetk.network.detector import FEATURES, FOUND, Detector
from spinetk.network.fitting import fit_slice
from spinetk.network.loaded import LoadedModel, load_model, prepared
from spinetk.orientation import upright
from spinetk.phantom import PhantomConfig, make_phantom
from spinetk.pipeline import outline
from spinetk.study import Slice
from spinetk.training.export import export_onnx
from spinetk.training.make_network import network_of_card
from spinetk.training.network import SpineRCNN
from spinetk.training.weights import load_weights

matplotlib.use("Agg")
from matplotlib import pyplot

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "results"
SETS = ("mr_spider", "mr_vb2", "mr_vb3")
SIDES = (320, 384, 448, 512, 576)
DETECTIONS = 17
"""As many as `mr` outlines on the phantom."""


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
    given = torch.from_numpy(prepared(upright(one), loaded, "MR").image)
    rows = []
    # nnU-Net's 2D plan for 512 x 512: eight stages, one patch, mirrored in both axes (its default)
    unet = PlainConvUNet(
        1, 8, [32, 64, 128, 256, 512, 512, 512, 512], torch.nn.Conv2d, 3, [1, *[2] * 7], 2, 3, 2,
        conv_bias=True, norm_op=torch.nn.InstanceNorm2d, norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=torch.nn.LeakyReLU, nonlin_kwargs={"inplace": True},
    ).eval()  # fmt: skip
    patch = torch.zeros(1, 1, 512, 512)
    with torch.no_grad():
        rows.append(("torchvision maskrcnn_resnet50_fpn, 800 px, random weights, torch",
                     median_seconds(lambda: reference([colour]), 3)))  # fmt: skip
        for name, mirrors in (("", 1), (", with its mirroring", 4)):
            took = median_seconds(lambda: [unet(patch) for _ in range(mirrors)], 3)  # noqa: B023
            rows.append(
                (f"nnU-Net's 2D network, one patch of 512{name}, random weights, torch", took)
            )
        rows.append(
            ("ours, torch eager (masks not pasted)", median_seconds(lambda: network(given)))
        )
    rows.append(
        (
            "ours, ONNX Runtime float32, boxes and masks",
            median_seconds(lambda: outline(upright(one), whole, 0.5, "MR")),
        )
    )
    rows.append(
        (
            "ours as shipped (8 bit), boxes and masks",
            median_seconds(lambda: outline(upright(one), loaded, 0.5, "MR")),
        )
    )
    rows.append(("ours as shipped, boxes alone",
                 median_seconds(lambda: loaded.detector.find_boxes(prepared(upright(one), loaded, "MR")))))  # fmt: skip
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
        given = prepared(upright(one), fitted, "MR")
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


def plot(table: pd.DataFrame) -> None:
    figure, axis = pyplot.subplots(figsize=(6, 4))
    for name, part in table.groupby("runtime"):
        part = part.sort_values("milliseconds")
        axis.plot(part["milliseconds"], part["mean dice"], "o-", label=name)
        for _, row in part.iterrows():
            axis.annotate(str(row["side"]), (row["milliseconds"], row["mean dice"]), fontsize=7,
                          xytext=(3, 3), textcoords="offset points")  # fmt: skip
    axis.set_xlabel("milliseconds a slice (boxes)")
    axis.set_ylabel("mean Dice of bodies, misses as 0")
    axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(OUT / "performance.png", dpi=110)


def installed_size(*names: str) -> str:
    """Disk that installed packages take."""
    try:
        files = [file for name in names for file in metadata.files(name) or ()]
    except metadata.PackageNotFoundError:
        return "a second runtime"
    paths = (Path(str(file.locate())) for file in files)
    return f"{sum(path.stat().st_size for path in paths if path.is_file()) / 1e6:.0f} MB"


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
            "profile": profile(path, "float32").merge(profile(loaded.model.path, "8 bit"), how="outer", on="operation"),
        }  # fmt: skip
    plot(tables["alternatives"])
    about = {"date": time.strftime("%Y-%m-%d"), "cores": os.cpu_count(), "processor": platform.processor() or "x86-64",
             "openvino": installed_size("openvino", "openvino-telemetry"), "onnxruntime": onnxruntime.__version__, "torch": torch.__version__}  # fmt: skip
    content = {"about": about} | {name: table.to_dict("records") for name, table in tables.items()}
    (OUT / "performance.json").write_text(json.dumps(content, indent=1) + "\n")
    (ROOT / "docs" / "performance.md").write_text(
        PAGE.format(**{k: markdown(v) for k, v in tables.items()}, **about)
    )


PAGE = """# Performance

Written by `python benchmarks/performance.py DATA` on {date}, {cores} cores, ONNX Runtime {onnxruntime}, torch {torch};
everything timed side by side in one process, medians after a warm-up.

## Whole tasks
<!-- quote: docs/results/speed.md -->
<!-- end quote -->

## One slice of 512 x 512 pixels
{reference}

The reference is the paper's architecture at torchvision's default size; its weights are random, and it always outlines
17 instances, as many as ours finds here.

## How it got there
- Two steps, two files: boxes on every slice, masks on the chosen one from the features that the first step computed
  (those of the four fullest slices are kept).
- The convolutions of both steps run in 8 bits with their activations, calibrated at export on slices of the training
  sets; the second stage, which decodes boxes, runs in float32.
- Of some 130,000 anchors only the best of each level are decoded, and the features of boxes are put in order as a whole:
  torchvision's export decodes every anchor and moves the features value by value.
- Slices are searched side by side, one thread a core, and several series in a process a core.
- A thin stack (the cuts of a CT) is searched every 6 mm, then fully between the neighbours of the best.
- A backbone made for CPUs (EfficientNet-Lite0), its batch norms folded.
- What is not needed is not installed (MetaImage is read without SimpleITK) or not loaded until it is.

## Runtime, precision, input size
Patients that `mr` was not trained on; Dice counts what was not found as 0.

{alternatives}

![Dice against time](results/performance.png)

OpenVINO would add {openvino} to the install; the base install has ONNX Runtime alone.

## Threads and graph optimisation
{settings}

## Length of a series
Cost of a slice and memory of the process, search alone (`make bench`):

![Milliseconds a slice and memory against the number of slices](results/scaling.png)

## Where the time of the first step goes
ONNX Runtime's own profile, one slice.

{profile}

## Where the time of the whole command goes
<!-- quote: docs/results/profile.md -->
<!-- end quote -->
"""

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
