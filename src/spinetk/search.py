"""Search the slices of a series for bodies and discs, and count them on each.

Slices are searched side by side, one thread a core: the network runs outside Python's lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from spinetk.anatomy import SAME_PLACE
from spinetk.boxes import box_iou
from spinetk.column import column_members, without_second_sacral
from spinetk.network.detector import Boxes
from spinetk.network.loaded import LoadedModel, prepared
from spinetk.orientation import Upright, upright
from spinetk.selection import select_slice
from spinetk.structures import BODY_KIND, DISC_KIND, SACRAL_CLASS
from spinetk.study import Modality, Series, Slice, SliceCount

REMEMBERED = 6
"""The chosen slice is nearly always among so many of the fullest; each takes some 13 MB."""
THIN_MM = 2.5
"""Slices that lie nearer to each other are first searched `COARSE_MM` apart: vertebral bodies are
40 mm wide."""
COARSE_MM = 6.0

Progress = Callable[[int, int], None]


def search(
    series: Series,
    loaded: LoadedModel,
    threshold: float,
    on_slice: Progress | None = None,
) -> tuple[list[SliceCount], dict[int, Boxes]]:
    """Count what is found on the slices of a series.

    Every slice is searched. Only where slices lie less than `THIN_MM` apart (the cuts of a CT, an
    isotropic volume) are they searched `COARSE_MM` apart first, and then every one between the
    neighbours of the best.

    Args:
        on_slice: called with the number of slices searched so far, and of all to be searched.

    Returns:
        as `detect`, in the order of the series.
    """
    count = len(series.slices)
    step = _coarse_step(series)
    coarse = list(range(step // 2, count, step))
    extra = 2 * (step - 1)

    def tell(done: int, total: int) -> None:
        if on_slice is not None:
            on_slice(done, total)

    trace, best = detect(
        (series.slices[index] for index in coarse), loaded, threshold, series.modality,
        lambda done: tell(done, len(coarse) + extra),
    )  # fmt: skip
    if step == 1:
        return trace, best
    middle = select_slice(trace)
    around = range(max(0, middle - step + 1), min(count, middle + step))
    fine = [index for index in around if index != middle]
    more, better = detect(
        (series.slices[index] for index in fine), loaded, threshold, series.modality,
        lambda done: tell(len(coarse) + done, len(coarse) + len(fine)),
    )  # fmt: skip
    return sorted([*trace, *more], key=lambda count_of_slice: count_of_slice.index), best | better


def _coarse_step(series: Series) -> int:
    """Every which slice is searched first."""
    geometry = series.slices[0].geometry
    if geometry is None or not 0 < geometry.thickness < THIN_MM:
        return 1
    return min(int(COARSE_MM / geometry.thickness), len(series.slices))


def detect(
    slices: Iterable[Slice],
    loaded: LoadedModel,
    threshold: float,
    modality: Modality | None = None,
    on_slice: Callable[[int], None] | None = None,
) -> tuple[list[SliceCount], dict[int, Boxes]]:
    """Count what is found on each of some slices.

    Returns:
        the counts, and by slice index the boxes of the `REMEMBERED` fullest slices with their
        features, so that those of the chosen slice need not be computed again.
    """
    trace: list[SliceCount] = []
    best: dict[int, Boxes] = {}
    rank: dict[int, tuple[int, float]] = {}
    for view, boxes in _searched(slices, loaded, modality):
        index = view.stored.index
        count = count_boxes(index, boxes, loaded.model.classes, threshold, view.spacing)
        trace.append(replace(count, number=view.stored.number))
        best[index], rank[index] = boxes, (count.bodies, count.area)
        if len(best) > REMEMBERED:
            del best[min(best, key=rank.__getitem__)]
        if on_slice is not None:
            on_slice(len(trace))
    return trace, best


def _searched(
    slices: Iterable[Slice], loaded: LoadedModel, modality: Modality | None
) -> Iterator[tuple[Upright, Boxes]]:
    """Each slice with its boxes, in order; never more slices in memory than threads and one."""

    def boxes_of(view: Upright) -> Boxes:
        return loaded.detector.find_boxes(prepared(view, loaded, modality))

    threads = loaded.detector.threads
    waiting: deque[tuple[Upright, Future[Boxes]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for view in map(upright, slices):
            waiting.append((view, pool.submit(boxes_of, view)))
            if len(waiting) > threads:
                done, boxes = waiting.popleft()
                yield done, boxes.result()
        for done, boxes in waiting:
            yield done, boxes.result()


def count_boxes(
    index: int,
    boxes: Boxes,
    classes: tuple[str, ...],
    threshold: float,
    spacing: tuple[float, float] | None = None,
) -> SliceCount:
    """Count the bodies of the column (S1 among them, none twice) and its discs on one slice."""
    kept = boxes.scores >= threshold
    names = np.array(["", *classes])[boxes.labels[kept]]
    # a network of other classes counts everything that it finds
    body = np.isin(names, (BODY_KIND, SACRAL_CLASS) if BODY_KIND in classes else classes)
    if BODY_KIND in classes:
        body[body] = without_second_sacral(boxes.boxes[kept][body], names[body] == SACRAL_CLASS)
    places, scores = boxes.boxes[kept][body], boxes.scores[kept][body]
    # a body that was also found as S1 counts once, with its better score (boxes come best first)
    again = np.triu(box_iou(places, places) > SAME_PLACE, k=1).any(axis=0)
    places, scores = places[~again], scores[~again]
    discs = boxes.boxes[kept][names == DISC_KIND]
    if BODY_KIND in classes:
        sacral = names[body][~again] == SACRAL_CLASS
        members, beside = column_members(places, scores, sacral, discs, spacing)
        places, discs = places[members], discs[beside]
    area = float(np.prod(places[:, 2:] - places[:, :2], axis=1).sum())
    return SliceCount(index=index, bodies=len(places), discs=len(discs), area=area)
