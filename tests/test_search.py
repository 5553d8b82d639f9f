from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spinetk.network.detector import Boxes
from spinetk.network.fitting import fit_slice
from spinetk.network.loaded import LoadedModel
from spinetk.phantom import Phantom
from spinetk.search import COARSE_MM, count_boxes, search
from spinetk.study import Geometry, Series, Slice

CLASSES = ("vertebral_body", "intervertebral_disc", "first_sacral_body")


def boxes(rows: Sequence[tuple[float, float, float, float, float, int]]) -> Boxes:
    table = np.array(rows, dtype=float).reshape(-1, 6)
    fit = fit_slice(np.zeros((64, 64), np.float32), None, 64).fit
    return Boxes(
        table[:, :4].astype(np.float32),
        table[:, 4].astype(np.float32),
        table[:, 5].astype(np.int64),
        fit,
    )


def test_bodies_of_the_column_are_counted_and_strays_are_not() -> None:
    column = [(20, 30 * k, 50, 30 * k + 22, 0.9, 1) for k in range(4)]
    disc = (20, 22, 50, 30, 0.8, 2)
    kidney = (300, 10, 330, 32, 0.95, 1)
    below = (20, 0, 50, 22, 0.1, 1)
    count = count_boxes(5, boxes([*column, disc, kidney, below]), CLASSES, 0.5)
    assert (count.index, count.bodies, count.discs) == (5, 4, 1)
    assert count.area == 4 * 30 * 22


def test_a_body_found_as_s1_too_counts_once_and_nothing_counts_below_it() -> None:
    column = [(20, 30 * k, 50, 30 * k + 22, 0.9, 1) for k in range(5)]
    sacral = (20, 91, 50, 113, 0.85, 3)
    assert count_boxes(0, boxes([*column, sacral]), CLASSES, 0.5).bodies == 5
    as_s1 = [*column[:3], (20, 90, 50, 112, 0.95, 3), column[4]]
    assert count_boxes(0, boxes(as_s1), CLASSES, 0.5).bodies == 4


def test_thin_slices_are_searched_coarse_to_fine(phantom: Phantom, mr_model: LoadedModel) -> None:
    """Twenty slices of 1 mm, of which the middle ones show the spine."""
    middle = phantom.volume[len(phantom.volume) // 2].astype(np.float32)
    empty = np.full_like(middle, middle.min())
    geometry = phantom.geometries[0]
    slices = []
    for index in range(20):
        at = replace(geometry, thickness=1.0)
        assert isinstance(at, Geometry)
        pixels = middle if 8 <= index < 14 else empty
        slices.append(Slice(pixels, index, at, at.spacing, path=__file__))  # type: ignore[arg-type]
    told: list[tuple[int, int]] = []
    series = Series("thin", "MR", "volume", tuple(slices), "affine")
    trace, best = search(series, mr_model, 0.5, lambda done, total: told.append((done, total)))
    searched = [count.index for count in trace]
    assert searched == sorted(searched) and len(searched) < 20
    assert max(np.diff(searched)) <= COARSE_MM
    fullest = max(trace, key=lambda count: count.bodies)
    assert 8 <= fullest.index < 14
    assert any(8 <= index < 14 and len(boxes.boxes) for index, boxes in best.items())
    assert told[-1][0] == told[-1][1] == len(searched)
