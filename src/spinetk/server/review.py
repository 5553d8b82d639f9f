"""A result as the page shows and changes it: everything upright, head up and anterior left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinetk.anatomy import cut_by_border, order_and_name
from spinetk.boxes import mask_box, mask_centre
from spinetk.errors import UsageError
from spinetk.measures.table import measurements
from spinetk.orientation import Upright, upright
from spinetk.results.record import Record
from spinetk.results.reopen import reopen
from spinetk.rle import decode_rle, encode_rle
from spinetk.server.editing import Marked, borders, outlines
from spinetk.server.schema import Rle, ShownMark
from spinetk.structures import BODY_KIND, DISC_KIND, DISC_LEVELS, column_with
from spinetk.study import Instance, Segmentation, Series


@dataclass(frozen=True)
class Review:
    """A result and the series that it belongs to.

    Attributes:
        result: as it was written.
        record: its run.json.
        view: the segmented slice as the page shows it.
        marked: its instances, upright.
    """

    result: Segmentation
    record: Record
    view: Upright
    marked: tuple[Marked, ...]

    @property
    def key(self) -> str:
        """Of the result: the series' own, or with the ending of a slice or a version."""
        return self.record.key


def open_review(folder: Path, record: Record, series: Series) -> Review:
    """Read a result that belongs to the series.

    Raises:
        SpineError: a file of it cannot be read.
    """
    result = reopen(folder, record, series)
    view = upright(result.slice)
    marked = tuple(
        Marked(
            id=str(number),
            kind=instance.kind,
            level=instance.level,
            mask=view.turn.apply(instance.mask),
            score=instance.score or None,
        )
        for number, instance in enumerate(result.instances, 1)
    )
    return Review(result, record, view, marked)


def as_mask(review: Review, rle: dict[str, Any] | None) -> NDArray[np.bool_]:
    """A mask of the page (none: empty), bool [H, W] upright.

    Raises:
        ValueError: it does not fit the slice.
    """
    if rle is None:
        return np.zeros(review.view.shape, dtype=bool)
    if tuple(rle["size"]) != review.view.shape:
        raise ValueError(f"{rle['size']} against {review.view.shape}")
    return decode_rle(rle)


def described(review: Review, marked: Sequence[Marked]) -> list[ShownMark]:
    """Instances with their outlines and measures, in the given order."""
    rows = measurements(as_segmentation(review, marked)) if marked else []
    return [
        ShownMark(
            id=item.id,
            kind=item.kind,
            level=item.level,
            score=item.score,
            truncated=bool(row["truncated"]),
            rle=Rle.model_validate(encode_rle(item.mask)),
            outline=outlines(item.mask),
            border=borders(item.mask),
            centre=mask_centre(item.mask),
            measures=row,
        )
        for item, row in zip(marked, rows, strict=True)
    ]


def as_segmentation(review: Review, marked: Sequence[Marked]) -> Segmentation:
    """The instances as a result on the stored slice, numbered from below within their kind."""
    heights = [(item.kind, mask_centre(item.mask)[1]) for item in marked]
    instances: list[Instance] = []
    for item, (kind, height) in zip(marked, heights, strict=True):
        lower = sum(other == kind and below > height for other, below in heights)
        stored = review.view.turn.undo(item.mask)
        same = [i for i in review.result.instances if np.array_equal(i.mask, stored)]
        # what the network says of its own outline and naming holds for those alone
        own = same[0] if same and same[0].kind == item.kind else None
        kept = own if own and own.level == item.level else None
        instances.append(
            Instance(
                kind=item.kind,
                mask=stored,
                box=mask_box(stored),
                score=item.score or 0.0,
                order=lower + 1,
                level=item.level,
                truncated=cut_by_border(item.mask, review.view.content),
                quality=own.quality if own else None,
                quality_low=own.quality_low if own else None,
                poor=own is not None and own.poor,
                level_confidence=kept.level_confidence if kept else None,
            )
        )
    return replace(review.result, instances=tuple(instances), warnings=(), correction=None)


def all_named(
    marked: Sequence[Marked], place: int, spacing: tuple[float, float] | None
) -> list[Marked]:
    """The instances with levels counted from one body that has its level.

    Args:
        spacing: (row, column) in mm of the upright slice that they are on.

    Raises:
        UsageError: it is no body or has no level, or the levels run out.
    """
    start = marked[place]
    if not start.mask.any() or start.kind != BODY_KIND or start.level is None:
        raise UsageError("choose a vertebral body that has its level")
    marked = [item for item in marked if item.mask.any()]
    bare = [unnamed(item) for item in marked]
    ordered, _ = order_and_name(bare, None)
    order = next(instance.order for instance in ordered if instance.mask is start.mask)
    named, _ = order_and_name(bare, (start.level, order), spacing=spacing)
    levels = {id(instance.mask): instance.level for instance in named}
    return [replace(item, level=levels[id(item.mask)]) for item in marked]


def with_open_level(marked: Sequence[Marked], place: int) -> list[Marked]:
    """The instances, the one at `place`, which is new, with the level that its neighbours leave
    open; without one where they do not tell it."""
    new = marked[place]
    others = [item for k, item in enumerate(marked) if k != place and item.mask.any()]
    row = mask_centre(new.mask)[1]
    found = ((mask_centre(b.mask)[1], b.level) for b in others if b.kind == BODY_KIND)
    bodies = sorted(found, key=lambda body: body[0])
    above = next((level for at, level in reversed(bodies) if at < row), "")
    below = next((level for at, level in bodies if at > row), "")
    level = _between(new.kind, above, below)
    if level in {item.level for item in others if item.kind == new.kind}:
        level = None
    return [*marked[:place], replace(new, level=level), *marked[place + 1 :]]


def _between(kind: str, above: str | None, below: str | None) -> str | None:
    """The level between two bodies; "" where there is none, None for one without a name."""
    if kind == DISC_KIND:
        return f"{above}-{below}" if f"{above}-{below}" in DISC_LEVELS else None
    if kind != BODY_KIND or None in (above, below) or not (above or below):
        return None
    names = column_with(str(above or below))
    place = names.index(above) + 1 if above else names.index(str(below)) - 1
    level = names[place] if 0 <= place < len(names) else None
    fits = not (above and below) or names[place + 1 : place + 2] == (below,)
    return level if fits else None


def unnamed(marked: Marked) -> Instance:
    """An instance of the page, upright, with neither order nor level."""
    return Instance(marked.kind, marked.mask, mask_box(marked.mask), marked.score or 0.0)
