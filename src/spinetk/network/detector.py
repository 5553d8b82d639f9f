"""Run a network on slices: boxes on every slice, masks on the chosen one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from spinetk.errors import UsageError
from spinetk.network.fitting import NetworkInput
from spinetk.network.paste import paste_mask

OUTPUTS = ("boxes", "scores", "labels", "masks", "mask_boxes")


@dataclass(frozen=True)
class Boxes:
    """Detections in one slice, best first.

    Attributes:
        boxes: float32 [N, 4], xyxy in slice pixels.
        scores: float32 [N], 0..1.
        labels: int64 [N], 1-based class.
        areas: float32 [N], mask area in slice pixels.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    areas: NDArray[np.float32]


@dataclass(frozen=True)
class Masks(Boxes):
    """Detections with their masks.

    Attributes:
        masks: bool [N, H, W] on the slice's grid.
    """

    masks: NDArray[np.bool_]


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Detector:
    """One network, loaded once.

    Args:
        path: ONNX file as `spinetk.training.export` writes it.
        threads: of ONNX Runtime; all cores by default.

    Raises:
        UsageError: the file is not a network of this kind.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or _cores()
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise UsageError(f"model {path}: cannot be loaded by ONNX Runtime") from error
        if [o.name for o in self.session.get_outputs()] != list(OUTPUTS):
            raise UsageError(f"model {path}: not a network that SpineTK exported")

    def find_boxes(self, given: NetworkInput) -> Boxes:
        """Detections in one slice with the area of their masks, which are not pasted.

        The mask head takes so little of the whole that leaving it out would save nothing.
        """
        boxes, scores, labels, masks, grown = self.session.run(OUTPUTS, {"image": given.image})
        fit = given.fit
        return Boxes(fit.to_slice(boxes), scores, labels, _areas(masks, fit.to_slice(grown)))

    def find_masks(self, given: NetworkInput, score_threshold: float) -> Masks:
        """Detections above the threshold with masks on the slice's grid; detections whose mask
        comes out empty are left out."""
        fit = given.fit
        boxes, scores, labels, masks, grown = self.session.run(OUTPUTS, {"image": given.image})
        kept = scores >= score_threshold
        regions = fit.to_slice(grown[kept])
        pasted = [
            paste_mask(mask, region, fit.height, fit.width)
            for mask, region in zip(masks[kept], regions, strict=True)
        ]
        full: Sequence[int] = [i for i, mask in enumerate(pasted) if mask.any()]
        stack = np.array([pasted[i] for i in full], dtype=bool)
        return Masks(
            boxes=fit.to_slice(boxes[kept][full]),
            scores=scores[kept][full],
            labels=labels[kept][full],
            areas=_areas(masks[kept], regions)[full],
            masks=stack.reshape(-1, fit.height, fit.width),
        )


def _areas(masks: NDArray[np.float32], regions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Area of soft masks [N, M, M] over their boxes [N, 4], in the boxes' pixels."""
    share = (masks >= 0.5).mean(axis=(1, 2), dtype=np.float32)
    return np.asarray(share * np.prod(regions[:, 2:] - regions[:, :2], axis=1), dtype=np.float32)
