"""Where in an image a visible vertebral body or disc may lack its annotation.

Most spine data sets label some levels or one class only. Anything else that is visible there must
not be learned as background. Unlabelled bodies and discs can lie only along the spinal column, so
the doubtful region is a corridor along it; the rest of the image stays a source of true negatives.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.boxes import mask_centre
from spinetk.datasets.annotated import BODY, AnnotatedImage
from spinetk.structures import RANKS, SPINE_CLASSES

CORRIDOR_HALF_WIDTH = 0.95
"""Half width of the corridor in median body widths (the labelled bodies lie within 0.5)."""
END_SPREAD_DEGREES = 25.0
"""The corridor widens by this angle beyond the labelled part, where the curve is not known."""

DOWN_TO_S1 = {"L5": 1, "L4": 2, "L3": 3, "L2": 4, "L1": 5}
"""So many bodies down to S1 can be unlabelled below a level; they reach no further than so many of
the bodies' distances, and one."""


def unlabelled_region(image: AnnotatedImage, category: int | None = None) -> NDArray[np.bool_]:
    """Mark where an instance without annotation may be visible.

    Args:
        category: ask for instances of this category only; of any category by default.

    The rule, from the dataset contract (`labelled_categories`, `exhaustive`):

    - every class labelled and exhaustive: only below the lowest instance, because `exhaustive`
      speaks of what lies above the sacrum; below S1 nothing is left to label, so an image whose
      lowest body is S1 has no doubtful region at all, and below a lumbar level it ends where S1
      does;
    - otherwise: the whole corridor except the labelled instances themselves, and nothing below S1;
      asked for bodies, not between bodies whose levels follow each other without a gap, and not
      in `exhaustive_rows`;
    - a frontal film shows no disc, so bodies are all that can be missing there;
    - no labelled body to find the column by: nothing where the image is complete (a lateral slice
      without a body), else the whole image.

    For categories that are not those of a spine nothing is known of where instances lie: the whole
    image is doubtful unless every category is labelled exhaustively.

    Returns:
        bool [H, W] on the image's own grid; True is doubtful.
    """
    height, width = image.pixels.shape
    if category is None and image.view == "ap":
        category = BODY
    complete = image.complete
    if category is not None:
        complete = image.exhaustive and category in image.labelled_categories
    bodies = [a for a in image.instances if a.category == BODY]
    if image.classes != SPINE_CLASSES or not bodies:
        return np.full((height, width), not complete)
    centres = np.array([mask_centre(a.mask) for a in bodies])
    order = np.argsort(centres[:, 1])
    centres = centres[order]
    lowest = bodies[int(order[-1])]
    body_width = float(np.median([a.box[2] - a.box[0] for a in bodies]))
    ends_at_sacrum = lowest.level == "S1"

    region = np.zeros((height, width), dtype=np.uint8)
    half = CORRIDOR_HALF_WIDTH * body_width
    no_gap = category == BODY and _follow_each_other([a.level for a in bodies])
    if not complete and no_gap:
        _extend(region, centres, half, upwards=True)
    elif not complete:
        line = np.round(centres).astype(np.int32)
        cv2.polylines(region, [line], False, 1, thickness=max(1, round(2 * half)))
        _extend(region, centres, half, upwards=True)
    if not ends_at_sacrum:
        reach = None
        if lowest.level in DOWN_TO_S1 and len(bodies) > 1:
            reach = (DOWN_TO_S1[lowest.level] + 1) * _pitch(centres)
        _extend(region, centres, half, upwards=False, reach=reach)
    else:
        region[_below(lowest.mask, centres)] = 0
    doubtful = region.astype(bool)
    for instance in image.instances:
        doubtful &= ~instance.mask
    if category == BODY and image.exhaustive_rows is not None:
        first, last = (int(row) for row in image.exhaustive_rows)
        doubtful[max(0, first) : last + 1] = False
    if complete:  # between and above the labelled instances everything is known
        doubtful[: int(lowest.box[3])] = False
    return doubtful


def _follow_each_other(levels: list[str | None]) -> bool:
    """Whether the levels are all known, and none lies between two of them."""
    if not all(level in RANKS for level in levels):
        return False
    ranks = np.sort([RANKS[level] for level in levels if level])
    return len(ranks) > 1 and bool((np.diff(ranks) <= 1).all())


def _pitch(centres: NDArray[np.float64]) -> float:
    """Median distance of neighbouring bodies in pixels."""
    return float(np.median(np.linalg.norm(np.diff(centres, axis=0), axis=1)))


def _direction(centres: NDArray[np.float64], upwards: bool) -> NDArray[np.float64]:
    """Unit vector (x, y) along the column at its upper or lower labelled end."""
    down = np.array([0.0, 1.0])
    if len(centres) >= 2:
        ends = centres[:3] if upwards else centres[-3:]
        down = ends[-1] - ends[0]
        down = down / max(float(np.linalg.norm(down)), 1e-6)
    return -down if upwards else down


def _extend(
    region: NDArray[np.uint8],
    centres: NDArray[np.float64],
    half: float,
    *,
    upwards: bool,
    reach: float | None = None,
) -> None:
    """Draw the widening corridor from the last labelled body, as far as `reach` pixels or to the
    image's border."""
    start = centres[0] if upwards else centres[-1]
    along = _direction(centres, upwards)
    across = np.array([-along[1], along[0]])
    reach = reach or float(sum(region.shape))
    spread = half + reach * float(np.tan(np.radians(END_SPREAD_DEGREES)))
    end = start + reach * along
    corners = np.array(
        [start - half * across, start + half * across, end + spread * across, end - spread * across]
    )
    cv2.fillPoly(region, [np.round(corners).astype(np.int32)], 1)


def _below(mask: NDArray[np.bool_], centres: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Pixels on the caudal side of the lowest body's centre: bool [H, W]."""
    along = _direction(centres, upwards=False)
    rows, columns = np.indices(mask.shape)
    depth = (columns - centres[-1, 0]) * along[0] + (rows - centres[-1, 1]) * along[1]
    return np.asarray(depth > 0)
