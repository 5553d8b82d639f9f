"""Study in, segmentation out: the eight steps, in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spinetk.anatomy import (
    BODY_KIND,
    DISC_KIND,
    SAME_PLACE,
    order_and_name,
    without_doubles,
    without_overlap,
    without_strays,
)
from spinetk.boxes import box_iou, mask_box, square_boxes
from spinetk.column import above_sacrum, beside_column, in_column
from spinetk.dataset import SACRAL_CLASS
from spinetk.errors import NothingFound, UsageError
from spinetk.network.detector import Boxes, Detector
from spinetk.network.fitting import NetworkInput, fit_slice
from spinetk.network.registry import FOR_MODALITY, Model, find_model
from spinetk.orientation import upright_turn
from spinetk.selection import select_slice
from spinetk.study import Instance, Modality, Segmentation, Series, Slice, SliceCount

SliceChoice = Literal["auto"] | int
SMALL_SACRAL_BODY = 0.6
"""Share of the area of L5: between the 1st and the 5th percentile of mr_backspine's references."""
REMEMBERED = 4
"""The chosen slice is nearly always among so many of the fullest; each takes some 13 MB."""


@dataclass(frozen=True)
class LoadedModel:
    """A network ready to run, with the card that says how."""

    model: Model
    detector: Detector


def load_model(name: str | Path, threads: int | None = None) -> LoadedModel:
    """Load a shipped network ("mr") or an ONNX file with its card beside it.

    Raises:
        UsageError: there is no such network, or it cannot be loaded.
    """
    model = find_model(name)
    return LoadedModel(model, Detector(model.path, threads))


def model_for(series: Series, modality: Modality | None = None) -> tuple[str, Series]:
    """Name of the shipped network for a series, and the series with the modality that it is taken
    for (a warning says so where it is assumed).

    Args:
        modality: what the user says; what the file says is used otherwise.
    """
    chosen = modality or series.modality
    warnings = series.warnings
    if chosen is None:
        chosen = "MR"
        warnings += ("the file does not name its modality: MR is assumed (see --modality)",)
    return FOR_MODALITY[chosen], replace(series, modality=chosen, warnings=warnings)


def segment(
    series: Series,
    loaded: LoadedModel,
    *,
    slice_choice: SliceChoice = "auto",
    score: float | None = None,
    anchor: tuple[str, int] | None = None,
    on_slice: Callable[[int], None] | None = None,
) -> Segmentation:
    """Find, select, outline, order and name the bodies and discs of one series.

    Args:
        series: as `spinetk.readers.read` gives it.
        loaded: the network.
        slice_choice: "auto" selects the slice with the most bodies; a number takes that slice.
        score: threshold, 0..1; the model card's by default.
        anchor: a level and the place of its body from below, as ("L5", 2).
        on_slice: called with the number of slices searched so far.

    Raises:
        UsageError: there is no such slice.
        NothingFound: nothing was found on any slice.
    """
    seconds: dict[str, float] = {}
    threshold = loaded.model.score_threshold if score is None else score
    searched = _slices_to_search(series, slice_choice)
    with _timed(seconds, "detect"):
        trace, best = detect(searched, loaded, threshold, series.modality, on_slice)
    with _timed(seconds, "select"):
        chosen = select_slice(trace)
    with _timed(seconds, "mask"):
        one = series.slices[chosen]
        found = outline(one, loaded, threshold, series.modality, best.get(chosen))
    if not found:
        raise NothingFound(
            f"series {series.key}: no vertebral body or disc was found on any of "
            f"{len(searched)} slices (score threshold {threshold:g})"
        )
    with _timed(seconds, "order"):
        instances, warnings = order_and_name(found, anchor)
    turn = upright_turn(one.directions)
    return Segmentation(
        series=series,
        slice_index=chosen,
        instances=tuple(_turned_back(i, turn.undo(i.mask)) for i in instances),
        trace=tuple(trace),
        model=loaded.model.name,
        seconds=seconds,
        warnings=(*series.warnings, *warnings, *_doubts(instances)),
    )


def detect(
    slices: Sequence[Slice],
    loaded: LoadedModel,
    threshold: float,
    modality: Modality | None = None,
    on_slice: Callable[[int], None] | None = None,
) -> tuple[list[SliceCount], dict[int, Boxes]]:
    """Count what is found on each slice.

    Returns:
        the counts, and by slice index the boxes of the `REMEMBERED` fullest slices with their
        features, so that those of the chosen slice need not be computed again.
    """
    trace: list[SliceCount] = []
    best: dict[int, Boxes] = {}
    rank: dict[int, tuple[int, float]] = {}
    for done, one in enumerate(slices):
        boxes = loaded.detector.find_boxes(prepared(one, loaded, modality))
        spacing = upright_turn(one.directions).spacing(one.spacing)
        count = count_boxes(one.index, boxes, loaded.model.classes, threshold, spacing)
        trace.append(replace(count, number=one.number))
        best[one.index], rank[one.index] = boxes, (count.bodies, count.area)
        if len(best) > REMEMBERED:
            del best[min(best, key=rank.__getitem__)]
        if on_slice is not None:
            on_slice(done + 1)
    return trace, best


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
    places, scores = boxes.boxes[kept][body], boxes.scores[kept][body]
    # a body that was also found as S1 counts once, with its better score (boxes come best first)
    again = np.triu(box_iou(places, places) > SAME_PLACE, k=1).any(axis=0)
    places, scores = places[~again], scores[~again]
    discs = boxes.boxes[kept][names == DISC_KIND]
    if BODY_KIND in classes:
        square = square_boxes(places, spacing)
        members = in_column(square, scores)
        sacral = (names[body][~again] == SACRAL_CLASS)[members]
        members[members] = above_sacrum(square[members], sacral)
        places = places[members]
        discs = discs[beside_column(square_boxes(discs, spacing), square[members])]
    area = float(np.prod(places[:, 2:] - places[:, :2], axis=1).sum())
    return SliceCount(index=index, bodies=len(places), discs=len(discs), area=area)


def outline(
    one: Slice,
    loaded: LoadedModel,
    threshold: float,
    modality: Modality | None = None,
    boxes: Boxes | None = None,
) -> list[Instance]:
    """Masks of everything found on one slice, upright, not yet ordered.

    Args:
        boxes: what was found on it, if it was searched already.
    """
    spacing = upright_turn(one.directions).spacing(one.spacing)
    return resolve(candidates(one, loaded, threshold, modality, boxes), spacing)


def candidates(
    one: Slice,
    loaded: LoadedModel,
    threshold: float,
    modality: Modality | None = None,
    boxes: Boxes | None = None,
) -> list[Instance]:
    """Everything that the network proposes on one slice above the threshold."""
    boxes = boxes or loaded.detector.find_boxes(prepared(one, loaded, modality))
    found = loaded.detector.find_masks(boxes, threshold)
    return [
        Instance(
            kind=loaded.model.classes[int(label) - 1],
            mask=mask,
            box=mask_box(mask),
            score=float(score),
        )
        for label, score, mask in zip(found.labels, found.scores, found.masks, strict=True)
    ]


def resolve(
    found: Sequence[Instance], spacing: tuple[float, float] | None = None
) -> list[Instance]:
    """Of the proposals on an upright slice, those that stand: none twice, in one column, without
    overlap."""
    return without_overlap(without_strays(without_doubles(found), spacing))


def _slices_to_search(series: Series, choice: SliceChoice) -> Sequence[Slice]:
    if choice == "auto":
        return series.slices
    if not 0 <= choice < len(series.slices):
        raise UsageError(
            f"series {series.key}: there is no slice {choice}; it has slices 0 to "
            f"{len(series.slices) - 1}"
        )
    return (series.slices[choice],)


def prepared(one: Slice, loaded: LoadedModel, modality: Modality | None) -> NetworkInput:
    """The slice turned head up, anterior left, and fitted into the network's input."""
    turn = upright_turn(one.directions)
    side = loaded.model.input_side(modality)
    content = turn.box(one.content, one.pixels.shape) if one.content else None
    return fit_slice(
        turn.apply(one.visible), turn.spacing(one.spacing), side, modality, content=content
    )


def _turned_back(instance: Instance, mask: NDArray[np.bool_]) -> Instance:
    return replace(instance, mask=mask, box=mask_box(mask))


def _doubts(instances: list[Instance]) -> list[str]:
    """What makes the result less certain than its numbers look."""
    doubts = []
    bodies = [i for i in instances if i.kind == BODY_KIND]
    if len(bodies) < 3:
        found = f"{len(bodies)} vertebral {'body was' if len(bodies) == 1 else 'bodies were'} found"
        doubts.append(f"only {found}: check the slice")
    unsure = [i for i in instances if i.score < 0.8]
    if unsure:
        which = "instance has" if len(unsure) == 1 else "instances have"
        doubts.append(f"{len(unsure)} {which} a score below 0.8")
    if any(i.level is None for i in bodies):
        doubts.append(
            "not every body's level is known: use the order from below, or name one (--anchor L5=2)"
        )
    if len(bodies) > 1 and bodies[0].level == "S1":
        share = bodies[0].mask.sum() / max(1, bodies[1].mask.sum())
        if share < SMALL_SACRAL_BODY:
            doubts.append(
                "the body named S1 is small beside the one above it and may be S2: check the levels"
            )
    return doubts


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - start
