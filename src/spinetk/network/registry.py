"""Find a network by name or path and read its card."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from spinetk.errors import UsageError
from spinetk.naming import NamingRule
from spinetk.study import Modality

MODELS = Path(str(resources.files("spinetk.network") / "models"))
FOR_MODALITY: dict[Modality, str] = {"MR": "mr", "CT": "ct", "XR": "xr"}


@dataclass(frozen=True)
class Calibration:
    """What the numbers of a network's third step mean, measured on patients that it never saw.

    Attributes:
        quality_margin: to be taken from the lower quantile of the quality, so that nine outlines in
            ten are at least as good.
        quality_bound: outlines of less quality are flagged.
        naming: how a column's levels are told.
    """

    quality_margin: float
    quality_bound: float
    naming: NamingRule

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> Calibration:
        """The card's table `calibration`."""
        return cls(
            float(card["quality_margin"]),
            float(card["quality_bound"]),
            NamingRule(float(card["level_weight"]), float(card["level_bound"])),
        )


@dataclass(frozen=True)
class Model:
    """A network's files and what its card says.

    Attributes:
        name: name in the registry, or the file's stem.
        path: the ONNX file of the first step; `mask_file` is the second's, `verdict_file` the
            third's.
        sha256: of its files, one after the other.
        classes: class names, label 1 first.
        input_sides: longer side in pixels that a slice is scaled to, by modality.
        score_threshold: detections below it are left out unless the user says otherwise.
        calibration: of the third step; None where the network has none.
        card: the whole card.
    """

    name: str
    path: Path
    sha256: str
    classes: tuple[str, ...]
    input_sides: dict[str, int]
    score_threshold: float
    calibration: Calibration | None
    card: dict[str, Any]

    @property
    def naming(self) -> NamingRule | None:
        """How a column's levels are told by the looks of its bodies; None where they are not, since
        no confidence was found from which on they are right."""
        rule = self.calibration.naming if self.calibration else None
        return rule if rule and rule.bound <= 1 else None

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


def verdict_file(path: Path) -> Path:
    """The file that judges what the two others found, `NAME.verdict.onnx`; not every network has
    one."""
    return path.with_suffix(".verdict.onnx")


def file_hash(path: Path) -> str:
    """SHA-256 of a network's files, one after the other: boxes, masks, verdict."""
    files = (path, mask_file(path), verdict_file(path))
    return hashlib.sha256(b"".join(f.read_bytes() for f in files if f.is_file())).hexdigest()


def find_model(name: str | Path) -> Model:
    """A shipped network by name, or an ONNX file with its card (`NAME.json`) beside it.

    Raises:
        UsageError: no such network, its card is missing or incomplete, or its files are others.
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
        judged = verdict_file(path).is_file()
        sha256 = file_hash(path)
        if card["sha256"] != sha256:
            text = "its files are not those that its card names: damaged, or of another network"
            raise UsageError(f"model {path}: {text}")
        return Model(
            name=path.stem,
            path=path,
            sha256=sha256,
            classes=tuple(card["classes"]),
            input_sides={str(k): int(v) for k, v in card["input_sides"].items()},
            score_threshold=float(card["score_threshold"]),
            calibration=Calibration.from_card(card["calibration"]) if judged else None,
            card=card,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"model card {card_path}: not complete ({error})") from error
