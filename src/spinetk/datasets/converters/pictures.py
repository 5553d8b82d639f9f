"""An annotated picture, as the converters of picture formats give it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spinetk.datasets.writer import Outline
from spinetk.errors import readable

UNKNOWN_SHAPE = "shapes that are no outline"
FEW_POINTS = "outlines of fewer than three points"
BOX_ONLY = "boxes without an outline"
"""Reasons why something annotated is not taken over."""


class Picture(NamedTuple):
    """One annotated picture.

    Attributes:
        name: in the data set.
        pixels: uint8 [H, W].
        complete: False where something annotated could not be taken over.
    """

    name: str
    pixels: NDArray[np.uint8]
    outlines: list[Outline]
    complete: bool = True


def picture_name(path: Path, folder: Path) -> str:
    """A picture's name in the data set: its path below the folder, so that none is used twice."""
    below = path.relative_to(folder) if path.is_relative_to(folder) else Path(*path.parts[-2:])
    parts = below.with_suffix("").parts
    return readable("_".join(part for part in parts if part not in ("images", "labels")))
