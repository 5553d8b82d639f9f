"""Precision and recall over the score threshold, by pycocotools at box IoU 0.7."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from spinetk.evaluation.matching import DETECTED_IOU
from spinetk.evaluation.row_tables import CORNERS, Frames

ALL_SIZES = [0**2, 1e5**2]
"""pycocotools' area range "all"."""
PLATEAU = 0.005
"""F1 values this near to the best are as good. Of the thresholds that give them the lowest is
picked: another clinic's images score lower, and a structure too many is seen and struck out more
easily than one too few."""


@dataclass(frozen=True)
class PrecisionRecall:
    """One class's curve, a point for each score that occurs, from the highest down.

    Attributes:
        recall, precision, scores: float [N], 0..1; what a threshold at the score gives.
        average_precision: COCO's AP at this IoU.
        best_threshold: the lowest of the thresholds around the best one whose
            F1 = 2 P R / (P + R) is within `PLATEAU` of the largest.
        best_f1: the largest F1.
    """

    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    scores: NDArray[np.float64]
    average_precision: float
    best_threshold: float
    best_f1: float


def precision_curves(frames: Frames) -> Iterator[tuple[tuple[str, str], PrecisionRecall]]:
    """(modality, class) and the curve of each that has instances and proposals."""
    for (modality, kind), group in frames.instances.groupby(["modality", "kind"]):
        own = frames.proposals
        own = own[(own["kind"] == kind) & (own["modality"] == modality)]
        curve = precision_recall(group, own)
        if curve is not None:
            yield (modality, kind), curve


def picked_threshold(frames: Frames) -> float | None:
    """The one score threshold of a network: that of all its classes and modalities together.

    Returns:
        The threshold, rounded down to two decimal places, None where nothing can be judged.
    """
    together = [
        frame.assign(image=frame["image"] + " " + frame["kind"])
        for frame in (frames.instances, frames.proposals)
    ]
    curve = precision_recall(*together)
    return None if curve is None else math.floor(curve.best_threshold * 100) / 100


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
    judged_images = filter(None, evaluation.evalImgs)
    images = [item for item in judged_images if item["aRng"] == ALL_SIZES]
    scores = np.concatenate([item["dtScores"] for item in images])
    right = np.concatenate([item["dtMatches"][0] > 0 for item in images])
    order = np.argsort(-scores, kind="stable")
    scores, found_so_far = scores[order], np.cumsum(right[order])
    precision = found_so_far / np.arange(1, len(order) + 1)
    recall = found_so_far / len(instances)
    # a threshold takes all proposals of one score or none
    last = np.append(np.diff(scores) != 0, True)
    scores, precision, recall = scores[last], precision[last], recall[last]
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    average = float(evaluation.eval["precision"][0, :, 0, 0, -1].mean())
    best_threshold = _end_of_plateau(scores, f1)
    return PrecisionRecall(recall, precision, scores, average, best_threshold, float(f1.max()))


def _end_of_plateau(scores: NDArray[np.float64], f1: NDArray[np.float64]) -> float:
    """The lowest score of the stretch around the best F1 that is within `PLATEAU` of it; scores
    come from the highest down."""
    best = int(f1.argmax())
    worse = np.flatnonzero(f1 < f1[best] - PLATEAU)
    return float(scores[worse[worse > best].min(initial=len(f1)) - 1])


def _boxes(rows: pd.DataFrame, number: dict[str, int]) -> list[dict[str, object]]:
    out = []
    for i, row in enumerate(rows.itertuples(), start=1):
        left, top, right, bottom = (float(getattr(row, name)) for name in CORNERS)
        width, height = right - left, bottom - top
        item: dict[str, object] = {
            "id": i,
            "image_id": number[row.image],
            "category_id": 1,
            "bbox": [left, top, width, height],
            "area": width * height,
            "iscrowd": 0,
        }
        if not pd.isna(row.score):
            item["score"] = float(row.score)
        out.append(item)
    return out
