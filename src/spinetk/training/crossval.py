"""Cross-validation by patient: train and evaluate each fold, put the folds together, write."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from rich.console import Console

import spinetk
from spinetk.dataset import AnnotatedImage
from spinetk.errors import UsageError
from spinetk.evaluation.frames import load_frames, put_together
from spinetk.evaluation.participants import participant_tests, read_participants
from spinetk.evaluation.run import evaluate_images, read_images, write_run
from spinetk.pipeline import LoadedModel, load_model
from spinetk.training.folds import patient_folds
from spinetk.training.run import seen_patients, train_run


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
        The tables of data sets and slice selection, Markdown.

    Raises:
        UsageError: `out` holds other folds, there are fewer patients than folds, or the network to
            start from was trained on some of the patients.
    """
    images = read_images(data)
    folds = patient_folds(images, k)
    if not all(folds):
        raise UsageError(f"{k} folds need at least {k} annotated patients")
    if init and (known := seen_patients(init, images) & frozenset[str]().union(*folds)):
        raise UsageError(
            f"--init {init}: this network was trained on {len(known)} of these patients, so no "
            "fold of them would be unseen"
        )
    _fix(folds, out)
    say = Console(stderr=True, quiet=quiet, highlight=False).print
    minutes = []
    for number, fold in enumerate(folds, start=1):
        folder = out / f"fold-{number}"
        if not (folder / "rows" / "instances.csv.gz").is_file():
            say(f"fold {number} of {k}: {len(fold)} patients to test on")
            path = train_run(data, folder, config_path, fold, init=init, quiet=quiet)
            test = [image for image in images if image.patient in fold]
            evaluate_images(test, load_model(path), quiet=quiet).save(folder / "rows")
        card = json.loads((folder / "model.json").read_text())
        minutes.append(card["training_minutes"])
        say(f"fold {number} of {k}: done")
    frames = put_together([load_frames(out / f"fold-{n}" / "rows") for n in range(1, k + 1)])
    about = {
        "command": f"spinetk crossval {' '.join(Path(f).name for f in data)}"
        + (f" --init {init}" if init else "")
        + (f" --config {config_path.name}" if config_path else ""),
        "folds": k,
        "patients": len(frozenset[str]().union(*folds)),
        "training_minutes_of_each_fold": minutes,
        "spinetk": spinetk.__version__,
        "date": time.strftime("%Y-%m-%d"),
    }
    fold_of = {patient: n for n, fold in enumerate(folds, start=1) for patient in fold}

    @cache
    def network(number: int) -> LoadedModel:
        return load_model(out / f"fold-{number}" / "model.onnx")

    def model_of(image: AnnotatedImage) -> LoadedModel:
        return network(fold_of[image.patient])

    participants = read_participants([Path(folder) for folder in data])
    more = {} if participants is None else {"participants": participant_tests(participants, folds)}
    return write_run(out, frames, about, f"{k}-fold cross-validation", images, model_of, more)


def _fix(folds: Sequence[frozenset[str]], out: Path) -> None:
    """Write the folds down before the first one is trained, or check that they are the same."""
    path = out / "folds.json"
    content = {str(number): sorted(fold) for number, fold in enumerate(folds, start=1)}
    if path.is_file():
        if json.loads(path.read_text()) != content:
            raise UsageError(f"{out}: holds a cross-validation with other folds; choose another")
        return
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
