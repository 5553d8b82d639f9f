"""Which of the found bodies stand in one column; the rest are strays (kidneys, bowel, muscle).

On lateral slices, where no spine is visible, a network finds a few body-like things here and there.
They do not stand above one another at the distance and size of vertebral bodies.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinetk.boxes import box_iou, square_boxes

NEAREST, FARTHEST = 0.35, 2.8
"""Distance of neighbouring centres in mean box widths. Bodies stand 0.8 to 1.4 apart, less where a
border cuts one, and twice that where one between them was missed."""
WIDTH_RATIO = 1.8
"""Neighbouring boxes differ by less than this factor in width (the height of a body that the border
cuts says nothing)."""
LEAN_DEGREES = 74.0
"""The step from a body to the next leans less than this from head-foot (a slipped L5 to S1 leans
most)."""
TRUSTED_BELOW = 3
"""So many bodies above an S1 bear it out."""
SAME_BOX = 0.5
"""Boxes that overlap by more than this IoU are proposals of one structure."""
DISC_REACH = 1.3
"""A disc belongs to the column if its centre is within this many body sizes of a body's."""


def column_members(
    bodies: NDArray[np.floating],
    scores: NDArray[np.floating],
    sacral: NDArray[np.bool_],
    discs: NDArray[np.floating],
    spacing: tuple[float, float] | None = None,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The column rule: which bodies stand in one column and not below its S1, and which discs lie
    beside them.

    Args:
        bodies: float [N, 4], xyxy in upright pixels (head up), S1 among them.
        scores: float [N].
        sacral: bool [N], those that were found as S1.
        discs: float [M, 4].
        spacing: (row, column) of the pixels in mm; taken as square where it is not known.

    Returns:
        bool [N] and bool [M].
    """
    square = square_boxes(bodies, spacing)
    members = in_column(square, scores)
    members[members] = above_sacrum(square[members], sacral[members])
    return members, beside_column(square_boxes(discs, spacing), square[members])


def in_column(boxes: NDArray[np.floating], scores: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Mark the boxes of the longest plausible column; of equally long ones, the best scored.

    Args:
        boxes: float [N, 4], xyxy in upright pixels (head up).
        scores: float [N].

    Returns:
        bool [N]; all False only where N is 0.
    """
    count = len(boxes)
    members = np.zeros(count, dtype=bool)
    if count == 0:
        return members
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    widths = boxes[:, 2] - boxes[:, 0]
    order = np.argsort(centres[:, 1], kind="stable")
    # longest path from head to foot: length and score of the best column that ends at each box
    best = [(1, float(scores[i])) for i in order]
    before = [-1] * count
    for here in range(count):
        for above in range(here):
            a, b = order[above], order[here]
            if not _next_to(centres[a], centres[b], float(widths[a]), float(widths[b])):
                continue
            candidate = (best[above][0] + 1, best[above][1] + float(scores[b]))
            if candidate > best[here]:
                best[here], before[here] = candidate, above
    place = max(range(count), key=lambda k: best[k])
    while place >= 0:
        members[order[place]] = True
        place = before[place]
    return members


def above_sacrum(boxes: NDArray[np.floating], sacral: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the boxes of a column that do not lie below its S1, where S1 was found under at least
    `TRUSTED_BELOW` bodies: what looks like one more body there is S2 or part of the pelvis.

    Args:
        boxes: float [N, 4], xyxy in upright pixels.
        sacral: bool [N], the boxes found as S1.
    """
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    kept = np.ones(len(boxes), dtype=bool)
    for lowest in np.flatnonzero(sacral):
        if (middle < middle[lowest]).sum() >= TRUSTED_BELOW:
            kept &= middle <= middle[lowest]
    return kept


SMALL_SACRAL_BOX = 0.6
"""Share of the area of the body above that an S1 has at least; an S2 has about half of S1's."""


def without_second_sacral(
    boxes: NDArray[np.floating], sacral: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Mark proposals of bodies that stand where S1 was proposed at two places, one above the other:
    the lower one, where it is small, is S2, and the upper one S1 and no other body.

    Args:
        boxes: float [N, 4], xyxy in upright pixels, several at one place among them.
        sacral: bool [N], the boxes proposed as S1.
    """
    kept = np.ones(len(boxes), dtype=bool)
    if sacral.sum() < 2:
        return kept
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    same = box_iou(boxes, boxes) > SAME_BOX
    for low in np.flatnonzero(sacral):
        above = [k for k in np.flatnonzero(sacral & (middle < middle[low])) if not same[low, k]]
        if not above:
            continue
        high = max(above, key=lambda k: middle[k])
        between = (middle > middle[high]) & (middle < middle[low]) & ~same[low] & ~same[high]
        if area[low] < SMALL_SACRAL_BOX * area[high] and not between.any():
            kept &= ~same[low] & (sacral | ~same[high])
    return kept


def beside_column(boxes: NDArray[np.floating], bodies: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Mark boxes [N, 4] whose centre is near the centre of a body [M, 4] of the column."""
    if len(bodies) == 0 or len(boxes) == 0:
        return np.ones(len(boxes), dtype=bool)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    middle = (bodies[:, :2] + bodies[:, 2:]) / 2
    sizes = np.sqrt(np.prod(bodies[:, 2:] - bodies[:, :2], axis=1))
    distance = np.linalg.norm(centres[:, None] - middle[None], axis=2)
    return np.asarray((distance < DISC_REACH * sizes[None]).any(axis=1))


def _next_to(
    upper: NDArray[np.floating], lower: NDArray[np.floating], width_a: float, width_b: float
) -> bool:
    step = lower - upper
    distance = float(np.linalg.norm(step))
    mean = (width_a + width_b) / 2
    lean = np.degrees(np.arctan2(abs(step[0]), max(step[1], 1e-6)))
    return (
        NEAREST * mean <= distance <= FARTHEST * mean
        and max(width_a, width_b) < WIDTH_RATIO * min(width_a, width_b)
        and lean < LEAN_DEGREES
    )
