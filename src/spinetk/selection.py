"""Select the slice that shows the most vertebral bodies (Suri et al., section 2.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spinetk.study import SliceCount


def select_slice(trace: Sequence[SliceCount]) -> int:
    """Choose the slice with the most bodies.

    Ties are broken by the total box area times score of the bodies, then by nearness to the middle
    of the series. The far ends of a series show few bodies, so no other rule is needed for them.

    Args:
        trace: what was found on each slice, at least one entry.

    Returns:
        The chosen slice's index.
    """
    middle = float(np.mean([count.index for count in trace]))
    best = max(trace, key=lambda c: (c.bodies, c.weight, -abs(c.index - middle)))
    return best.index
