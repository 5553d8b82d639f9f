"""Select the slice that shows the most vertebral bodies (Suri et al., section 2.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spinetk.study import SliceCount

MOST_OUTLINED = 15
"""At most so many tied slices are outlined to break the tie, those with the largest weight."""


def tied_slices(trace: Sequence[SliceCount]) -> list[int]:
    """Indices of the slices with the most bodies, in the order of the trace.

    Where there are more than 15, those with the largest box area times score.
    """
    most = max(count.bodies for count in trace)
    tied = [count for count in trace if count.bodies == most]
    heaviest = sorted(tied, key=lambda c: -c.weight)[:MOST_OUTLINED]
    return sorted(count.index for count in heaviest)


def select_slice(trace: Sequence[SliceCount]) -> int:
    """Choose the slice with the most bodies.

    Ties are broken by the total mask area of the bodies where it is known (else by box area times
    score), averaged with the slices beside it, and then by nearness to the middle of the series.
    Averaging matters because neighbouring slices differ by less than the outlines' own noise. The
    far ends of a series show few bodies, so no other rule is needed for them.

    Args:
        trace: what was found on each slice, at least one entry, in the order of the series.

    Returns:
        The chosen slice's index.
    """
    most = max(count.bodies for count in trace)
    outlined = any(count.area is not None for count in trace)
    sizes = [
        (count.area if outlined else count.weight) if count.bodies == most else None
        for count in trace
    ]
    middle = float(np.mean([count.index for count in trace]))

    def rank(place: int) -> tuple[float, float]:
        beside = [s for s in sizes[max(0, place - 1) : place + 2] if s is not None]
        return float(np.mean(beside)), -abs(trace[place].index - middle)

    candidates = [place for place, size in enumerate(sizes) if size is not None]
    return trace[max(candidates, key=rank)].index
