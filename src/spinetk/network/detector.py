"""Run a network on slices: boxes on every slice, masks and their worth on the chosen one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from spinetk.cores import cores
from spinetk.errors import UsageError
from spinetk.network.devices import CPU, providers_of
from spinetk.network.fitting import Fit, NetworkInput
from spinetk.network.paste import paste_mask
from spinetk.network.registry import mask_file, verdict_file

FOUND = ("boxes", "scores", "labels")
FEATURES = ("p2", "p3", "p4", "p5", "fine")
OUTLINED = ("masks", "mask_boxes")
JUDGED_BY = ("p2", "p4", "p5")
JUDGED = ("quality", "levels")


@dataclass(frozen=True)
class Boxes:
    """Detections in one slice, best first.

    Attributes:
        boxes: float32 [N, 4], xyxy in slice pixels.
        scores: float32 [N], 0..1.
        labels: int64 [N], 1-based class.
        fit: how the slice lies in the network's input.
        features: what the network computed of the slice, for `Detector.find_masks`.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    fit: Fit
    features: tuple[NDArray[np.float32], ...] = ()

    def above(self, threshold: float) -> Boxes:
        """The detections that score at least so much."""
        kept = self.scores >= threshold
        return replace(
            self, boxes=self.boxes[kept], scores=self.scores[kept], labels=self.labels[kept]
        )


@dataclass(frozen=True)
class Masks:
    """Detections with their masks.

    Attributes:
        scores: float32 [N], 0..1.
        labels: int64 [N], 1-based class.
        masks: bool [N, H, W] on the slice's grid.
        quality: float32 [N, 2], 0..1, the Dice to be expected and its lower tenth; None where the
            network has no third step.
        levels: float32 [N, 27], log probability of each of `structures.BODY_LEVELS`, or None.
    """

    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    masks: NDArray[np.bool_]
    quality: NDArray[np.float32] | None = None
    levels: NDArray[np.float32] | None = None


class Detector:
    """One network, loaded once.

    Args:
        path: ONNX file as `spinetk.training.export` writes it, with the file for masks beside it.
        threads: that a run may use, and how many runs are worth starting side by side; all cores
            by default.
        device: of `devices.PROVIDERS`.

    Raises:
        UsageError: the files are not a network of this kind, or there is no such device.
    """

    def __init__(self, path: Path, threads: int | None = None, device: str = CPU) -> None:
        self.threads = threads or cores()
        on = providers_of(device)
        self._search = _session(path, self.threads, (*FOUND, *FEATURES), on)
        self._outline = _session(mask_file(path), self.threads, OUTLINED, on)
        judge = verdict_file(path)
        self._judge = _session(judge, self.threads, JUDGED, on) if judge.is_file() else None

    def find_boxes(self, given: NetworkInput) -> Boxes:
        """Detections in one slice."""
        boxes, scores, labels, *features = self._search.run(None, {"image": given.image})
        return Boxes(given.fit.to_slice(boxes), scores, labels, given.fit, tuple(features))

    def find_soft_masks(self, found: Boxes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Masks of all detections, at least one, float32 [N, 56, 56], 0..1, and the boxes that
        they span, [N, 4], xyxy in input pixels."""
        given = {"boxes": found.fit.to_input(found.boxes), "labels": found.labels}
        masks, spanned = self._outline.run(
            None, given | dict(zip(FEATURES, found.features, strict=True))
        )
        return masks, spanned

    def find_masks(self, found: Boxes, score_threshold: float) -> Masks:
        """Masks, on the slice's grid, of the detections above the threshold; those whose mask comes
        out empty are left out.

        Args:
            found: as `find_boxes` gave it, with its features.
        """
        fit = found.fit
        found = found.above(score_threshold)
        scores, labels = found.scores, found.labels
        if len(scores) == 0:
            return Masks(scores, labels, np.zeros((0, fit.height, fit.width), dtype=bool))
        masks, spanned = self.find_soft_masks(found)
        pasted = [
            paste_mask(mask, region, fit.height, fit.width)
            for mask, region in zip(masks, fit.to_slice(spanned), strict=True)
        ]
        full: Sequence[int] = [i for i, mask in enumerate(pasted) if mask.any()]
        stack = np.array([pasted[i] for i in full], dtype=bool)
        stack = stack.reshape(-1, fit.height, fit.width)
        if self._judge is None:
            return Masks(scores[full], labels[full], stack)
        quality, levels = self._judge.run(
            None,
            {
                "boxes": fit.to_input(found.boxes),
                "labels": labels,
                "scores": scores,
                "masks": masks,
                "mask_boxes": spanned,
            }
            | {name: found.features[FEATURES.index(name)] for name in JUDGED_BY},
        )
        return Masks(scores[full], labels[full], stack, quality[full], levels[full])


def _session(
    path: Path, threads: int, outputs: tuple[str, ...], providers: list[str]
) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # plans of memory that are kept from run to run cost 50 MB and save no time
    options.enable_mem_pattern = False
    # threads that spin until their session's next run would take a core from the other session
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:
        raise UsageError(f"model {path}: cannot be loaded by ONNX Runtime") from error
    if [o.name for o in session.get_outputs()] != list(outputs):
        raise UsageError(f"model {path}: not a network that SpineTK exported")
    return session
