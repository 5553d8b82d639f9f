"""Outline what a person drew a box around."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spinetk.network.closer_look import closer_look
from spinetk.network.detector import Boxes
from spinetk.network.loaded import LoadedModel, prepared
from spinetk.orientation import Upright
from spinetk.study import Modality

Box = tuple[float, float, float, float]


def looked_at(view: Upright, loaded: LoadedModel, modality: Modality | None) -> Boxes:
    """What the network computes of a slice once, however many boxes are drawn on it."""
    boxes = loaded.detector.find_boxes(prepared(view, loaded, modality))
    return closer_look(view, loaded, modality, boxes, loaded.model.score_threshold)


def outline_in_box(
    looked: Boxes, loaded: LoadedModel, box: Box, kind: str
) -> NDArray[np.bool_] | None:
    """The mask of a class in a box, as if the network had found it there; None where it sees
    nothing or does not know the class.

    Args:
        looked: as `looked_at` gives it.
        box: xyxy, pixels of the upright slice.
        kind: class name.

    Returns:
        bool [H, W], upright.
    """
    if kind not in loaded.model.classes:
        return None
    label = loaded.model.classes.index(kind) + 1
    drawn = replace(
        looked,
        boxes=np.array([box], dtype=np.float32),
        scores=np.ones(1, dtype=np.float32),
        labels=np.array([label], dtype=np.int64),
    )
    masks = loaded.detector.find_masks(drawn, 0.0).masks
    return np.asarray(masks[0]) if len(masks) else None
