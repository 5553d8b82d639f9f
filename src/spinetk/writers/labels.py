"""Label numbers of instances in masks and tables."""

from __future__ import annotations

from collections.abc import Sequence

from spinetk.anatomy import BODY_KIND, label_id
from spinetk.study import Instance

UNNAMED_BODY, UNNAMED_OTHER = 200, 300


def label_numbers(instances: Sequence[Instance]) -> list[int]:
    """One number for each instance, none twice.

    A named body or disc has its VerSe number (L4 = 23, L4-L5 = 123); an unnamed body has 200 + its
    order from below, any other unnamed instance 300 + its order (400 + for a third class, ...).
    """
    other_kinds = list(dict.fromkeys(i.kind for i in instances if i.kind != BODY_KIND))
    numbers: list[int] = []
    for one in instances:
        number = label_id(one)
        if number is None or number in numbers:
            base = UNNAMED_BODY
            if one.kind != BODY_KIND:
                base = UNNAMED_OTHER + 100 * other_kinds.index(one.kind)
            number = base + one.order
        numbers.append(number)
    return numbers
