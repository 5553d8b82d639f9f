"""Give a trained network its third step, and measure on unseen patients what that is worth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spinetk.atomic import write_text
from spinetk.datasets.annotated import AnnotatedImage
from spinetk.evaluation.calibration import UNCALIBRATED, calibrate
from spinetk.evaluation.judging import Column, Outline, judge
from spinetk.network.detector import Detector
from spinetk.network.loaded import load_model
from spinetk.training.config import TrainingConfig
from spinetk.training.export import export_verdict
from spinetk.training.fit_verdict import fit_verdict
from spinetk.training.verdict_samples import VerdictSamples, collect


def make_verdict(
    path: Path,
    seen: Sequence[AnnotatedImage],
    unseen: Sequence[AnnotatedImage],
    config: TrainingConfig,
) -> None:
    """Write `NAME.verdict.onnx` beside a network, and its calibration into the card; a network that
    finds nothing yet goes without.

    Args:
        path: of the network's .onnx file, its card beside it.
        seen: images of the patients that the network was trained on: the heads learn from them.
        unseen: images of others; they say what the heads' numbers are worth.
    """
    samples = collect(seen, Detector(path, threads=1), config)
    if samples is not None:
        write_verdict(path, samples, config)
        calibrate_card(path, *judged(path, unseen, config), config)


def write_verdict(path: Path, samples: VerdictSamples, config: TrainingConfig) -> None:
    """Train the heads and write them beside the network, not yet calibrated."""
    verdict = fit_verdict(samples, len(config.network.classes), seed=config.seed)
    _change_card(path, sha256=export_verdict(verdict, path), calibration=UNCALIBRATED)


def judged(
    path: Path, images: Sequence[AnnotatedImage], config: TrainingConfig
) -> tuple[list[Outline], list[Column]]:
    """What a network with a third step finds in annotated images, and what it is in truth."""
    outlines, columns = judge([image for image in images if image.reference], load_model(path))
    return [o for o in outlines if o.dataset not in config.loose_outlines], columns


def calibrate_card(
    path: Path, outlines: Sequence[Outline], columns: Sequence[Column], config: TrainingConfig
) -> None:
    """Write into the card what the third step's numbers are worth."""
    left_out = {"loose_outlines": list(config.loose_outlines)}
    _change_card(path, calibration=calibrate(outlines, columns) | left_out)


def _change_card(path: Path, **entries: Any) -> None:
    card = json.loads(path.with_suffix(".json").read_text())
    write_text(path.with_suffix(".json"), json.dumps(card | entries, indent=1) + "\n")
