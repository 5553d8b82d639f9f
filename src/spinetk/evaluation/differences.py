"""Pictures of the best and the worst images: where found and reference masks differ.

They show the data's pixels: they belong in a run's folder, not in a publication of the project.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spinetk.datasets.annotated import AnnotatedImage
from spinetk.evaluation.compare import as_slice
from spinetk.network.loaded import LoadedModel
from spinetk.orientation import upright
from spinetk.pipeline import outline
from spinetk.structures import BODY_KIND, SACRAL_CLASS

SHOWN = 3
"""Best and worst images of each class."""
MISSED, EXTRA, BOTH = (60, 60, 230), (230, 160, 40), (90, 190, 90)
"""Colours (blue, green, red): only in the reference, only found, in both."""


def difference_maps(
    instances: pd.DataFrame,
    images: Sequence[AnnotatedImage],
    model_of: Callable[[AnnotatedImage], LoadedModel],
) -> dict[str, NDArray[np.uint8]]:
    """For each class the images with the highest and the lowest mean Dice (misses as 0).

    Args:
        model_of: the network that an image is evaluated with; with folds, its own fold's.

    Returns:
        name -> uint8 [H, W, 3], blue, green, red.
    """
    by_key = {image.key: image for image in images}
    maps = {}
    for kind, group in instances.groupby("kind"):
        ranked = group.groupby("image")["dice"].mean().sort_values()
        count = min(SHOWN, (len(ranked) + 1) // 2)
        for name, keys in (("worst", ranked.index[:count]), ("best", ranked.index[::-1][:count])):
            for place, key in enumerate(keys, start=1):
                image = by_key[str(key)]
                picture = _difference(image, model_of(image), str(kind))
                label = f"{key} mean Dice {ranked[key]:.3f}"
                cv2.putText(picture, label, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255,) * 3)
                maps[f"{kind}_{name}_{place}"] = picture
    return maps


def _difference(image: AnnotatedImage, loaded: LoadedModel, kind: str) -> NDArray[np.uint8]:
    found = outline(upright(as_slice(image)), loaded, loaded.model.score_threshold, image.modality)
    category = image.classes.index(kind) + 1
    reference = np.zeros(image.pixels.shape, dtype=bool)
    for note in image.instances:
        if note.category == category:
            reference |= note.mask
    predicted = np.zeros_like(reference)
    for item in found:
        if item.kind == kind or (kind == BODY_KIND and item.kind == SACRAL_CLASS):
            predicted |= item.mask
    picture = cv2.cvtColor(image.pixels, cv2.COLOR_GRAY2BGR)
    for region, colour in (
        (reference & ~predicted, MISSED),
        (predicted & ~reference, EXTRA),
        (reference & predicted, BOTH),
    ):
        share = 0.25 if colour is BOTH else 0.75
        picture[region] = (1 - share) * picture[region] + share * np.array(colour)
    scale = 640 / max(picture.shape[:2])
    return np.asarray(
        cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR), np.uint8
    )
