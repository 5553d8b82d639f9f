"""Run a network on slices: boxes on every slice, masks on the chosen one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from spinetk.errors import UsageError
from spinetk.intensity import standardise, to_unit_range
from spinetk.network.paste import paste_mask

OUTPUTS = ("boxes", "scores", "labels", "masks", "mask_boxes")


@dataclass(frozen=True)
class Fit:
    """How a slice was fitted into the network's square: scaled, top left, zero-padded.

    Attributes:
        scale: (row, column) factors from slice pixels to input pixels.
        height, width: of the slice in pixels.
    """

    scale: tuple[float, float]
    height: int
    width: int

    def to_slice(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map xyxy boxes [N, 4] from input pixels to slice pixels."""
        factor = np.array([self.scale[1], self.scale[0]] * 2, dtype=np.float32)
        return boxes / factor


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


def fit_slice(
    pixels: NDArray[np.float32], spacing: tuple[float, float] | None, side: int
) -> tuple[NDArray[np.float32], Fit]:
    """Scale a slice into a square, pixels made square by the spacing.

    Args:
        pixels: float32 [H, W], raw values, upright.
        spacing: (row, column) in mm or None.
        side: of the square in pixels.

    Returns:
        float32 [1, 1, side, side], standardised (padding is what black becomes), and the fit.
    """
    height, width = pixels.shape
    tall, wide = (height, width) if spacing is None else (height * spacing[0], width * spacing[1])
    factor = side / max(tall, wide)
    rows, columns = (max(1, min(side, round(size * factor))) for size in (tall, wide))
    unit = to_unit_range(pixels)
    shrinks = rows * columns < height * width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    canvas = np.zeros((side, side), dtype=np.float32)
    canvas[:rows, :columns] = cv2.resize(unit, (columns, rows), interpolation=method)
    fit = Fit((rows / height, columns / width), height, width)
    return standardise(canvas)[None, None], fit


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Detector:
    """One network, loaded once.

    Args:
        path: ONNX file as `spinetk.training.export` writes it.
        side: of the network's square input in pixels.
        threads: of ONNX Runtime; all cores by default.

    Raises:
        UsageError: the file is not a network of this kind.
    """

    def __init__(self, path: Path, side: int, threads: int | None = None) -> None:
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
        self.side = side

    def find_boxes(self, pixels: NDArray[np.float32], spacing: tuple[float, float] | None) -> Boxes:
        """Detections in one upright slice with the area of their masks, which are not pasted.

        The mask head takes so little of the whole that leaving it out would save nothing.
        """
        image, fit = fit_slice(pixels, spacing, self.side)
        boxes, scores, labels, masks, grown = self.session.run(OUTPUTS, {"image": image})
        return Boxes(fit.to_slice(boxes), scores, labels, _areas(masks, fit.to_slice(grown)))

    def find_masks(
        self,
        pixels: NDArray[np.float32],
        spacing: tuple[float, float] | None,
        score_threshold: float,
    ) -> Masks:
        """Detections above the threshold with masks, in one upright slice; detections whose mask
        comes out empty are left out."""
        image, fit = fit_slice(pixels, spacing, self.side)
        boxes, scores, labels, masks, grown = self.session.run(OUTPUTS, {"image": image})
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
