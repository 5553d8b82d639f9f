"""Random geometric and intensity changes to a training image, done with OpenCV on the fly."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.datasets.annotated import DISC
from spinetk.training.config import AugmentationConfig

NO_LEVEL = -1
"""Of a disc, or of a body whose name the data set does not tell."""


@dataclass(frozen=True)
class Sample:
    """One image with its instances, before or after augmentation.

    Attributes:
        pixels: float32 [H, W], 0..1.
        masks: uint8 [N, H, W], 0 or 1.
        categories: int64 [N], 1-based.
        unlabelled: uint8 [H, W], 2 where any instance may lack its annotation, 1 where a disc may.
        modality: "MR", "CT" or "XR".
        scale: factors (row, column) to the size at which inference sees the image.
        levels: int64 [N], each body's place in `structures.BODY_LEVELS`, or `NO_LEVEL`.
    """

    pixels: NDArray[np.float32]
    masks: NDArray[np.uint8]
    categories: NDArray[np.int64]
    unlabelled: NDArray[np.uint8]
    modality: str
    scale: tuple[float, float]
    levels: NDArray[np.int64]


def augment(
    sample: Sample, side: int, config: AugmentationConfig, rng: np.random.Generator
) -> Sample:
    """Return a random `side` x `side` view of the sample with random contrast.

    Instances of which less than 16 pixels remain are dropped.
    """
    moved = _move(sample, side, config, rng)
    pixels = moved.pixels
    recolour = sample.modality in config.class_contrast_in
    if recolour and rng.random() < config.p_class_contrast:
        pixels = _class_contrast(pixels, moved.masks, moved.categories, config.class_contrast, rng)
    if sample.modality in config.thick_rows_in and rng.random() < config.p_thick_rows:
        pixels = _thick_rows(pixels, rng.uniform(*config.thick_rows))
    pixels = _change_intensity(pixels, config, rng)
    if len(moved.masks) and rng.random() < config.p_implant:
        pixels = _implant(pixels, moved.masks, rng)
    return replace(moved, pixels=pixels)


def _move(
    sample: Sample, side: int, config: AugmentationConfig, rng: np.random.Generator
) -> Sample:
    """Rotation, scale, stretch, shear, flip and crop in one affine map."""
    factor = _factor(sample, config, rng)
    rows, columns = (factor * s for s in sample.scale)
    stretch = float(np.exp(rng.uniform(*np.log(config.stretch)) / 2))
    angle = np.radians(rng.uniform(-1, 1) * config.rotation_degrees)
    shear = np.tan(np.radians(rng.uniform(-1, 1) * config.shear_degrees))
    flip = -1.0 if rng.random() < config.p_flip_horizontal else 1.0
    turn = -1.0 if rng.random() < config.p_flip_vertical else 1.0
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = (
        rotate
        @ np.array([[1, shear], [0, 1]])
        @ np.diag([flip * columns * stretch, turn * rows / stretch])
    )
    target = _crop_centre(sample, linear, side, rng)
    matrix = np.concatenate([linear, (side / 2 - linear @ target)[:, None]], axis=1)
    return _warp(sample, matrix, side)


def _factor(sample: Sample, config: AugmentationConfig, rng: np.random.Generator) -> float:
    """How much larger or smaller than at inference the image is shown."""
    low, high = np.log(config.scale)
    factor = float(np.exp(rng.uniform(low, high)))
    wanted = float(np.exp(rng.uniform(*np.log(config.body_width))))
    bodies = sample.masks[sample.categories != DISC]
    if rng.random() >= config.p_body_width or not len(bodies):
        return factor
    widths = [np.ptp(np.flatnonzero(mask.any(0))) + 1 for mask in bodies]
    return wanted / (float(np.median(widths)) * sample.scale[1])


def _crop_centre(
    sample: Sample, linear: NDArray[np.float64], side: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Source point (x, y) that the crop is centred on: the image's centre where everything fits,
    else a point drawn between there and an instance."""
    height, width = sample.pixels.shape
    centre = np.array([width / 2, height / 2])
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) @ linear.T
    slack = np.ptp(corners, axis=0) - side
    if len(sample.masks) and (slack > 0).any():
        rows, columns = np.nonzero(sample.masks[rng.integers(len(sample.masks))])
        chosen = np.array([columns.mean(), rows.mean()])
        centre = centre + (chosen - centre) * rng.uniform(0.2, 1.0)
    jitter = rng.uniform(-0.08, 0.08, 2) * side
    result: NDArray[np.float64] = centre + np.linalg.solve(linear, jitter)
    return result


def _warp(sample: Sample, matrix: NDArray[np.float64], side: int) -> Sample:
    size = (side, side)
    area = abs(np.linalg.det(matrix[:, :2]))
    pixels = sample.pixels
    if area < 0.5:  # a shrunk image is smoothed first, as area interpolation would
        pixels = cv2.GaussianBlur(pixels, (0, 0), 0.4 / np.sqrt(area))
    pixels = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR)
    unlabelled = cv2.warpAffine(sample.unlabelled, matrix, size, flags=cv2.INTER_NEAREST)
    # masks are warped as smooth images so that enlarged outlines have no stairs
    masks = [
        cv2.warpAffine(mask * np.uint8(255), matrix, size, flags=cv2.INTER_LINEAR) > 127
        for mask in sample.masks
    ]
    kept = [i for i, mask in enumerate(masks) if np.count_nonzero(mask) >= 16]
    stack = np.array([masks[i] for i in kept], dtype=np.uint8).reshape(-1, side, side)
    return replace(
        sample,
        pixels=pixels,
        masks=stack,
        categories=sample.categories[kept],
        levels=sample.levels[kept],
        unlabelled=unlabelled,
    )


def _class_contrast(
    pixels: NDArray[np.float32],
    masks: NDArray[np.uint8],
    categories: NDArray[np.int64],
    strength: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Shift all instances of a class together, softly at their edge, as another contrast would."""
    out = pixels.copy()
    for category in np.unique(categories):
        region = masks[categories == category].max(axis=0).astype(np.float32)
        soft = cv2.GaussianBlur(region, (0, 0), float(rng.uniform(0.6, 1.5)))
        scale = 1 + soft * (float(np.exp(rng.uniform(-1.5, 1.5) * strength * 2)) - 1)
        out = out * scale + soft * float(rng.uniform(-strength, strength)) * 0.6
    return out


def _thick_rows(pixels: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """The image as cut from a stack of thick axial slices, interpolated between them."""
    height, width = pixels.shape
    thick = cv2.resize(pixels, (width, max(8, int(height * share))), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(thick, (width, height), interpolation=cv2.INTER_LINEAR))


def _change_intensity(
    pixels: NDArray[np.float32], config: AugmentationConfig, rng: np.random.Generator
) -> NDArray[np.float32]:
    side = pixels.shape[0]
    out = np.clip(pixels, 0, 1)
    if rng.random() < config.p_window:
        width = rng.uniform(*config.window)
        out = np.clip((out - rng.uniform(0, 1 - width)) / width, 0, 1).astype(np.float32)
    if rng.random() < config.p_remap:
        knots = np.sort(rng.random(4))
        curve = np.concatenate([[0], knots, [1]])
        mixed = 0.35 * np.linspace(0, 1, 6) + 0.65 * curve
        out = np.interp(out, np.linspace(0, 1, 6), mixed).astype(np.float32)
    out = out ** np.float32(np.exp(rng.uniform(*np.log(config.gamma))))
    out = (out - 0.5) * np.float32(rng.uniform(*config.contrast)) + 0.5
    out = out + np.float32(rng.uniform(*config.brightness))
    if rng.random() < config.p_invert:
        out = 1 - out
    if rng.random() < config.p_bias_field:
        coarse = rng.normal(0, config.bias_field, (3, 3)).astype(np.float32)
        field = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
        out = out * np.exp(field * np.float32(0.6))
    if rng.random() < config.p_blur:
        out = cv2.GaussianBlur(out, (0, 0), float(rng.uniform(*config.blur_sigma)))
    if rng.random() < config.p_low_resolution:
        down = [max(8, int(side * rng.uniform(*config.low_resolution))) for _ in range(2)]
        if rng.random() < 0.5:
            down[1] = down[0]
        small = cv2.resize(out, (down[0], down[1]), interpolation=cv2.INTER_AREA)
        out = cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR)
    if rng.random() < config.p_noise:
        out = out + rng.normal(0, rng.uniform(*config.noise), out.shape).astype(np.float32)
    return np.clip(out, 0, 1).astype(np.float32)


def _implant(
    pixels: NDArray[np.float32], masks: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw a rod along some bodies or screws into them."""
    out = pixels.copy()
    chosen = rng.permutation(len(masks))[: rng.integers(1, 6)]
    centres = np.array([np.argwhere(masks[i]).mean(axis=0)[::-1] for i in chosen])
    size = float(np.sqrt(masks[chosen[0]].sum()))
    layer = np.zeros(out.shape, dtype=np.float32)
    width = max(1, round(size * rng.uniform(0.05, 0.2)))
    if rng.random() < 0.5 and len(centres) > 1:
        centres = centres[np.argsort(centres[:, 1])] + rng.uniform(-0.6, 0.6) * size
        cv2.polylines(layer, [np.round(centres).astype(np.int32)], False, 1.0, width)
    else:
        reach = rng.uniform(-1, 1, 2) * size
        for centre in centres:
            start, end = (np.round(centre + f * reach).astype(int).tolist() for f in (-0.3, 0.7))
            cv2.line(layer, start, end, 1.0, width)
    layer = cv2.GaussianBlur(layer, (0, 0), 0.6)
    if rng.random() < 0.7:
        return np.asarray(out + layer * (float(rng.uniform(0.85, 1.0)) - out), dtype=np.float32)
    rim = cv2.GaussianBlur(layer, (0, 0), max(1.0, width / 2))
    return np.asarray(np.clip(out + 0.6 * rim - 1.6 * layer, 0, 1), dtype=np.float32)
