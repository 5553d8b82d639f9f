"""Study in, segmentation out: the steps for one series, in order.

    how it lies -> search -> select -> outline -> order and name -> how it faces -> turn back

Readers give the series; measuring and writing come after (`spinetk.results.write`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

from spinetk.anatomy import (
    order_and_name,
    without_doubles,
    without_false_sacrum,
    without_named_sacrum,
    without_overlap,
    without_strays,
)
from spinetk.boxes import mask_box
from spinetk.errors import NothingFound, UsageError
from spinetk.network.closer_look import closer_look
from spinetk.network.detector import Boxes
from spinetk.network.loaded import LoadedModel, prepared
from spinetk.orientation import Turn, Upright, upright
from spinetk.search import Progress, detect, search
from spinetk.selection import select_slice, share_of_largest
from spinetk.structures import BODY_KIND
from spinetk.study import (
    UNSURE_SCORE,
    Instance,
    Modality,
    Segmentation,
    Series,
    Slice,
    SliceCount,
)
from spinetk.turned import as_it_faces, as_it_lies
from spinetk.warning import Warning

SliceChoice = Literal["auto"] | int
LEAST_SHARE = 0.9
"""Of the largest area that the bodies have on any slice."""
SMALL_SACRAL_BODY = 0.6
"""Share of the area of L5: between the 1st and the 5th percentile of mr_backspine's references."""


def segment(
    series: Series,
    loaded: LoadedModel,
    *,
    slice_choice: SliceChoice = "auto",
    score: float | None = None,
    anchor: tuple[str, int] | None = None,
    on_slice: Progress | None = None,
) -> Segmentation:
    """Find, select, outline, order and name the bodies and discs of one series.

    Args:
        series: as `spinetk.readers.read` gives it.
        loaded: the network.
        slice_choice: "auto" selects the slice with the most bodies; a number takes that slice.
        score: threshold, 0..1; the model card's by default.
        anchor: a level and the place of its body from below, as ("L5", 2).
        on_slice: called with the number of slices searched so far, and of all to be searched.

    Raises:
        Unsuitable: a picture shows two spines side by side.
        UsageError: there is no such slice, or the anchor names a body that was not found.
        NothingFound: nothing was found on any slice.
    """
    seconds: dict[str, float] = {}
    threshold = loaded.model.score_threshold if score is None else score
    with _timed(seconds, "turn"):
        series = as_it_lies(series, loaded, threshold)
    with _timed(seconds, "detect"):
        if slice_choice == "auto":
            trace, best = search(series, loaded, threshold, on_slice)
        else:
            asked = [_slice(series, slice_choice)]
            trace, best = detect(asked, loaded, threshold, series.modality)
    with _timed(seconds, "select"):
        chosen = select_slice(trace)
    with _timed(seconds, "mask"):
        view = upright(series.slices[chosen])
        found = outline(view, loaded, threshold, series.modality, best.get(chosen))
    if not found:
        where = "the slice" if len(trace) == 1 else f"any of {len(trace)} slices"
        text = f"no vertebral body or disc was found on {where} (score threshold {threshold:g})"
        if "modality-assumed" in {warning.code for warning in series.warnings}:
            text += f"; it was taken for {series.modality}: --modality says otherwise"
        raise NothingFound(text, series.key)
    with _timed(seconds, "order"):
        rule = loaded.model.naming
        if series.in_grey_values and series.source != "raster":
            found, rule = without_named_sacrum(found), None
        instances, warnings = order_and_name(found, anchor, rule, view.content, view.spacing)
        series = as_it_faces(series, instances)
    return Segmentation(
        series=series,
        slice_index=chosen,
        instances=tuple(_turned_back(instance, view.turn) for instance in instances),
        trace=tuple(trace),
        model=loaded.model.name,
        seconds=seconds,
        warnings=(*series.warnings, *warnings, *_of_choice(trace, chosen), *doubts(instances)),
    )


def outline(
    view: Upright,
    loaded: LoadedModel,
    threshold: float,
    modality: Modality | None = None,
    boxes: Boxes | None = None,
) -> list[Instance]:
    """Masks of everything found on one slice, upright, not yet ordered.

    Args:
        boxes: what was found on it, if it was searched already.
    """
    return resolve(candidates(view, loaded, threshold, modality, boxes), view.spacing)


def candidates(
    view: Upright,
    loaded: LoadedModel,
    threshold: float,
    modality: Modality | None = None,
    boxes: Boxes | None = None,
) -> list[Instance]:
    """Everything that the network proposes on one slice above the threshold, upright."""
    boxes = boxes or loaded.detector.find_boxes(prepared(view, loaded, modality))
    boxes = closer_look(view, loaded, modality, boxes, loaded.model.score_threshold)
    found = loaded.detector.find_masks(boxes, threshold)
    plain = [
        Instance(
            kind=loaded.model.classes[int(label) - 1],
            mask=mask,
            box=mask_box(mask),
            score=float(score),
        )
        for label, score, mask in zip(found.labels, found.scores, found.masks, strict=True)
    ]
    calibration = loaded.model.calibration
    if calibration is None or found.quality is None or found.levels is None:
        return plain
    return [
        replace(
            instance,
            quality=round(float(expected), 4),
            poor=bool(expected < calibration.quality_bound),
            quality_low=round(max(0.0, float(low) - calibration.quality_margin), 4),
            evidence=levels,
        )
        for instance, (expected, low), levels in zip(
            plain, found.quality, found.levels, strict=True
        )
    ]


def resolve(
    found: Sequence[Instance], spacing: tuple[float, float] | None = None
) -> list[Instance]:
    """Of the proposals on an upright slice, those that stand: none twice, in one column, without
    overlap."""
    single = without_doubles(without_false_sacrum(found))
    return without_overlap(without_strays(single, spacing))


def _of_choice(trace: Sequence[SliceCount], chosen: int) -> list[Warning]:
    """That another slice shows clearly more of the bodies' area than the one that was chosen for
    their number: one of them may be false."""
    share = share_of_largest(trace, chosen)
    if share >= LEAST_SHARE:
        return []
    text = f"the bodies on the slice have {share:.0%} of the area that they have on another"
    return [Warning("smaller-slice", f"{text}: check the slice")]


def doubts(instances: Sequence[Instance]) -> list[Warning]:
    """What makes the result less certain than its numbers look."""
    out = []
    whole = [i for i in instances if not i.truncated]  # what the border cuts is in no study
    poor = [i for i in whole if i.poor]
    if poor:
        which = "outline is" if len(poor) == 1 else "outlines are"
        out.append(Warning("low-quality", f"{len(poor)} {which} probably poor"))
    bodies = [i for i in instances if i.kind == BODY_KIND]
    if len(bodies) < 3:
        found = f"{len(bodies)} vertebral {'body was' if len(bodies) == 1 else 'bodies were'} found"
        out.append(Warning("few-bodies", f"only {found}: check the slice"))
    unsure = [i for i in whole if 0 < i.score < UNSURE_SCORE]  # 0: a person's
    if unsure:
        which = "instance has" if len(unsure) == 1 else "instances have"
        out.append(Warning("low-score", f"{len(unsure)} {which} a score below {UNSURE_SCORE:g}"))
    if any(i.level is None for i in bodies):
        text = "not every body's level is known: use the order from below, or name one"
        out.append(Warning("level-unknown", text))
    if len(bodies) > 1 and bodies[0].level == "S1" and not bodies[0].truncated:
        share = bodies[0].mask.sum() / max(1, bodies[1].mask.sum())
        if share < SMALL_SACRAL_BODY:
            text = "the body named S1 is small beside the one above it and may be S2"
            out.append(Warning("small-sacrum", f"{text}: check the levels"))
    return out


def _slice(series: Series, index: int) -> Slice:
    if not 0 <= index < len(series.slices):
        last = len(series.slices) - 1
        raise UsageError(f"there is no slice {index}; it has slices 0 to {last}", series.key)
    return series.slices[index]


def _turned_back(instance: Instance, turn: Turn) -> Instance:
    mask = turn.undo(instance.mask)
    return replace(instance, mask=mask, box=mask_box(mask))


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - start
