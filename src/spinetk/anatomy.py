"""Order along the column, level names, truncation: what a reader calls the instances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress, pairwise

import numpy as np
from numpy.typing import NDArray

from spinetk.boxes import mask_box, mask_centre, square_boxes
from spinetk.column import (
    SMALL_SACRAL_BOX,
    beside_column,
    column_members,
    in_column,
    without_second_sacral,
)
from spinetk.errors import UsageError
from spinetk.naming import NamingRule, name_column
from spinetk.structures import (
    BODY_KIND,
    DISC_KIND,
    DISC_LEVELS,
    SACRAL_CLASS,
    SPINE_CLASSES,
    column_with,
    group_of,
)
from spinetk.study import UNSURE_SCORE, Instance
from spinetk.warning import Warning

GAP_FACTOR = 1.65
"""Neighbouring bodies further apart than this many median distances: a body is missing between."""
SAME_PLACE = 0.5
"""Instances that share more than this part of the smaller one's mask are the same structure."""


def without_doubles(instances: Sequence[Instance]) -> list[Instance]:
    """Drop the lower-scored of two instances at the same place (bodies include S1)."""
    kept: list[Instance] = []
    for item in sorted(instances, key=lambda i: -i.score):
        group = group_of(item.kind)
        if all(group_of(k.kind) != group or _shared(item, k) <= SAME_PLACE for k in kept):
            kept.append(item)
    return kept


def without_false_sacrum(instances: Sequence[Instance]) -> list[Instance]:
    """Drop an S2 that was proposed as S1 below an S1, and what else was proposed in place of that
    S1."""
    bodies = [i for i in instances if group_of(i.kind) == BODY_KIND]
    kept = without_second_sacral(
        np.array([i.box for i in bodies]).reshape(-1, 4),
        np.array([i.kind == SACRAL_CLASS for i in bodies], dtype=bool),
    )
    return [*compress(bodies, kept), *(i for i in instances if group_of(i.kind) != BODY_KIND)]


def without_named_sacrum(instances: Sequence[Instance]) -> list[Instance]:
    """S1 as any other body, where what was found as S1 is not believed enough to name levels by;
    a lowest body that is small and that the network is unsure of is dropped: S2 is taken for one
    where grey values are strange."""
    plain = [replace(i, kind=BODY_KIND) if i.kind == SACRAL_CLASS else i for i in instances]
    bodies = sorted(
        (i for i in plain if i.kind == BODY_KIND), key=lambda i: -mask_centre(i.mask)[1]
    )
    if len(bodies) < 3:
        return plain
    lowest, above = bodies[:2]
    small = lowest.mask.sum() < SMALL_SACRAL_BOX * above.mask.sum()
    doubtful = small and lowest.score < UNSURE_SCORE
    return [i for i in plain if i is not lowest] if doubtful else plain


def without_strays(
    instances: Sequence[Instance], spacing: tuple[float, float] | None = None
) -> list[Instance]:
    """Drop bodies that do not stand in the column, and discs that lie beside none of its bodies.

    Instances of other classes are kept.

    Args:
        instances: on an upright slice.
        spacing: (row, column) of its pixels in mm; taken as square where it is not known.
    """
    bodies = [i for i in instances if group_of(i.kind) == BODY_KIND]
    discs = [i for i in instances if i.kind == DISC_KIND]
    members, beside = column_members(
        np.array([i.box for i in bodies]).reshape(-1, 4),
        np.array([i.score for i in bodies]),
        np.array([i.kind == SACRAL_CLASS for i in bodies], dtype=bool),
        np.array([i.box for i in discs]).reshape(-1, 4),
        spacing,
    )
    kept = list(compress(bodies, members)) + list(compress(discs, beside))
    return kept + [i for i in instances if group_of(i.kind) not in SPINE_CLASSES]


def without_overlap(instances: Sequence[Instance]) -> list[Instance]:
    """Give pixels that two instances share to the higher score, so that every output (labels,
    tables, run-length masks) speaks of the same pixels. Instances that lose all are dropped."""
    if not instances:
        return []
    taken = np.zeros(instances[0].mask.shape, dtype=bool)
    kept = []
    for item in sorted(instances, key=lambda i: -i.score):
        mask = item.mask & ~taken
        if mask.any():
            kept.append(replace(item, mask=mask, box=mask_box(mask)))
            taken |= mask
    return kept


def order_and_name(
    instances: Sequence[Instance],
    anchor: tuple[str, int] | None,
    rule: NamingRule | None = None,
    content: tuple[int, int, int, int] | None = None,
    spacing: tuple[float, float] | None = None,
) -> tuple[list[Instance], list[Warning]]:
    """Number bodies and discs from below, name their levels where something tells them.

    The levels are told by the user's anchor; without one by the looks of all bodies together, where
    the network judges them and they agree; else by S1 where the network found it as the lowest
    body. Names told by one body stop at a gap in the column, where a body seems to be missing.

    Args:
        instances: masks upright: row 0 towards the head.
        anchor: a level and the order, from below, of the body that has it: ("L5", 2).
        rule: how the looks of the bodies are used; None leaves them out.
        content: the part of the image that shows anything (`cut_by_border`).
        spacing: (row, column) of the pixels in mm; they are taken as square without it.

    Returns:
        Bodies from below upwards, then discs (and other classes) from below upwards; warnings.

    Raises:
        UsageError: the anchor names no known level, or a body that was not found.
    """
    warnings: list[Warning] = []
    found = [i for i in instances if group_of(i.kind) == BODY_KIND]
    bodies = sorted(found, key=lambda i: -mask_centre(i.mask)[1])
    sacral = [k for k, body in enumerate(bodies) if body.kind == SACRAL_CLASS]
    bodies = [
        replace(
            body,
            kind=BODY_KIND,
            order=k + 1,
            truncated=cut_by_border(body.mask, content),
            sacral=k in sacral,
        )
        for k, body in enumerate(bodies)
    ]
    gaps = gaps_between(bodies, spacing)
    evidence = [body.evidence for body in bodies if body.evidence is not None]
    if anchor is None and rule is not None and bodies and len(evidence) == len(bodies):
        bodies = _named_by_looks(bodies, np.array(evidence), rule, sacral, gaps, warnings)
    elif anchor is None and sacral:
        if sacral == [0]:
            anchor = ("S1", 1)
        else:
            warnings.append(
                Warning(
                    "sacrum-not-lowest",
                    "S1 was found, but not as the lowest body: levels are not named",
                )
            )
    elif anchor is not None and sacral and bodies:
        [found_as] = [b.level for b in _named(bodies, anchor, gaps, []) if b.order == sacral[0] + 1]
        if found_as != "S1":
            warnings.append(
                Warning(
                    "anchor-against-sacrum",
                    f"the anchor {anchor[0]}={anchor[1]} makes the body that looks like S1 "
                    f"{found_as or 'a level that does not exist'}: check it on the overlay",
                )
            )
    if anchor is not None and bodies:
        bodies = _named(bodies, anchor, gaps, warnings)
        if rule is not None and len(evidence) == len(bodies):
            warnings += _against_looks(bodies, np.array(evidence), rule, gaps)
    rest: list[Instance] = []
    for kind in dict.fromkeys(i.kind for i in instances if group_of(i.kind) != BODY_KIND):
        of_kind = [i for i in instances if i.kind == kind]
        of_kind.sort(key=lambda i: -mask_centre(i.mask)[1])
        rest += [
            replace(
                item,
                order=k + 1,
                level=_disc_level(item, bodies) if kind == DISC_KIND else None,
                truncated=cut_by_border(item.mask, content),
            )
            for k, item in enumerate(of_kind)
        ]
    return [*bodies, *_none_twice(rest, warnings)], warnings


def _against_looks(
    bodies: Sequence[Instance],
    evidence: NDArray[np.floating],
    rule: NamingRule,
    gaps: set[int],
) -> list[Warning]:
    """That the looks of bodies which somebody named are sure of other levels."""
    naming = name_column(evidence, rule.weight, gaps)
    pairs = zip(bodies, naming.levels, strict=True)
    other = next(((b.level, level) for b, level in pairs if b.level not in (None, level)), None)
    if naming.confidence < rule.bound or other is None:
        return []
    text = f"the body named {other[0]} looks like {other[1]} (confidence {naming.confidence:.2f})"
    return [Warning("anchor-against-looks", f"{text}: check the level that was given")]


def _none_twice(discs: list[Instance], warnings: list[Warning]) -> list[Instance]:
    """Discs of which no two have one level: of several between the same bodies the best scored has
    the name."""
    best: dict[str, Instance] = {}
    for disc in discs:
        if disc.level is not None and disc.score > getattr(best.get(disc.level), "score", -1.0):
            best[disc.level] = disc
    out: list[Instance] = []
    for disc in discs:
        if disc.level is not None and best[disc.level] is not disc:
            text = f"several discs were found at {disc.level}: the best scored one has the name"
            warnings.append(Warning("disc-twice", text))
            out.append(replace(disc, level=None))
        else:
            out.append(disc)
    return out


def column_directions(
    masks: Sequence[NDArray[np.bool_]],
    kinds: Sequence[str],
    spacing: tuple[float, float] | None = None,
) -> list[tuple[float, float]]:
    """Direction (x, y) in pixels of the column at each of the masks, pointing to the feet.

    It joins the second neighbours above and below (bodies and discs alternate; at an end of the
    column what is left of them); a lone instance is taken to stand upright. What stands off the
    column (a person may mark anything) is no neighbour.

    Args:
        masks: upright, bool [H, W].
        kinds: class of each.
        spacing: (row, column) in mm of the upright slice, None where it is not known.
    """
    centres = np.array([mask_centre(mask) for mask in masks]).reshape(-1, 2)
    boxes = square_boxes(np.array([mask_box(mask) for mask in masks]), spacing)
    bodies = np.array([group_of(kind) == BODY_KIND for kind in kinds], dtype=bool)
    column = bodies.copy()
    column[bodies] = in_column(boxes[bodies], np.ones(bodies.sum()))
    # of single bodies here and there, none is more of a column than another
    if 2 * column.sum() > bodies.sum():
        column[~bodies] = beside_column(boxes[~bodies], boxes[column])
    else:
        column[:] = True
    members = np.flatnonzero(column)
    order = members[np.argsort(centres[members, 1], kind="stable")]
    directions = [(0.0, 1.0)] * len(masks)
    for index, centre in enumerate(centres):
        higher, not_lower = (
            int(np.searchsorted(centres[order, 1], centre[1], side)) for side in ("left", "right")
        )
        above = order[max(higher - 2, 0)]
        below = order[min(not_lower + 1, len(order) - 1)]
        step = centres[below] - centres[above]
        if np.linalg.norm(step) > 0:
            directions[index] = (float(step[0]), float(step[1]))
    return directions


def _named_by_looks(
    bodies: list[Instance],
    evidence: NDArray[np.floating],
    rule: NamingRule,
    sacral: Sequence[int],
    gaps: set[int],
    warnings: list[Warning],
) -> list[Instance]:
    """The bodies with the levels that the looks of all tell together, where those are sure enough;
    else with those that S1 tells, found as the lowest body, where the looks say so, too.

    Args:
        bodies: from below.
        evidence: float [N, 27], theirs.
        sacral: places of those that were found as S1.
        gaps: as `gaps_between` has them.
    """
    naming = name_column(evidence, rule.weight, gaps)
    bodies = [replace(body, level_confidence=round(naming.confidence, 4)) for body in bodies]
    others = [naming.levels[k] for k in sacral if naming.levels[k] != "S1"]
    if naming.confidence < rule.bound:
        if sacral == [0] and not others:
            return _named(bodies, ("S1", 1), gaps, warnings)
        text = f"the bodies' looks leave their levels open (confidence {naming.confidence:.2f}"
        warnings.append(Warning("level-unsure", f"{text}, {rule.bound:.2f} is needed)"))
        return bodies
    for lower, upper in pairwise(naming.levels):
        if f"{upper}-{lower}" not in DISC_LEVELS:
            text = f"a body seems to be missing between {upper} and {lower}"
            warnings.append(Warning("body-missing", text))
    if others:
        text = f"a body that looks like S1 is named {others[0]} by its neighbours"
        warnings.append(Warning("looks-against-sacrum", f"{text}: check it on the overlay"))
    return [replace(b, level=level) for b, level in zip(bodies, naming.levels, strict=True)]


def _named(
    bodies: list[Instance], anchor: tuple[str, int], gaps: set[int], warnings: list[Warning]
) -> list[Instance]:
    level, order = anchor
    if order > len(bodies):
        raise UsageError(
            f"only {len(bodies)} vertebral bodies were found", f"anchor {level}={order}"
        )
    names = column_with(level)
    start = names.index(level)
    out = list(bodies)
    for step in (1, -1):
        k = order - 1
        while 0 <= k < len(bodies):
            place = start - (k - (order - 1))
            if not 0 <= place < len(names):
                break
            out[k] = replace(bodies[k], level=names[place])
            between = min(k, k + step)
            if between in gaps:
                warnings.append(
                    Warning(
                        "body-missing",
                        f"a body seems to be missing beside {names[place]}: "
                        "levels beyond it are not named",
                    )
                )
                break
            k += step
    return out


def gaps_between(
    bodies: Sequence[Instance], spacing: tuple[float, float] | None = None
) -> set[int]:
    """Indices k where a body seems to be missing between bodies k and k + 1, from below.

    Args:
        spacing: (row, column) of the masks' pixels in mm; they are taken as square without it.
    """
    if len(bodies) < 3:
        return set()
    row, column = spacing or (1.0, 1.0)
    centres = np.array([mask_centre(b.mask) for b in bodies]) * (column, row)
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    # bodies shrink towards the head, so each step is held against its neighbours' median
    wide = []
    for k, step in enumerate(steps):
        near = np.delete(steps, k)[max(0, k - 2) : k + 2]
        if step > GAP_FACTOR * float(np.median(near)):
            wide.append(k)
    return set(wide)


def _disc_level(disc: Instance, bodies: Sequence[Instance]) -> str | None:
    """Name of the disc from the nearest named body above it (or below, at the upper end)."""
    row = mask_centre(disc.mask)[1]
    above = [b for b in bodies if mask_centre(b.mask)[1] < row]
    below = [b for b in bodies if mask_centre(b.mask)[1] >= row]
    upper = above[0] if above else None  # bodies run from below upwards
    lower = below[-1] if below else None
    if upper is not None and upper.level is not None and _touching(disc, upper):
        names = column_with(upper.level)
        place = names.index(upper.level) + 1
        fallback = names[place] if place < len(names) else None
        second = lower.level if lower is not None and lower.level is not None else fallback
        return f"{upper.level}-{second}" if second else None
    if upper is None and lower is not None and lower.level is not None and _touching(disc, lower):
        names = column_with(lower.level)
        place = names.index(lower.level) - 1
        return f"{names[place]}-{lower.level}" if place >= 0 else None
    return None


def _touching(disc: Instance, body: Instance) -> bool:
    """Whether the disc lies next to the body: centres nearer than 1.2 body sizes."""
    distance = float(np.hypot(*np.subtract(mask_centre(disc.mask), mask_centre(body.mask))))
    return distance < 1.2 * float(np.sqrt(np.count_nonzero(body.mask)))


def _shared(a: Instance, b: Instance) -> float:
    """Part of the smaller mask that is the other's, too."""
    left, top = (int(max(a.box[k], b.box[k])) for k in (0, 1))
    right, bottom = (int(min(a.box[k], b.box[k])) for k in (2, 3))
    if right <= left or bottom <= top:
        return 0.0
    window = slice(top, bottom), slice(left, right)
    overlap = int(np.count_nonzero(a.mask[window] & b.mask[window]))
    return overlap / min(int(np.count_nonzero(a.mask)), int(np.count_nonzero(b.mask)))


def cut_by_border(
    mask: NDArray[np.bool_], content: tuple[int, int, int, int] | None = None
) -> bool:
    """Whether a mask comes within two pixels of the border, where an outline stops short of it.

    Args:
        content: (top, left, bottom, right) of the part of the image that shows anything, as the
            exposed part of a film; all of it by default.
    """
    edge = 2
    top, left, bottom, right = content or (0, 0, *mask.shape)
    inside = mask[top + edge : bottom - edge, left + edge : right - edge]
    return bool(mask.sum() > inside.sum())
