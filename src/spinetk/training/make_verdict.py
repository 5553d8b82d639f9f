"""Give a trained network its third step, and say on patients that it never saw what that is worth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spinetk.atomic import write_text
from spinetk.datasets.annotated import AnnotatedImage
from spinetk.evaluation.calibration import UNCALIBRATED, calibrate, judge
from spinetk.network.detector import Detector
from spinetk.network.loaded import load_model
from spinetk.network.registry import verdict_file
from spinetk.training.config import TrainingConfig
from spinetk.training.export import export_verdict
from spinetk.training.fit_verdict import fit_verdict
from spinetk.training.verdict_samples import collect


def make_verdict(
    path: Path,
    seen: Sequence[AnnotatedImage],
    unseen: Sequence[AnnotatedImage],
    config: TrainingConfig,
) -> dict[str, Any]:
    """Write `NAME.verdict.onnx` beside a network and its calibration into its card.

    Args:
        path: of the network's .onnx file, its card beside it.
        seen: images of the patients that the network was trained on: the heads learn from them.
        unseen: images of others; they say what the heads' numbers are worth.

    Returns:
        The card.
    """
    verdict_file(path).unlink(missing_ok=True)
    samples = collect(seen, Detector(path, threads=1), config)
    verdict = fit_verdict(samples, len(config.network.classes), seed=config.seed)
    card: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    card["sha256"] = export_verdict(verdict, path)
    card["calibration"] = UNCALIBRATED
    write_text(path.with_suffix(".json"), json.dumps(card, indent=2) + "\n")
    outlines, columns = judge([i for i in unseen if i.reference], load_model(path))
    exact = [o for o in outlines if o.dataset not in config.loose_outlines]
    card["calibration"] = calibrate(exact, columns)
    write_text(path.with_suffix(".json"), json.dumps(card, indent=2) + "\n")
    return card
