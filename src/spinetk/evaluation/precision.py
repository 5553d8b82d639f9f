"""Precision and recall over the score threshold, by pycocotools at box IoU 0.7."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from spinetk.evaluation.frames import CORNERS
from spinetk.evaluation.matching import DETECTED_IOU


@dataclass(frozen=True)
class PrecisionRecall:
    """One class's curve.

    Attributes:
        recall: float [101], 0..1 in steps of 0.01.
        precision: float [101], 0..1; 0 beyond the largest recall that is reached.
        scores: float [101], the threshold at each recall.
        average_precision: mean of `precision`, COCO's AP at this IoU.
        best_threshold: threshold with the largest F1 = 2 P R / (P + R).
        best_f1: that F1.
    """

    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    scores: NDArray[np.float64]
    average_precision: float
    best_threshold: float
    best_f1: float


def precision_recall(instances: pd.DataFrame, proposals: pd.DataFrame) -> PrecisionRecall | None:
    """The curve of one class.

    Proposals that the annotation cannot judge (`known` is false) are left out: false positives are
    counted only where labels are exhaustive.

    Args:
        instances, proposals: rows of one class, as in `Frames`.

    Returns:
        None where there is no instance or no proposal.
    """
    judged = proposals[proposals["known"].astype(bool)]
    if instances.empty or judged.empty:
        return None
    names = sorted(set(instances["image"]) | set(judged["image"]))
    number = {name: i + 1 for i, name in enumerate(names)}
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": i} for i in number.values()],
            "categories": [{"id": 1}],
            "annotations": _boxes(instances, number),
        }
        truth.createIndex()
        found = truth.loadRes(_boxes(judged, number))
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.params.iouThrs = np.array([DETECTED_IOU])
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][0, :, 0, 0, -1]
    scores = evaluation.eval["scores"][0, :, 0, 0, -1]
    recall = evaluation.params.recThrs
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    best = int(np.argmax(f1))
    return PrecisionRecall(
        recall, precision, scores, float(precision.mean()), float(scores[best]), float(f1[best])
    )


def _boxes(rows: pd.DataFrame, number: dict[str, int]) -> list[dict[str, object]]:
    out = []
    for i, row in enumerate(rows.itertuples(), start=1):
        left, top, right, bottom = (float(getattr(row, name)) for name in CORNERS)
        width, height = right - left, bottom - top
        one: dict[str, object] = {
            "id": i,
            "image_id": number[row.image],
            "category_id": 1,
            "bbox": [left, top, width, height],
            "area": width * height,
            "iscrowd": 0,
        }
        if not pd.isna(row.score):
            one["score"] = float(row.score)
        out.append(one)
    return out
