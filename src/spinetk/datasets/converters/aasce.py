"""AP films with the corners of AASCE 2019 and BoostNet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.datasets.converters.parsed import matlab_array
from spinetk.datasets.converters.picture_files import (
    named_picture,
    read_picture,
)
from spinetk.datasets.converters.pictures import (
    Picture,
)
from spinetk.datasets.writer import Outline, polygon_mask
from spinetk.errors import SpineError
from spinetk.readers.sources import files_below
from spinetk.structures import BODY_KIND, LEVELS
from spinetk.workers import in_workers

AASCE_LEVELS = LEVELS[LEVELS.index("T1") : LEVELS.index("S1")]
QUADS = len(AASCE_LEVELS)
LOOSE_GAP = 0.9
"""A gap between neighbouring quadrilaterals wider than this share of their height is an error."""


def aasce(folder: Path, lost: list[str]) -> Iterator[Picture]:
    """AASCE 2019 / BoostNet: AP films in `data/*/`, corners in `labels/*/NAME.jpg.mat`.

    `p2` holds 68 points (x, y; pixel centres at whole numbers), four a vertebra (top left, top
    right, bottom left, bottom right), 17 vertebrae from T1 to L5. Many are loose; a film is left
    out where a quadrilateral is not convex, where they are out of order, or where a gap is wider
    than `LOOSE_GAP` of the height.
    """
    paths = [path for path in files_below(folder) if path.suffix == ".mat"]
    # in a process of its own: a damaged file ends the one that reads it
    for path, points in zip(paths, in_workers(_points, paths, 1, _lost), strict=True):
        if points.size != QUADS * 8:
            raise SpineError(f"p2 holds {points.size} numbers, not {QUADS} times 4 points", path)
        points = points.reshape(QUADS, 4, 2)
        quads = points[:, [0, 1, 3, 2]]
        if not _plausible(quads):
            lost.append("films with loose corners")
            continue
        name = path.name.removesuffix(".mat")
        # labels/training/NAME.jpg.mat beside data/training/NAME.jpg
        parts = path.parent.relative_to(folder).parts
        bases = [path.parent, folder.joinpath(*("data" if p == "labels" else p for p in parts))]
        found = named_picture(name, bases, folder, alone=True)
        if found is None:
            raise SpineError(f"the annotated picture, {name}, is missing", path)
        picture = read_picture(found)
        outlines: list[Outline] = [
            ((BODY_KIND, level), polygon_mask(quad + 0.5, picture.shape))
            for level, quad in zip(AASCE_LEVELS, quads, strict=True)
        ]
        yield Picture(path.name.removesuffix(".mat").rsplit(".", 1)[0], picture, outlines)


def _points(path: Path) -> NDArray[np.float64]:
    return matlab_array(path, "p2")


def _lost(path: Path) -> NDArray[np.float64]:
    raise SpineError("is damaged: it ends the reader of MATLAB files", path)


def _plausible(quads: NDArray[np.float64]) -> bool:
    """Convex, from top to bottom, without wide gaps. quads: float [17, 4, 2], around the body."""
    centres = quads.mean(axis=1)
    convex = all(cv2.isContourConvex(quad.astype(np.float32)) for quad in quads)
    heights = np.linalg.norm(quads[:, [0, 1]].mean(axis=1) - quads[:, [3, 2]].mean(axis=1), axis=1)
    gaps = np.linalg.norm(quads[1:, [0, 1]].mean(axis=1) - quads[:-1, [3, 2]].mean(axis=1), axis=1)
    ordered = bool((np.diff(centres[:, 1]) > 0).all())
    return convex and ordered and bool((gaps <= LOOSE_GAP * (heights[1:] + heights[:-1]) / 2).all())
