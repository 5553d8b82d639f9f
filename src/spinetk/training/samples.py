"""Draw training samples from data sets, the same ones again for the same seed and iteration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spinetk.datasets.annotated import BODY, AnnotatedImage, Annotation, class_number
from spinetk.datasets.unlabelled import unlabelled_region
from spinetk.errors import SpineError
from spinetk.intensity import standardise, to_unit_range
from spinetk.network.fitting import scale_to_fit
from spinetk.structures import BODY_LEVELS, SPINE_CLASSES
from spinetk.training.augmentation import NO_LEVEL, Sample, augment
from spinetk.training.config import TrainingConfig

Batch = tuple[Tensor, list[dict[str, Tensor]]]
"""Images float [B, 1, H, W] and, for each, boxes, labels, masks and the unlabelled region."""


class SampleSource:
    """Batches of augmented samples.

    Each draw depends only on the seed, the iteration and the place in the batch, so a resumed run
    sees what an uninterrupted one would have seen. A data set is drawn by its weight, then one of
    its patients, then one of the patient's images: a patient with many slices counts no more than
    one with a single slice.
    """

    def __init__(self, images: Sequence[AnnotatedImage], config: TrainingConfig) -> None:
        self.config = config
        self.classes = config.network.classes
        # what has the width of a body is known of a spine only
        spine = self.classes[: len(SPINE_CLASSES)] == SPINE_CLASSES
        self.augmentation = (
            config.augmentation if spine else replace(config.augmentation, p_body_width=0.0)
        )
        self.sets: dict[str, dict[str, list[AnnotatedImage]]] = {}
        for image in images:
            # a complete image without an instance teaches what is background
            if image.instances or image.complete:
                patients = self.sets.setdefault(image.dataset, {})
                patients.setdefault(image.patient, []).append(image)
        if not self.sets:
            raise SpineError(
                "no image with an annotation is left to train on: hold out fewer patients"
            )
        if not any(i.complete or i.classes == SPINE_CLASSES for i in images):
            raise SpineError(
                "no image is exhaustive for all its classes, so nothing could be learned as "
                "background: set `exhaustive` where every visible instance is annotated"
            )
        self.names = sorted(self.sets)
        weights = np.array([config.set_weights.get(name, 1.0) for name in self.names])
        self.weights = weights / weights.sum()
        self._stored: dict[Path, tuple[NDArray[np.uint8], NDArray[np.uint8]]] = {}

    def batch(self, iteration: int) -> Batch:
        """The batch of one iteration."""
        samples = []
        for place in range(self.config.batch_size):
            rng = np.random.default_rng((self.config.seed, iteration, place))
            patients = self.sets[self.names[rng.choice(len(self.names), p=self.weights)]]
            images = patients[sorted(patients)[rng.integers(len(patients))]]
            sample = self.sample(images[rng.integers(len(images))])
            samples.append(augment(sample, self.config.input_size, self.augmentation, rng))
        return as_batch(samples)

    def sample(self, image: AnnotatedImage) -> Sample:
        """Pixels, masks and unlabelled region of an image; the slow parts are kept in memory."""
        if image.path not in self._stored:
            packed = np.packbits(doubtful_regions(image))
            self._stored[image.path] = image.pixels, packed
        pixels, packed = self._stored[image.path]
        anything, no_disc = np.unpackbits(packed, count=2 * pixels.size).reshape(2, *pixels.shape)
        masks = np.array([a.mask for a in image.instances], dtype=np.uint8)
        return Sample(
            to_unit_range(pixels),
            masks.reshape(-1, *pixels.shape),
            np.array([class_number(a, self.classes) for a in image.instances], dtype=np.int64),
            anything + no_disc,
            image.modality,
            scale_to_fit(pixels.shape, image.spacing, self.config.fitted_side[image.modality]),
            np.array([_level(a) for a in image.instances], dtype=np.int64),
        )


def _level(annotation: Annotation) -> int:
    known = annotation.category == BODY and annotation.level in BODY_LEVELS
    return BODY_LEVELS.index(str(annotation.level)) if known else NO_LEVEL


def doubtful_regions(image: AnnotatedImage) -> NDArray[np.bool_]:
    """bool [2, H, W]: where anything may lack its annotation, and where what is no disc may."""
    anything = unlabelled_region(image)
    no_disc = unlabelled_region(image, BODY) if image.classes == SPINE_CLASSES else anything
    return np.stack([anything, no_disc & anything])


def as_batch(samples: Sequence[Sample]) -> Batch:
    """Stack samples of one size into the tensors that the network's losses want."""
    images = torch.from_numpy(np.stack([standardise(s.pixels) for s in samples])[:, None])
    targets = [
        {
            "boxes": torch.from_numpy(boxes_of(sample.masks)),
            "labels": torch.from_numpy(sample.categories),
            "masks": torch.from_numpy(sample.masks),
            "unlabelled": torch.from_numpy(sample.unlabelled),
        }
        for sample in samples
    ]
    return images, targets


def boxes_of(masks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Tight xyxy boxes, float32 [N, 4], right and lower edge exclusive, of masks [N, H, W]."""
    boxes = np.zeros((len(masks), 4), dtype=np.float32)
    for i, mask in enumerate(masks):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        boxes[i] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return boxes
