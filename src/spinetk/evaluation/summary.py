"""Turn per-instance results into the figures that are reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spinetk.evaluation.compare import FalsePositive, InstanceResult, SliceResult


def summarise(
    instances: Sequence[InstanceResult],
    false_positives: Sequence[FalsePositive],
    slices: Sequence[SliceResult],
) -> dict[str, Any]:
    """Figures for each data set and class, over all its images and over the middle slices only.

    `dice_median` and the quartiles are over the detected instances, as the paper has it;
    `dice_median_all` counts an instance that was not matched with 0.
    """
    summary: dict[str, Any] = {"instances": [], "selection": []}
    for dataset in sorted({r.dataset for r in instances}):
        for kind in dict.fromkeys(r.kind for r in instances if r.dataset == dataset):
            of_kind = [r for r in instances if r.dataset == dataset and r.kind == kind]
            false = [f for f in false_positives if f.dataset == dataset and f.kind == kind]
            for scope in ("all", "middle"):
                rows = of_kind if scope == "all" else [r for r in of_kind if r.middle]
                if rows:
                    shown = len(false) if scope == "all" else None
                    summary["instances"].append(_figures(dataset, kind, scope, rows, shown))
        series = [s for s in slices if s.dataset == dataset]
        if series:
            summary["selection"].append(_selection(dataset, series))
    return summary


def _figures(
    dataset: str, kind: str, scope: str, rows: Sequence[InstanceResult], false: int | None
) -> dict[str, Any]:
    detected = [r.dice for r in rows if r.detected]
    quartiles = np.percentile(detected, (25, 50, 75)).tolist() if detected else [None] * 3
    named = [r for r in rows if r.level and r.named]
    return {
        "dataset": dataset,
        "kind": kind,
        "slices": scope,
        "patients": len({r.patient for r in rows}),
        "images": len({r.image for r in rows}),
        "instances": len(rows),
        "detected": sum(r.detected for r in rows),
        "detection_rate": sum(r.detected for r in rows) / len(rows),
        "dice_q1": quartiles[0],
        "dice_median": quartiles[1],
        "dice_q3": quartiles[2],
        "dice_median_all": float(np.median([r.dice for r in rows])),
        "false_positives": false,
        "levels_in_reference": sum(r.level is not None for r in rows),
        "levels_given": len(named),
        "levels_right": sum(r.level == r.named for r in named),
    }


def _selection(dataset: str, series: Sequence[SliceResult]) -> dict[str, Any]:
    error = np.array([s.selected - s.reference for s in series])
    return {
        "dataset": dataset,
        "series": len(series),
        "exact": int((error == 0).sum()),
        "within_one": int((abs(error) <= 1).sum()),
        "within_one_rate": float((abs(error) <= 1).mean()),
        "mean_distance": float(abs(error).mean()),
        "largest_distance": int(abs(error).max()),
        "same_bodies": sum(s.same_bodies for s in series),
        "area_share_median": float(np.median([s.area_share for s in series])),
        "area_share_least": float(min(s.area_share for s in series)),
        "slices_as_good_median": float(np.median([s.as_good for s in series])),
        "slices_median": float(np.median([s.n_slices for s in series])),
    }
