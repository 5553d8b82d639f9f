"""A study in, everything that is found and measured out: `spinetk.segment("study")`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinetk.hounsfield import with_units_checked
from spinetk.measures.alignment import Angle
from spinetk.measures.table import Row, measured
from spinetk.network.loaded import LoadedModel, load_model, model_for
from spinetk.pipeline import segment as segment_series
from spinetk.readers import read
from spinetk.study import Instance, Modality, Segmentation


@dataclass(frozen=True)
class Result:
    """What was found on the selected slice of a series.

    Attributes:
        segmentation: all of it, with the series' pixels.
        rows: measures of each instance, as in `instances.csv`, in the order of `instances`.
        angles: of the whole column.
    """

    segmentation: Segmentation
    rows: tuple[Row, ...]
    angles: tuple[Angle, ...]

    @property
    def key(self) -> str:
        """Of the series."""
        return self.segmentation.series.key

    @property
    def slice_index(self) -> int:
        """Of the selected slice in the series."""
        return self.segmentation.slice_index

    @property
    def pixels(self) -> NDArray[np.float32]:
        """float32 [H, W], the selected slice as it is stored."""
        return self.segmentation.slice.pixels

    @property
    def instances(self) -> Sequence[Instance]:
        """Bodies and discs with their masks, bool [H, W] on the slice's own grid."""
        return self.segmentation.instances


def segment(study: str | Path, modality: Modality | None = None) -> list[Result]:
    """Segment every series of a study with the network for its modality.

    Args:
        study: a file, an archive or a folder, as the command line takes it.
        modality: "MR", "CT" or "XR" where the files do not say it.

    Raises:
        SpineError: nothing can be read there, or nothing was found in a series.
    """
    results = []
    for series in read(study).series:
        name, series = model_for(series, modality)
        done = segment_series(with_units_checked(series), _loaded(name))
        rows, angles = measured(done)
        results.append(Result(done, tuple(rows), tuple(angles)))
    return results


@cache
def _loaded(name: str) -> LoadedModel:
    return load_model(name)
