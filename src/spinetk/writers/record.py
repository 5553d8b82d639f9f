"""run.json: how a result came about."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import nibabel
import numpy
import onnxruntime
import pydicom

import spinetk
from spinetk.anatomy import BODY_KIND, DISC_KIND
from spinetk.network.registry import Model
from spinetk.radiomics import BINS
from spinetk.study import Segmentation

LIBRARIES = (numpy, cv2, onnxruntime, pydicom, nibabel)


def run_record(result: Segmentation, model: Model, options: dict[str, Any]) -> dict[str, Any]:
    """Versions, model, options, timings, the selection's trace and warnings as plain JSON types.

    Holds no path, name or number of the patient.
    """
    return {
        "spinetk": spinetk.__version__,
        "python": platform.python_version(),
        "libraries": {library.__name__: library.__version__ for library in LIBRARIES},
        "model": {"name": model.name, "sha256": model.sha256, "date": model.card.get("date")},
        "options": options,
        "key": result.series.key,
        "modality": result.series.modality,
        "source": result.series.source,
        "input_sha256": result.series.input_sha256,
        "n_slices": len(result.series.slices),
        "selected_slice": result.slice_index,
        "instance_number": result.slice.number,
        "slices": [
            {
                "index": count.index,
                "instance_number": count.number,
                "bodies": count.bodies,
                "discs": count.discs,
                "area_px": round(count.area, 1),
            }
            for count in result.trace
        ],
        "bodies": sum(i.kind == BODY_KIND for i in result.instances),
        "discs": sum(i.kind == DISC_KIND for i in result.instances),
        "entropy_bins": f"{BINS} equal bins between the smallest and largest value of the mask",
        "seconds": {step: round(value, 4) for step, value in result.seconds.items()},
        "warnings": list(result.warnings),
        "correction": asdict(result.correction) if result.correction else None,
    }


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write the record as JSON."""
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
