"""Evaluate a network on data sets and write the figures."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.progress import Progress

import spinetk
from spinetk.datasets.annotated import AnnotatedImage, network_classes, read_datasets
from spinetk.datasets.packed import opened
from spinetk.datasets.splits import patient_hash
from spinetk.errors import SpineError, UsageError
from spinetk.evaluation.calibration import calibrated_apart
from spinetk.evaluation.compare import compare_image
from spinetk.evaluation.output import write_evaluation
from spinetk.evaluation.repeatability import repeats
from spinetk.evaluation.row_tables import Frames, frames_of
from spinetk.evaluation.rows import Comparison
from spinetk.evaluation.slice_choice import compare_selection
from spinetk.evaluation.tables import all_tables, brief, markdown
from spinetk.evaluation.timing import time_images
from spinetk.network.loaded import LoadedModel, load_model
from spinetk.network.registry import Model

HEAD = ("data_sets", "quality", "selection")
"""The tables that one looks at first."""


def evaluate_run(data: Sequence[Path], out: Path, model: str, patients: str, *, quiet: bool) -> str:
    """Compare results with reference annotations and write what came out.

    `out` receives `figures.json` and `figures.md` (the tables), `rows/` (what every figure is made
    of), `tables/`, `figures/` and `report.html`.

    Args:
        patients: "unseen" takes those that the network was not trained on, by its card, "all" every
            patient, anything else is a text file with one patient id a line.

    Returns:
        The tables of data sets and slice selection, Markdown, and a caution where the network was
        trained on some of the patients.

    Raises:
        UsageError: the patients cannot be told.
        SpineError: no annotated image of these patients is in the data.
    """
    loaded = load_model(model)
    data = opened(data)
    images = _chosen(read_images(data), patients, loaded.model)
    start = time.perf_counter()
    frames = evaluate_images(images, loaded, quiet=quiet)
    tested = {image.patient for image in images if image.reference}
    trained = loaded.model.card.get("trained_patients_sha256")
    seen = None if trained is None else sum(patient_hash(p) in set(trained) for p in tested)
    about = {
        "command": f"spinetk evaluate {' '.join(f.name for f in map(Path, data))} "
        f"--model {loaded.model.name} --patients {Path(patients).name}",
        "model": loaded.model.name,
        "model_sha256": loaded.model.sha256,
        "spinetk": spinetk.__version__,
        "date": time.strftime("%Y-%m-%d"),
        "score_threshold": loaded.model.score_threshold,
        "patients": sorted(tested),
        "patients_it_was_trained_on": seen,
        "seconds": round(time.perf_counter() - start, 1),
    }
    title = f"Evaluation of {loaded.model.name}"
    head = write_run(out, frames, about, title, images, lambda _: loaded)
    if seen:
        head += f"\nCaution: the network was trained on {seen} of these {len(tested)} patients.\n"
    elif seen is None:
        head += "\nCaution: the network's card does not say which patients it was trained on.\n"
    return head


def read_images(data: Sequence[Path]) -> list[AnnotatedImage]:
    """Images of data sets with the same categories.

    Raises:
        SpineError: the sets have different categories, or two have the same name.
    """
    sets = read_datasets(data)
    network_classes(sets)
    return [image for item in sets for image in item.images]


def evaluate_images(
    images: Sequence[AnnotatedImage], loaded: LoadedModel, *, quiet: bool
) -> Frames:
    """Hold a network against annotated images, at the score threshold of its card.

    Raises:
        SpineError: none of the images is annotated, or the network does not know their classes.
    """
    annotated = [image for image in images if image.reference]
    empty = [i for i in images if i.complete and not i.instances and not i.pseudo]
    unknown = {name for i in annotated for name in i.classes} - set(loaded.model.classes)
    if unknown:
        raise SpineError(
            f"{loaded.model.name} does not know the classes {', '.join(sorted(unknown))}"
        )
    if not annotated:
        raise SpineError("no annotated image of the chosen patients is in these data sets")
    threshold = loaded.model.score_threshold
    compared = []
    with Progress(disable=quiet, transient=True) as bar:
        bar.add_task("calibration", total=None)
        model_of = calibrated_apart(annotated, loaded)
        for image in bar.track([*annotated, *empty], description="masks"):
            compared.append(compare_image(image, model_of(image), threshold))
        bar.add_task("slice selection", total=None)
        real = [image for image in images if not image.pseudo]
        slices = compare_selection(real, loaded, threshold)
        bar.add_task("repeatability", total=None)
        repeated = repeats(real, loaded)
    whole = Comparison(
        tuple(row for item in compared for row in item.instances),
        tuple(row for item in compared for row in item.false_positives),
        tuple(row for item in compared for row in item.proposals),
        tuple(row for item in compared for row in item.angles),
    )
    times = time_images(annotated, loaded)
    return frames_of(
        whole.instances,
        whole.false_positives,
        whole.proposals,
        slices,
        times,
        whole.angles,
        repeated,
    )


def write_run(
    out: Path,
    frames: Frames,
    about: dict[str, Any],
    title: str,
    images: Sequence[AnnotatedImage],
    model_of: Callable[[AnnotatedImage], LoadedModel],
    more: dict[str, pd.DataFrame] | None = None,
) -> str:
    """Write one evaluation's folder; returns its two head tables as Markdown.

    Args:
        model_of: the network that an image was evaluated with.
        more: tables beside those made from the frames.
    """
    tables = all_tables(frames) | (more or {})
    frames.save(out / "rows")
    head = "\n".join(markdown(brief(tables[n])) for n in HEAD if n in tables)
    (out / "figures.md").write_text(head)
    records = {name: json.loads(table.to_json(orient="records")) for name, table in tables.items()}
    (out / "figures.json").write_text(json.dumps(about | {"tables": records}, indent=1) + "\n")
    write_evaluation(out, frames, tables, about, title, model_of, images)
    return head


def _chosen(images: Sequence[AnnotatedImage], text: str, model: Model) -> list[AnnotatedImage]:
    """The images of the patients that `--patients` means."""
    if text == "all":
        return list(images)
    if text == "unseen":
        trained = set(model.card.get("trained_patients_sha256", ()))
        unseen = [image for image in images if patient_hash(image.patient) not in trained]
        if not unseen:
            raise UsageError(f"{model.name} was trained on all of these patients: ask for all")
        return unseen
    try:
        lines = {line.strip() for line in Path(text).read_text().splitlines()}
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", f"patients {text}") from error
    return [image for image in images if image.patient in lines]
