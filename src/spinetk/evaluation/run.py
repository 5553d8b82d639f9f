"""Evaluate a network on data sets and write the figures."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from rich.progress import Progress

import spinetk
from spinetk.dataset import SPINE_CLASSES, AnnotatedImage, read_dataset
from spinetk.errors import SpineError, UsageError
from spinetk.evaluation.compare import (
    FalsePositive,
    InstanceResult,
    SliceResult,
    compare_image,
    compare_selection,
)
from spinetk.evaluation.summary import summarise
from spinetk.network.registry import Model
from spinetk.pipeline import load_model


def evaluate_run(data: Sequence[Path], out: Path, model: str, patients: str, *, quiet: bool) -> str:
    """Compare results with reference annotations and write what came out.

    `out` receives `figures.json`, `figures.md`, `instances.csv`, `false_positives.csv` and
    `slices.csv`.

    Args:
        patients: "held-out" takes those that the model's card names, "all" every patient, anything
            else is a text file with one patient id a line.

    Returns:
        The table of figures, Markdown.

    Raises:
        UsageError: the patients cannot be told.
        SpineError: no annotated image of these patients is in the data.
    """
    loaded = load_model(model)
    chosen = _patients(patients, loaded.model)
    images: list[AnnotatedImage] = []
    for folder in data:
        one = read_dataset(folder)
        if one.classes != SPINE_CLASSES:
            raise SpineError(f"{folder}: its categories are not {', '.join(SPINE_CLASSES)}")
        images += [i for i in one.images if chosen is None or i.patient in chosen]
    out.mkdir(parents=True, exist_ok=True)
    annotated = [image for image in images if image.instances]
    if not annotated:
        raise SpineError("no annotated image of the chosen patients is in these data sets")
    threshold = loaded.model.score_threshold
    instances: list[InstanceResult] = []
    false: list[FalsePositive] = []
    start = time.perf_counter()
    with Progress(disable=quiet, transient=True) as bar:
        task = bar.add_task("masks", total=len(annotated))
        for image in annotated:
            found, extra = compare_image(image, loaded, threshold)
            instances += found
            false += extra
            bar.advance(task)
        task = bar.add_task("slice selection", total=None)
        slices = compare_selection(images, loaded, threshold)
    summary: dict[str, Any] = {
        "command": f"spinetk evaluate {' '.join(f.name for f in map(Path, data))} "
        f"--model {loaded.model.name} --patients {Path(patients).name}",
        "model": loaded.model.name,
        "model_sha256": loaded.model.sha256,
        "spinetk": spinetk.__version__,
        "date": time.strftime("%Y-%m-%d"),
        "score_threshold": threshold,
        "patients": sorted({image.patient for image in annotated}),
        "seconds": round(time.perf_counter() - start, 1),
        **summarise(instances, false, slices),
    }
    (out / "figures.json").write_text(json.dumps(summary, indent=1) + "\n")
    _write(out / "instances.csv", InstanceResult, instances)
    _write(out / "false_positives.csv", FalsePositive, false)
    _write(out / "slices.csv", SliceResult, slices)
    table = figures_table(summary)
    (out / "figures.md").write_text(table)
    return table


def figures_table(summary: dict[str, Any]) -> str:
    """The figures as Markdown tables."""
    lines = [
        "| data set | structure | slices | patients | images | instances | detected at IoU 0.7 "
        "| Dice median (quartiles) | Dice median, misses as 0 | false positives | levels |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in summary["instances"]:
        false = "-" if row["false_positives"] is None else str(row["false_positives"])
        lines.append(
            f"| {row['dataset']} | {row['kind'].replace('_', ' ')} | {row['slices']} "
            f"| {row['patients']} | {row['images']} | {row['instances']} "
            f"| {100 * row['detection_rate']:.1f} % "
            f"| {median_and_quartiles(row)} "
            f"| {row['dice_median_all']:.3f} | {false} "
            f"| {row['levels_right']} right, {row['levels_given'] - row['levels_right']} wrong, "
            f"{row['levels_in_reference'] - row['levels_given']} not given |"
        )
    if summary["selection"]:
        lines += [
            "",
            "| data set | series | selection exact | within one slice | mean distance, largest "
            "| as many bodies as the reference slice | their area, median (least) "
            "| slices a series, of them as good as the reference |",
            "|---|---|---|---|---|---|---|---|",
        ]
    for row in summary["selection"]:
        lines.append(
            f"| {row['dataset']} | {row['series']} | {row['exact']}/{row['series']} "
            f"| {row['within_one']}/{row['series']} ({100 * row['within_one_rate']:.1f} %) "
            f"| {row['mean_distance']:.2f}, {row['largest_distance']} "
            f"| {row['same_bodies']}/{row['series']} "
            f"| {100 * row['area_share_median']:.1f} % ({100 * row['area_share_least']:.1f} %) "
            f"| {row['slices_median']:.0f}, {row['slices_as_good_median']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def median_and_quartiles(row: dict[str, Any]) -> str:
    """Dice of the detected instances as "median (first-third quartile)"."""
    if row["dice_median"] is None:
        return "-"
    return f"{row['dice_median']:.3f} ({row['dice_q1']:.3f}-{row['dice_q3']:.3f})"


def _patients(text: str, model: Model) -> frozenset[str] | None:
    if text == "all":
        return None
    if text == "held-out":
        held_out = model.card.get("held_out_patients")
        if not held_out:
            raise UsageError(f"the card of {model.name} names no held-out patients: --patients all")
        return frozenset(held_out)
    try:
        return frozenset(Path(text).read_text().split())
    except OSError as error:
        raise UsageError(f"--patients {text}: cannot be read ({error.strerror})") from error


def _write(path: Path, kind: type, rows: Sequence[Any]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=[f.name for f in fields(kind)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
