"""Bodies and discs through all slices of a series: what was outlined slice by slice, put together.

    outlined slices -> pieces of one structure on neighbouring slices -> solids, named once

Levels come from the slice that was selected, where the column is seen best; a lateral slice has no
say in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinetk.rle import decode_rle, encode_rle
from spinetk.selection import select_slice
from spinetk.study import Instance, Segmentation, Series, SliceCount

SHARED = 0.3
"""Outlines on neighbouring slices are of one structure if they share more than this part of the
smaller one."""
FEWEST_SLICES = 2
"""What is seen on a single slice only is no solid (one slice of a series of few counts)."""
FEW = 3
MISSED = 2
"""Slices between two outlines of one structure on which it may have been missed."""


@dataclass(frozen=True)
class OutlinedSlice:
    """What was outlined on one slice, with its masks coded: hundreds would fill memory.

    Attributes:
        instances: without masks.
        codes: run-length codes of their masks.
    """

    index: int
    count: SliceCount
    instances: tuple[Instance, ...]
    codes: tuple[dict[str, object], ...]

    @classmethod
    def of(cls, result: Segmentation) -> OutlinedSlice:
        """The slice of a result."""
        blank = np.zeros((0, 0), dtype=bool)
        return cls(
            result.slice_index,
            next(count for count in result.trace if count.index == result.slice_index),
            tuple(replace(instance, mask=blank) for instance in result.instances),
            tuple(encode_rle(instance.mask) for instance in result.instances),
        )

    def mask(self, place: int) -> NDArray[np.bool_]:
        """bool [H, W] of one of the instances."""
        return decode_rle(self.codes[place])


@dataclass(frozen=True)
class Solid:
    """One body or disc through the slices.

    Attributes:
        instance: with its best mask, on the selected slice or on the slice where it is largest;
            named and ordered by the selected slice.
        pieces: (slice index, run-length code) of its outline on each slice.
        outlines: the instance without its mask on each of these slices, as it was found there.
    """

    instance: Instance
    pieces: tuple[tuple[int, dict[str, object]], ...]
    outlines: tuple[Instance, ...] = ()


def solids(slices: Sequence[OutlinedSlice], chosen: int | None = None) -> tuple[int, list[Solid]]:
    """Put the outlines of a series' slices together.

    Args:
        slices: in the order of the series, at least one.
        chosen: index of the selected slice, one of them; None selects it by what was found.

    Returns:
        The index of the selected slice, and the solids: first those on it, in its order.
    """
    if chosen is None:
        chosen = select_slice([one.count for one in slices])
    chains = _chains(slices)
    least = FEWEST_SLICES if len(slices) >= FEW else 1
    found: list[tuple[bool, int, Solid]] = []
    for chain in chains:
        on_chosen = [(s, place) for s, place in chain if slices[s].index == chosen]
        if len(chain) < least and not on_chosen:
            continue
        s, place = on_chosen[0] if on_chosen else max(chain, key=lambda m: _area(slices, m))
        instance = replace(slices[s].instances[place], mask=slices[s].mask(place))
        if not on_chosen:
            instance = replace(instance, level=None)
        pieces = tuple((slices[t].index, slices[t].codes[p]) for t, p in chain)
        outlines = tuple(slices[t].instances[p] for t, p in chain)
        found.append((not on_chosen, place, Solid(instance, pieces, outlines)))
    found.sort(key=lambda item: item[:2])
    return chosen, [solid for _, _, solid in found]


def label_volume(
    series: Series, parts: Sequence[Solid], labels: Sequence[int]
) -> NDArray[np.int16]:
    """int16 [slices, H, W]: the label of each voxel, 0 outside.

    Args:
        labels: one for each solid.
    """
    shape = series.slices[0].pixels.shape
    volume = np.zeros((len(series.slices), *shape), dtype=np.int16)
    for solid, label in zip(parts, labels, strict=True):
        for index, code in solid.pieces:
            volume[index][decode_rle(code)] = label
    return volume


def _chains(slices: Sequence[OutlinedSlice]) -> list[list[tuple[int, int]]]:
    """(place of the slice, place of the instance) of every structure, along the slices. A structure
    may be missed on `MISSED` slices on which others were found; a slice on which nothing was found
    parts all."""
    chains: list[list[tuple[int, int]]] = []
    last: list[NDArray[np.bool_]] = []
    start = 0
    for s, one in enumerate(slices):
        if s and slices[s - 1].index != one.index - 1:
            start = s
        masks = [one.mask(place) for place in range(len(one.instances))]
        pairs = []
        for number, chain in enumerate(chains):
            t, a = chain[-1]
            if t < max(start, s - 1 - MISSED):
                continue
            for b, mask in enumerate(masks):
                if slices[t].instances[a].kind == one.instances[b].kind:
                    pairs.append((t, _shared(last[number], mask), number, b))
        used: set[int] = set()
        linked: dict[int, int] = {}
        for _, share, number, b in sorted(pairs, reverse=True):  # the nearest slice first
            if share > SHARED and number not in used and b not in linked:
                used.add(number)
                linked[b] = number
        for b, mask in enumerate(masks):
            if b in linked:
                chains[linked[b]].append((s, b))
                last[linked[b]] = mask
            else:
                chains.append([(s, b)])
                last.append(mask)
    return chains


def _shared(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    least = min(np.count_nonzero(a), np.count_nonzero(b))
    return float(np.count_nonzero(a & b) / least) if least else 0.0


def _area(slices: Sequence[OutlinedSlice], member: tuple[int, int]) -> int:
    return int(np.count_nonzero(slices[member[0]].mask(member[1])))
