"""What a network finds in annotated images, with each instance's true Dice and level: what the
heads of its third step learn from."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from spinetk.boxes import box_iou
from spinetk.cores import cores
from spinetk.datasets.annotated import DISC, AnnotatedImage
from spinetk.intensity import standardise
from spinetk.network.detector import FEATURES, JUDGED_BY, Detector
from spinetk.network.fitting import STRIDE, Fit, NetworkInput, on_canvas, size_in_input
from spinetk.structures import BODY_LEVELS, LEVELS
from spinetk.training.augmentation import NO_LEVEL, Sample, augment
from spinetk.training.config import TrainingConfig
from spinetk.training.mask_head import crop_masks
from spinetk.training.regions import share_inside
from spinetk.training.samples import SampleSource, boxes_of
from spinetk.training.verdict import gather

LOWEST_SCORE = 0.2
"""False finds of which the quality head learns are mostly scored low."""
SURE = 0.5
"""A body of which the data set says nothing gets its neighbour's next level from this score on."""
CLOSE = 1.5
"""Bodies are neighbours up to this many median distances."""
SAME, APART = 0.3, 0.1
"""IoU of boxes from which a find is the annotated instance, and up to which it is none at all."""


@dataclass(frozen=True)
class VerdictSamples:
    """N instances that a network found.

    Attributes:
        around, near, far, labels: as `spinetk.training.verdict.Evidence`, in float16; near and far
            of the instances with a level only, in their order.
        dice: float32 [N], with the annotated instance; 0 where there is none, NaN where that is
            not known.
        level: int64 [N], place in `BODY_LEVELS`, or `NO_LEVEL`.
        image: int64 [N], which image, of those given, shows it.
    """

    around: NDArray[np.float16]
    near: NDArray[np.float16]
    far: NDArray[np.float16]
    labels: NDArray[np.int64]
    dice: NDArray[np.float32]
    level: NDArray[np.int64]
    image: NDArray[np.int64]


def collect(
    images: Sequence[AnnotatedImage],
    detector: Detector,
    config: TrainingConfig,
) -> VerdictSamples | None:
    """Run the network on some views of each image: as inference sees it, then altered ones.

    Args:
        detector: of the network, with one thread.

    Returns:
        None where nothing is found of which it is known how good it is.
    """
    source = SampleSource(images, config)
    jobs = [(number, view) for number in range(len(images)) for view in range(config.verdict_views)]

    def run(job: tuple[int, int]) -> VerdictSamples | None:
        number, view = job
        sample = source.sample(images[number])
        if view == 0:
            shown = _whole(sample, config.fitted_side[sample.modality])
        else:
            shown = _altered(sample, config, job)
        loose = images[number].dataset in config.loose_outlines
        return _found(shown, detector, number, loose)

    with ThreadPoolExecutor(cores()) as pool:
        parts = [part for part in pool.map(run, jobs) if part is not None]
    return joined(parts) if any(np.isfinite(part.dice).any() for part in parts) else None


def joined(parts: Sequence[VerdictSamples]) -> VerdictSamples:
    """All of several."""
    names = [f.name for f in fields(VerdictSamples)]
    return VerdictSamples(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    )


def _altered(sample: Sample, config: TrainingConfig, job: tuple[int, int]) -> Sample:
    """A view as training shows it, but never mirrored: half of them the whole image, half a crop,
    so that the sacrum and the head are not always in it."""
    rng = np.random.default_rng((config.seed, *job))
    still = replace(config.augmentation, p_flip_vertical=0.0, p_flip_horizontal=0.0)
    whole = -(-config.fitted_side[sample.modality] // STRIDE) * STRIDE
    return augment(sample, int(rng.choice([config.input_size, whole])), still, rng)


def _whole(sample: Sample, side: int) -> Sample:
    """The sample at the size at which inference sees it first."""
    size = size_in_input(sample.pixels.shape, sample.scale, side)
    masks = [on_canvas(m * np.uint8(255), size, cv2.INTER_LINEAR) > 127 for m in sample.masks]
    kept = [i for i, mask in enumerate(masks) if mask.any()]
    pixels = on_canvas(sample.pixels, size)
    return replace(
        sample,
        pixels=pixels,
        masks=np.array([masks[i] for i in kept], dtype=np.uint8).reshape(-1, *pixels.shape),
        categories=sample.categories[kept],
        levels=sample.levels[kept],
        unlabelled=on_canvas(sample.unlabelled, size, cv2.INTER_NEAREST),
    )


def _found(shown: Sample, detector: Detector, number: int, loose: bool) -> VerdictSamples | None:
    """What the network finds in a view, and what it is in truth.

    Args:
        loose: the annotated outlines say nothing of how good another one is.
    """
    pixels = standardise(shown.pixels)[None, None]
    fit = Fit((1.0, 1.0), *shown.pixels.shape)
    found = detector.find_boxes(NetworkInput(pixels, fit)).above(LOWEST_SCORE)
    if not len(found.scores):
        return None
    soft, spanned = detector.find_soft_masks(found)
    boxes, masks, mask_boxes = (torch.from_numpy(a) for a in (found.boxes, soft, spanned))
    labels = torch.from_numpy(found.labels)
    pyramid = tuple(torch.from_numpy(found.features[FEATURES.index(n)]) for n in JUDGED_BY)
    evidence = gather(boxes, labels, torch.from_numpy(found.scores), masks, mask_boxes, pyramid)
    dice, matched = _truth(shown, found.boxes, found.labels, masks, mask_boxes)
    if loose:
        dice[matched >= 0] = np.nan
    level = np.append(shown.levels, NO_LEVEL)[matched]  # -1, none, takes the last
    bodies = np.flatnonzero((found.labels != DISC) & ((found.scores >= SURE) | (level != NO_LEVEL)))
    level[bodies] = carried_on(level[bodies], found.boxes[bodies])
    placed = level != NO_LEVEL
    known = np.isfinite(dice) | placed
    return VerdictSamples(
        around=evidence.around.numpy()[known].astype(np.float16),
        near=evidence.near.numpy()[placed].astype(np.float16),
        far=evidence.far.numpy()[placed].astype(np.float16),
        labels=found.labels[known],
        dice=dice[known],
        level=level[known],
        image=np.full(int(known.sum()), number),
    )


def carried_on(level: NDArray[np.int64], boxes: NDArray[np.float32]) -> NDArray[np.int64]:
    """Levels of a column's bodies, where a data set names some of them, carried on to the bodies
    beyond: S1 below L5, C2 above C3.

    Args:
        level: int64 [N], place in `BODY_LEVELS` or `NO_LEVEL`.
        boxes: float [N, 4], xyxy.
    """
    out = level.copy()
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    order = np.argsort(-centres[:, 1])
    steps = np.linalg.norm(np.diff(centres[order], axis=0), axis=1)
    if not len(steps):
        return out
    near = steps < CLOSE * np.median(steps)
    pairs = list(zip(order, order[1:], near, strict=False))
    upwards = [(low, high, n, -1) for low, high, n in pairs]
    downwards = [(high, low, n, 1) for low, high, n in reversed(pairs)]
    for known, unknown, close, move in [*upwards, *downwards]:
        if close and out[known] != NO_LEVEL and out[unknown] == NO_LEVEL:
            name = BODY_LEVELS[out[known]]
            place = LEVELS.index(name) + move if name in LEVELS else -1
            if 0 <= place < len(LEVELS):
                out[unknown] = BODY_LEVELS.index(LEVELS[place])
    return out


def _truth(
    shown: Sample,
    boxes: NDArray[np.float32],
    labels: NDArray[np.int64],
    masks: torch.Tensor,
    mask_boxes: torch.Tensor,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Dice of each find with the annotated instance at its place, and which one that is (-1: none).

    Dice is NaN where it is not known: in a region where instances may lack their annotation, or
    where a find only touches one.
    """
    count = len(boxes)
    dice, matched = np.zeros(count, dtype=np.float32), np.full(count, -1)
    doubtful = share_inside(torch.from_numpy(boxes), torch.from_numpy(shown.unlabelled) > 0) > 0.25
    if not len(shown.masks):
        dice[doubtful.numpy()] = np.nan
        return dice, matched
    iou = box_iou(boxes, boxes_of(shown.masks))
    iou[(labels[:, None] == DISC) != (shown.categories[None] == DISC)] = 0
    best = iou.argmax(axis=1)
    overlap = iou.max(axis=1)
    same = overlap >= SAME
    truth = torch.from_numpy(shown.masks)
    wanted = crop_masks(truth, torch.from_numpy(best), mask_boxes) >= 0.5
    cut = masks >= 0.5
    # cells of the box that the mask spans, in input pixels
    cell = (mask_boxes[:, 2:] - mask_boxes[:, :2]).prod(1) / masks[0].numel()
    own = cut.sum((1, 2)) * cell
    whole = truth.flatten(1).sum(1)[torch.from_numpy(best)]
    shared = (cut & wanted).sum((1, 2)) * cell
    values = (2 * shared / (own + whole)).clamp(max=1).numpy()
    dice[same] = values[same]
    dice[~same & ((overlap > APART) | doubtful.numpy())] = np.nan
    matched[same] = best[same]
    return dice, matched
