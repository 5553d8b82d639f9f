"""Damaged networks and cards; every other one with a card that vouches for the damaged files."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from attacks.injuries import damaged, damaged_json
from spinetk.network.loaded import load_model
from spinetk.network.registry import MODELS, file_hash


def seeds(folder: Path) -> None:
    """A shipped network."""
    for path in MODELS.glob("ct.*"):
        shutil.copy(path, folder)


def attempt(folder: Path, number: int, injure: bool = True) -> str:
    """Load a network one file of which is damaged."""
    rng = np.random.default_rng(number)
    with tempfile.TemporaryDirectory() as name:
        files = [Path(shutil.copy(path, name)) for path in sorted(folder.iterdir())]
        card = next(path for path in files if path.suffix == ".json")
        if injure and rng.random() < 0.6:
            card.write_text(damaged_json(card.read_text(), rng))
        elif injure:
            path = files[int(rng.integers(len(files)))]
            path.write_bytes(damaged(path.read_bytes(), rng))
            if rng.random() < 0.7 and path != card:
                content = json.loads(card.read_text())
                content["sha256"] = file_hash(Path(name) / "ct.onnx")
                card.write_text(json.dumps(content))
        load_model(Path(name) / "ct.onnx", 1)
    return "taken"
