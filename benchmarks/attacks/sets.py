"""Damaged data sets: read, drawn from as training does, exported."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from attacks.injuries import damaged, damaged_json
from spinetk.datasets.annotated import network_classes, read_datasets
from spinetk.datasets.exports.nnunet import export_nnunet
from spinetk.datasets.splits import patient_folds
from tests.make_dataset import make_dataset

EXPORTED = 4
"""One in so many is exported for nnU-Net."""


def seeds(folder: Path) -> None:
    """A data set of three patients."""
    make_dataset(folder / "set", patients=3, slices=2)


@cache
def _small() -> object:
    from spinetk.training.config import TrainingConfig

    return TrainingConfig(batch_size=2, input_size=64)


def attempt(folder: Path, number: int, injure: bool = True) -> str:
    """Read a data set one file of which is damaged, and use it as training does."""
    from spinetk.training.samples import SampleSource

    rng = np.random.default_rng(number)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "set"
        shutil.copytree(folder / "set", path)
        notes = path / "annotations.json"
        kind = rng.random()
        if injure and kind < 0.8:
            notes.write_text(damaged_json(notes.read_text(), rng))
        elif injure:
            files = sorted(p for p in path.rglob("*") if p.is_file())
            one = files[int(rng.integers(len(files)))]
            one.write_bytes(damaged(one.read_bytes(), rng))
        sets = read_datasets([path])
        images = [image for one in sets for image in one.images]
        network_classes(sets)
        patient_folds(images, 2)
        SampleSource(images, _small()).batch(number)  # type: ignore[arg-type]
        if number % EXPORTED == 0:
            export_nnunet(sets[0], Path(name) / "nnunet")
    return "taken"
