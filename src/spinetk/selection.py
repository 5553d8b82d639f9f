"""Select the slice that shows the most vertebral bodies (Suri et al., section 2.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spinetk.study import SliceCount


def select_slice(trace: Sequence[SliceCount]) -> int:
    """Choose the slice with the most bodies.

    Ties are broken by the total mask area of the bodies, averaged with the slices beside it that
    show as many, and then by nearness to the middle of the series. Averaging matters because on
    thin slices neighbours differ by less than the outlines' own noise. The far ends of a series
    show few bodies, so no other rule is needed for them.

    Args:
        trace: what was found on each slice, at least one entry, in the order of the series.

    Returns:
        The chosen slice's index.
    """
    most = max(count.bodies for count in trace)
    middle = float(np.mean([count.index for count in trace]))

    def rank(place: int) -> tuple[float, float]:
        beside = [c.area for c in trace[max(0, place - 1) : place + 2] if c.bodies == most]
        return float(np.mean(beside)), -abs(trace[place].index - middle)

    tied = [place for place, count in enumerate(trace) if count.bodies == most]
    return trace[max(tied, key=rank)].index
