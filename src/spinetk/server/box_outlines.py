"""Boxes that a person draws on the page are outlined by the network that the result is of."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UsageError
from spinetk.network.by_box import looked_at, outline_in_box
from spinetk.network.detector import Boxes
from spinetk.network.loaded import LoadedModel, load_model
from spinetk.server.review import Review


class BoxOutlines:
    """The network in use and what it saw of the slice that was last drawn on: the next box on the
    same slice takes a few milliseconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: LoadedModel | None = None
        self._looked: tuple[object, Boxes] | None = None

    def outline(
        self, review: Review, kind: str, corners: Sequence[tuple[float, float]]
    ) -> NDArray[np.bool_]:
        """The mask of what lies in a box, bool [H, W], upright.

        Args:
            corners: two opposite ones, x, y in pixels of the upright slice.

        Raises:
            UsageError: the box has no size, or the network sees nothing there.
        """
        (x0, y0), (x1, y1) = corners
        box = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        if box[2] - box[0] < 2 or box[3] - box[1] < 2:
            raise UsageError("draw a box around it")
        name = review.result.model
        slice_of = (
            name,
            review.record.series_key,
            review.record.input_sha256,
            review.result.slice_index,
        )
        with self._lock:
            if self._loaded is None or self._loaded.model.name != name:
                self._loaded = load_model(name)
            if self._looked is None or self._looked[0] != slice_of:
                modality = review.result.series.modality
                self._looked = slice_of, looked_at(review.view, self._loaded, modality)
            mask = outline_in_box(self._looked[1], self._loaded, box, kind)
        if mask is None or not mask.any():
            raise UsageError("the network sees nothing in the box: click points around it instead")
        return mask
