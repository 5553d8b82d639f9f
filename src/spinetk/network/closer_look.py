"""Look again, closer, where bodies are small in the network's input, as on films of a whole spine.

How large bodies are follows the picture, not the spine: on a lumbar slice they are some 55 input
pixels wide, on a lateral film of the whole spine 20, where an outline that is two pixels off is
badly placed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinetk.network.detector import Boxes
from spinetk.network.loaded import LoadedModel, prepared
from spinetk.orientation import Upright
from spinetk.structures import BODY_KIND, group_of
from spinetk.study import Modality

SMALL_PIXELS, WANTED_PIXELS = 34.0, 46.0
"""Median width of the bodies in input pixels: less is looked at again, at about the other."""
LARGEST_SIDE = 1536
"""Longer side of the second look in input pixels: four times the time of a look at 768."""
FEWEST = 3


def closer_look(
    view: Upright,
    loaded: LoadedModel,
    modality: Modality | None,
    boxes: Boxes,
    threshold: float,
) -> Boxes:
    """Boxes of a larger image of the slice where its bodies are small, else those given.

    Args:
        boxes: what was found on the slice; at least `FEWEST` bodies say how large bodies are.
        threshold: score of a body that counts.
    """
    widths = _widths(boxes, loaded, threshold)
    if len(widths) < FEWEST or np.median(widths) >= SMALL_PIXELS:
        return boxes
    side = max(boxes.fit.height * boxes.fit.scale[0], boxes.fit.width * boxes.fit.scale[1])
    closer = min(LARGEST_SIDE, round(side * WANTED_PIXELS / float(np.median(widths))))
    again = loaded.detector.find_boxes(prepared(view, loaded, modality, closer))
    # a second look that loses bodies was none
    return again if len(_widths(again, loaded, threshold)) >= len(widths) else boxes


def _widths(boxes: Boxes, loaded: LoadedModel, threshold: float) -> NDArray[np.float32]:
    """Widths of the bodies above the threshold in input pixels."""
    kinds = np.array([group_of(loaded.model.classes[label - 1]) for label in boxes.labels])
    kept = (boxes.scores >= threshold) & (kinds == BODY_KIND)
    places = boxes.fit.to_input(boxes.boxes[kept])
    return places[:, 2] - places[:, 0]
