"""Select the slice that shows the most vertebral bodies (Suri et al., section 2.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spinetk.study import SliceCount

SUPPORT = 2
"""Slices on either side that must bear a count out."""


def select_slice(trace: Sequence[SliceCount]) -> int:
    """Choose the slice with the most bodies.

    A slice's count is trusted as far as its neighbours bear it out: it counts at most as much as
    the median of the slices up to two places away, itself included. A body runs through several
    slices; a kidney that looks like one more body on a single lateral slice does not win.

    Ties are broken by the total area of the bodies' boxes, borne out by the neighbours in the same
    way and averaged with the tied slices beside it (weights 1, 2, 1), and then by nearness to the
    middle of the series. Averaging matters because on thin slices neighbours differ by less than
    the boxes' own noise.

    Args:
        trace: what was found on each slice, at least one entry, in the order of the series.

    Returns:
        The chosen slice's index.
    """
    counts = supported([count.bodies for count in trace])
    areas = supported([count.area for count in trace])
    most = max(counts)
    middle = float(np.mean([count.index for count in trace]))

    def rank(place: int) -> tuple[float, float]:
        own = areas[place]
        beside = [
            areas[k] if 0 <= k < len(trace) and counts[k] == most else own
            for k in (place - 1, place + 1)
        ]
        return own / 2 + sum(beside) / 4, -abs(trace[place].index - middle)

    tied = [place for place, count in enumerate(counts) if count == most]
    return trace[max(tied, key=rank)].index


def share_of_largest(trace: Sequence[SliceCount], chosen: int) -> float:
    """Area of the bodies on the chosen slice over the largest that the neighbours bear out.

    >>> share_of_largest([SliceCount(k, 7, 6, area) for k, area in enumerate((80, 100, 100))], 0)
    0.8
    """
    areas = supported([count.area for count in trace])
    own = next(area for area, count in zip(areas, trace, strict=True) if count.index == chosen)
    return own / max(max(areas), 1e-9)


def supported(values: Sequence[float]) -> list[float]:
    """Each value, but at most the median of its neighbourhood."""
    return [
        min(float(own), float(np.median(values[max(0, place - SUPPORT) : place + SUPPORT + 1])))
        for place, own in enumerate(values)
    ]
