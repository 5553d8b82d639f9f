"""Find a network by name or path and read its card."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from spinetk.errors import UsageError
from spinetk.study import Modality

MODELS = Path(str(resources.files("spinetk.network") / "models"))
FOR_MODALITY: dict[Modality, str] = {"MR": "mr", "CT": "ct", "XR": "xr"}


@dataclass(frozen=True)
class Model:
    """A network's files and what its card says.

    Attributes:
        name: name in the registry, or the file's stem.
        path: the ONNX file of the first step; `mask_file` is the second's.
        sha256: of both files (boxes, then masks) one after the other.
        classes: class names, label 1 first.
        input_sides: longer side in pixels that a slice is scaled to, by modality.
        score_threshold: detections below it are left out unless the user says otherwise.
        card: the whole card.
    """

    name: str
    path: Path
    sha256: str
    classes: tuple[str, ...]
    input_sides: dict[str, int]
    score_threshold: float
    card: dict[str, Any]

    def input_side(self, modality: Modality | None) -> int:
        """Longer side in pixels that a slice of this modality is scaled to; a modality that the
        card does not name is scaled as the first that it names."""
        return self.input_sides.get(modality or "", next(iter(self.input_sides.values())))


def shipped_models() -> tuple[str, ...]:
    """Names of the networks in the package."""
    return tuple(sorted(path.stem for path in MODELS.glob("*.json")))


def mask_file(path: Path) -> Path:
    """The file that outlines what `path` finds: `NAME.masks.onnx` beside `NAME.onnx`."""
    return path.with_suffix(".masks.onnx")


def file_hash(path: Path) -> str:
    """SHA-256 of a network's two files, one after the other."""
    return hashlib.sha256(path.read_bytes() + mask_file(path).read_bytes()).hexdigest()


def find_model(name: str | Path) -> Model:
    """A shipped network by name, or an ONNX file with its card (`NAME.json`) beside it.

    Raises:
        UsageError: no such network, or its card is missing or incomplete.
    """
    path = Path(name)
    if str(name) in shipped_models():
        path = MODELS / f"{name}.onnx"
    elif path.suffix != ".onnx":
        raise UsageError(
            f"model {name}: not one of the shipped networks ({', '.join(shipped_models())}) "
            "and not an .onnx file"
        )
    if not path.is_file():
        raise UsageError(f"model {path}: no such file")
    if not mask_file(path).is_file():
        raise UsageError(f"model {path}: {mask_file(path).name} is missing beside it")
    card_path = path.with_suffix(".json")
    if not card_path.is_file():
        raise UsageError(f"model {path}: its card {card_path.name} is missing beside it")
    try:
        card = json.loads(card_path.read_text())
        return Model(
            name=path.stem,
            path=path,
            sha256=file_hash(path),
            classes=tuple(card["classes"]),
            input_sides={str(k): int(v) for k, v in card["input_sides"].items()},
            score_threshold=float(card["score_threshold"]),
            card=card,
        )
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"model card {card_path}: not complete ({error})") from error
