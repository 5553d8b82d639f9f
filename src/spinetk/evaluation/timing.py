"""Time of an image: the whole process, and the network alone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spinetk.datasets.annotated import AnnotatedImage
from spinetk.errors import NothingFound
from spinetk.evaluation.compare import as_slice
from spinetk.evaluation.rows import TimeResult
from spinetk.measures.table import measurements
from spinetk.network.loaded import LoadedModel, prepared
from spinetk.orientation import upright
from spinetk.pipeline import segment
from spinetk.study import Series

TIMED_IMAGES = 10


def time_images(images: Sequence[AnnotatedImage], loaded: LoadedModel) -> list[TimeResult]:
    """Time `TIMED_IMAGES` images, spread evenly over those given; the first run of each is not
    counted."""
    places = np.unique(np.linspace(0, len(images) - 1, TIMED_IMAGES).astype(int))
    return [_time(images[place], loaded) for place in places]


def _time(image: AnnotatedImage, loaded: LoadedModel) -> TimeResult:
    given = prepared(upright(as_slice(image)), loaded, image.modality)
    seconds = {"network": 0.0, "whole": 0.0}
    for _ in range(2):
        start = time.perf_counter()
        found = loaded.detector.find_boxes(given)
        loaded.detector.find_masks(found, loaded.model.score_threshold)
        seconds["network"] = time.perf_counter() - start
        start = time.perf_counter()
        stored = as_slice(image)
        series = Series("timed", image.modality, "raster", (replace(stored, index=0),), None)
        with contextlib.suppress(NothingFound):  # that takes its time, too
            measurements(segment(series, loaded, slice_choice=0))
        seconds["whole"] = time.perf_counter() - start
    return TimeResult(image.key, image.modality, **seconds)
