"""Cross-validation by patient: train and evaluate each fold, put the folds together, write."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import Console

import spinetk
from spinetk.atomic import write_text
from spinetk.datasets.annotated import ANNOTATIONS, AnnotatedImage
from spinetk.datasets.packed import opened
from spinetk.datasets.splits import patient_folds
from spinetk.errors import UsageError
from spinetk.evaluation.evaluate import evaluate_images, read_images, write_run
from spinetk.evaluation.participants import participant_tests, read_participants
from spinetk.evaluation.precision import picked_threshold
from spinetk.evaluation.row_tables import load_frames, put_together
from spinetk.network.loaded import LoadedModel, load_model
from spinetk.training.make_network import seen_patients, start_of, train_run


def crossval_run(
    data: Sequence[Path],
    out: Path,
    config_path: Path | None,
    k: int,
    *,
    init: str | None = None,
    quiet: bool,
) -> str:
    """Run a k-fold cross-validation; an interrupted one goes on, finished folds are kept.

    `out` receives `folds.json` (the patients, fixed before anything else), `fold-1/` ... with a
    network each, and what `spinetk evaluate` writes, over all folds.

    Returns:
        The tables of data sets and slice selection, Markdown, and the score threshold picked.

    Raises:
        UsageError: `out` holds another cross-validation, there are fewer patients than folds, or
            the network to start from was trained on some of the patients.
    """
    data = opened(data)
    images = read_images(data)
    folds = patient_folds(images, k)
    if not all(folds):
        raise UsageError(f"{k} folds need at least {k} annotated patients")
    fold_of = {patient: n for n, fold in enumerate(folds, start=1) for patient in fold}
    if init and (known := seen_patients(init, images) & fold_of.keys()):
        raise UsageError(
            f"this network was trained on {len(known)} of these patients, so no "
            "fold of them would be unseen",
            init,
        )
    participants = read_participants([Path(folder) for folder in data])
    more = {} if participants is None else {"participants": participant_tests(participants, folds)}
    _fix(_plan(data, folds, config_path, init), out)
    say = Console(stderr=True, quiet=quiet, highlight=False).print
    minutes = []
    for number, fold in enumerate(folds, start=1):
        folder = out / f"fold-{number}"
        if not (folder / "rows").is_dir():
            say(f"fold {number} of {k}: {len(fold)} patients to test on")
            path = train_run(data, folder, config_path, fold, init=init, quiet=quiet)
            test = [image for image in images if image.patient in fold]
            evaluate_images(test, load_model(path), quiet=quiet).save(folder / "rows")
        card = json.loads((folder / "model.json").read_text())
        minutes.append(card["training_minutes"])
        say(f"fold {number} of {k}: done")
    frames = put_together([load_frames(out / f"fold-{n}" / "rows") for n in range(1, k + 1)])
    picked = picked_threshold(frames)
    about = {
        "command": f"spinetk crossval {' '.join(Path(f).name for f in data)}"
        + (f" --init {init}" if init else "")
        + (f" --config {config_path.name}" if config_path else ""),
        "folds": k,
        "patients": len(fold_of),
        "training_minutes_of_each_fold": minutes,
        "picked_score_threshold": picked,
        "spinetk": spinetk.__version__,
        "date": time.strftime("%Y-%m-%d"),
    }

    @cache
    def network(number: int) -> LoadedModel:
        return load_model(out / f"fold-{number}" / "model.onnx")

    def model_of(image: AnnotatedImage) -> LoadedModel:
        return network(fold_of[image.patient])

    title = f"{k}-fold cross-validation"
    head = write_run(out, frames, about, title, images, model_of, more)
    return f"{head}\nprecision and recall pick score_threshold = {picked}\n"


def _plan(
    data: Sequence[Path],
    folds: Sequence[frozenset[str]],
    config_path: Path | None,
    init: str | None,
) -> dict[str, Any]:
    """Everything that the folds depend on."""
    return {
        "folds": {str(number): sorted(fold) for number, fold in enumerate(folds, start=1)},
        "config": config_path.read_text() if config_path else None,
        "init": start_of(init) if init else None,
        "annotations_sha256": {
            folder.name: hashlib.sha256((folder / ANNOTATIONS).read_bytes()).hexdigest()
            for folder in map(Path, data)
        },
    }


def _fix(plan: dict[str, Any], out: Path) -> None:
    """Write the plan down before the first fold is trained, or check that it is the same."""
    path = out / "folds.json"
    if path.is_file():
        if json.loads(path.read_text()) != plan:
            raise UsageError(
                "holds a cross-validation with other folds, annotations, configuration or "
                "start; choose another folder",
                out,
            )
        return
    out.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(plan, indent=1) + "\n")
