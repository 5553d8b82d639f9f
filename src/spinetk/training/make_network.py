"""From data set folders to a network file with its card."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import spinetk
from spinetk.atomic import write_text
from spinetk.datasets.annotated import AnnotatedImage, AnnotatedSet, network_classes, read_datasets
from spinetk.datasets.packed import opened
from spinetk.datasets.splits import patient_hash, split_by_patient, validation_patients
from spinetk.errors import UsageError
from spinetk.evaluation.compare import as_slice
from spinetk.network.fitting import fit_slice
from spinetk.network.registry import MODELS, shipped_models, verdict_file
from spinetk.structures import BODY_KIND
from spinetk.training.config import (
    REPURPOSING,
    NetworkConfig,
    TrainingConfig,
    read_config,
    tuples,
)
from spinetk.training.device import ON_GPU, Choice, chosen_device
from spinetk.training.duration import steps_in
from spinetk.training.export import export_onnx
from spinetk.training.loop import seconds_trained, train
from spinetk.training.make_verdict import make_verdict
from spinetk.training.weights import save_weights

FloatImage = NDArray[np.float32]
CALIBRATION_IMAGES = 48
PASSED_ON = ("sha256", "date", "data", "training", "started_from")
"""What a card keeps of the network that training started from: its own start among it, so that a
network's whole data are named."""


def train_run(
    data: Sequence[Path],
    out: Path,
    config_path: Path | None,
    hold_out: float | frozenset[str],
    *,
    init: str | None = None,
    minutes: float | None = None,
    device: Choice = "auto",
    quiet: bool,
) -> Path:
    """Train on data sets, holding some patients out, and export the network.

    `out` receives the checkpoint, `model.onnx`, `model.safetensors` and the card `model.json`.

    Args:
        hold_out: share of each set's patients, or the patients themselves.
        init: a shipped network's name or a .safetensors file with its card; ImageNet otherwise.
        minutes: that training may take; the configuration's iterations otherwise.

    Returns:
        Path of the ONNX file.

    Raises:
        UsageError: a configuration field is not known, or the sets do not fit together.
    """
    sets = read_datasets(opened(data))
    images = [image for entry in sets for image in entry.images]
    if isinstance(hold_out, float | int):
        share = hold_out
        hold_out = validation_patients(images, share) if share > 0 else frozenset()
        if share > 0 and not hold_out:
            raise UsageError("no patient can be held out of these sets: hold out 0 to train on all")
    training, _ = split_by_patient(images, hold_out)
    start_weights, start_card = _start_from(init) if init else (None, None)
    known = tuple(start_card["classes"]) if start_card else ()
    where = chosen_device(device)
    usual = (REPURPOSING if init else {}) | (ON_GPU if where.type == "cuda" else {})
    config = read_config(config_path, network_classes(sets, known), usual)
    strangers = sorted(set(config.set_weights) - {entry.name for entry in sets})
    if strangers:
        raise UsageError(
            f"set_weights names no set here: {strangers[0]}", config_path or "the configuration"
        )
    if init:  # who was trained on once is never held out again
        hold_out = hold_out - seen_patients(init, images)
    start = (start_weights, known) if start_weights else None
    if minutes is not None:
        steps = steps_in(minutes, training, out, config, where)
        config = dataclasses.replace(config, iterations=steps)
    network = train(training, out, config, init=start, device=where, quiet=quiet)
    path = out / "model.onnx"
    weights = save_weights(network, out / "model.safetensors")
    verdict_file(path).unlink(missing_ok=True)  # an earlier network's
    sha256 = export_onnx(network, path, calibration_images(sets, config.fitted_side))
    card = model_card(sets, config, sorted(hold_out), sha256, weights)
    trained = {patient_hash(i.patient) for i in images} - {patient_hash(p) for p in hold_out}
    if start_card:
        trained |= set(start_card["trained_patients_sha256"])
        card["started_from"] = {key: start_card[key] for key in PASSED_ON if key in start_card}
    card["trained_patients_sha256"] = sorted(trained)
    card["training_minutes"] = round(seconds_trained(out) / 60, 1)
    write_text(path.with_suffix(".json"), json.dumps(card, indent=2) + "\n")
    _, unseen = split_by_patient(images, hold_out)
    of_spines = BODY_KIND in config.network.classes
    if of_spines and config.verdict_views and any(image.reference for image in unseen):
        make_verdict(path, training, unseen, config)
    return path


def network_of_card(card: dict[str, Any]) -> NetworkConfig:
    """The shape of the network that a card describes."""
    return NetworkConfig(**tuples(card["training"]["network"]))


def calibration_images(sets: Sequence[AnnotatedSet], sides: dict[str, int]) -> list[FloatImage]:
    """Images of each set, as the network sees them, to calibrate its 8-bit step with: an equal
    number from every modality, spread evenly over its sets."""
    out = []
    for modality in _modalities(sets):
        images = [i for entry in sets for i in entry.images if i.modality == modality]
        places = np.linspace(0, len(images) - 1, CALIBRATION_IMAGES).astype(int)
        for place in np.unique(places):
            entry = as_slice(images[place])
            given = fit_slice(entry.pixels, entry.spacing, sides[modality], images[place].modality)
            out.append(given.image)
    return out


def seen_patients(init: str, images: Sequence[AnnotatedImage]) -> frozenset[str]:
    """Patients among the images that the network to start from, or one that it was started from
    itself, was trained on."""
    _, card = _start_from(init)
    seen = set(card["trained_patients_sha256"])
    return frozenset(image.patient for image in images if patient_hash(image.patient) in seen)


def start_of(init: str) -> str:
    """SHA-256 of the weights that `--init` means."""
    return hashlib.sha256(_start_from(init)[0].read_bytes()).hexdigest()


def _start_from(init: str) -> tuple[Path, dict[str, Any]]:
    """Weights and card of a shipped network ("mr") or of a safetensors file with its card."""
    path = MODELS / f"{init}.safetensors" if init in shipped_models() else Path(init)
    card_path = path.with_suffix(".json")
    if path.suffix != ".safetensors" or not path.is_file() or not card_path.is_file():
        raise UsageError(
            f"not a shipped network ({', '.join(shipped_models())}) and not a "
            ".safetensors file with its card beside it",
            init,
        )
    return path, json.loads(card_path.read_text())


def model_card(
    sets: Sequence[AnnotatedSet],
    config: TrainingConfig,
    held_out: Sequence[str],
    sha256: str,
    weights_sha256: str,
) -> dict[str, Any]:
    """What a user must know of a network, as plain JSON types."""
    return {
        "format": 3,
        "date": time.strftime("%Y-%m-%d"),
        "spinetk": spinetk.__version__,
        "classes": list(config.network.classes),
        "input_sides": {m: config.fitted_side[m] for m in _modalities(sets)},
        "score_threshold": config.score_threshold,
        "sha256": sha256,
        "weights_sha256": weights_sha256,
        "data": [
            {
                "name": entry.name,
                "source": entry.info.get("source"),
                "licence": entry.info.get("licence"),
                "citation": entry.info.get("citation"),
                "patients": len({i.patient for i in entry.images}),
                "images": len(entry.images),
                "patients_trained_on": len({i.patient for i in entry.images} - set(held_out)),
            }
            for entry in sets
        ],
        "held_out_patients_sha256": sorted(patient_hash(p) for p in held_out),
        "training": config.as_dict(),
        "intended_use": "research; not a medical device",
    }


def _modalities(sets: Sequence[AnnotatedSet]) -> list[str]:
    return sorted({image.modality for entry in sets for image in entry.images})
