"""The structures of a spine: classes, levels and their neighbours, discs, and label numbers.

Every list of levels in the project comes from here; the page asks for it (`/api/about`).
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence

from spinetk.study import Instance

BODY_KIND, DISC_KIND = "vertebral_body", "intervertebral_disc"
SPINE_CLASSES = (BODY_KIND, DISC_KIND)
SACRAL_CLASS = "first_sacral_body"
"""S1 is a vertebral body in every output, but a network learns it as a class of its own, where a
data set names it: S1, once found, tells which body is L5."""

LEVELS = (
    *(f"C{i}" for i in range(1, 8)),
    *(f"T{i}" for i in range(1, 13)),
    *(f"L{i}" for i in range(1, 6)),
    "S1",
)
"""Bodies of the usual spine, from the head down."""
VARIANTS = {"T13": "T12", "L6": "L5"}
"""Bodies that some people have, and the body above each."""
RANKS = {level: float(i) for i, level in enumerate(LEVELS)}
RANKS |= {variant: RANKS[above] + 0.5 for variant, above in VARIANTS.items()}
"""Place of every body from the head down; neighbours of the usual spine differ by 1."""
BODY_LEVELS = tuple(sorted(RANKS, key=RANKS.__getitem__))
"""Every body, from the head down."""
_PAIRS = (
    *itertools.pairwise(LEVELS),
    *(("T12", "T13"), ("T13", "L1"), ("L5", "L6"), ("L6", "S1")),
    *(("T11", "L1"), ("L4", "S1")),  # of spines with eleven thoracic, or four lumbar bodies
)
DISC_LEVELS = tuple(
    f"{upper}-{lower}"
    for upper, lower in sorted(_PAIRS, key=lambda pair: (RANKS[pair[0]], RANKS[pair[1]]))
)
"""Every disc, from the head down: only neighbours have one between them."""

VERSE_NUMBERS = {level: i + 1 for i, level in enumerate(LEVELS[:-1])}
VERSE_NUMBERS |= {"L6": 25, "S1": 26, "T13": 28}
"""Label numbers as in the VerSe data set (Sekuboyina et al. 2021)."""
DISC_BASE = 100
"""A disc's number is this more than that of the body above it."""
UNNAMED_BODY, UNNAMED_OTHER = 200, 300
"""To which the order from below is added where the level is not known."""


def levels_of(kind: str) -> tuple[str, ...]:
    """Names that an instance of a class may have, none for classes that are not a spine's.

    >>> levels_of("vertebral_body")[-3:]
    ('L5', 'L6', 'S1')
    """
    return {BODY_KIND: BODY_LEVELS, DISC_KIND: DISC_LEVELS}.get(kind, ())


def disc_below(level: str) -> str | None:
    """The disc below a body of the usual spine; None below S1 and for variants.

    >>> disc_below("T12"), disc_below("S1")
    ('T12-L1', None)
    """
    if level not in LEVELS[:-1]:
        return None
    return f"{level}-{LEVELS[LEVELS.index(level) + 1]}"


def column_with(level: str) -> tuple[str, ...]:
    """Bodies of a spine that has the given one, from the head down: the usual ones, and a variant
    only where it is that one.

    >>> column_with("L6")[-3:]
    ('L5', 'L6', 'S1')
    """
    return tuple(name for name in BODY_LEVELS if name not in VARIANTS or name == level)


def group_of(kind: str) -> str:
    """The class that outputs speak of: S1, a class of its own inside, is a vertebral body."""
    return BODY_KIND if kind == SACRAL_CLASS else kind


def label_number(level: str | None) -> int | None:
    """VerSe number of a body or disc, None where the level is not known.

    >>> label_number("L4"), label_number("L4-L5"), label_number(None)
    (23, 123, None)
    """
    if level is None:
        return None
    number = VERSE_NUMBERS[level.split("-")[0]]
    return DISC_BASE + number if "-" in level else number


def level_of_number(number: int, bodies: Collection[str] = ()) -> str | None:
    """The body or disc that a VerSe number means; None where it means none.

    Args:
        bodies: those that are there, too: the disc below L5 is L5-L6 where there is an L6. That a
            body is not there says nothing: it may not be outlined.

    >>> level_of_number(24), level_of_number(124), level_of_number(124, {"L5", "L6"})
    ('L5', 'L5-S1', 'L5-L6')
    """
    names = {value: level for level, value in VERSE_NUMBERS.items()}
    if number < DISC_BASE:
        return names.get(number)
    upper = names.get(number - DISC_BASE)
    if upper is None:
        return None
    below = [disc for disc in DISC_LEVELS if disc.startswith(f"{upper}-")]
    variants = VARIANTS.keys() & bodies
    there = [disc for disc in below if disc.partition("-")[2] in variants]
    usual = disc_below(upper)
    return next(iter(there), usual or next(iter(below), None))


def label_numbers(instances: Sequence[Instance]) -> list[int]:
    """One number for each instance, none twice: the label in `mask.nii.gz`.

    A named body or disc has its VerSe number (L4 = 23, L4-L5 = 123); an unnamed body has 200 + its
    order from below, any other unnamed instance 300 + its order (400 + for a third class, ...).
    """
    other_kinds = list(dict.fromkeys(i.kind for i in instances if i.kind != BODY_KIND))
    numbers: list[int] = []
    for instance in instances:
        number = label_number(instance.level)
        if number is None or number in numbers:
            base = UNNAMED_BODY
            if instance.kind != BODY_KIND:
                base = UNNAMED_OTHER + 100 * other_kinds.index(instance.kind)
            number = base + instance.order
        numbers.append(number)
    return numbers
