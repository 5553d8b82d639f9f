"""COCO run-length code of masks, without pycocotools in the base install.

The format (COCO API, maskApi.c): pixels are counted down the columns, runs alternate background
and foreground starting with background; in the compressed string each count from the third on is
stored as the difference to the count two before, in 5-bit groups with a continuation bit, offset
by 48 to printable characters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LONGEST_COUNT = 60
"""Bits of a run length; without a limit a long string would make a number of millions of digits."""


def encode_rle(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Code a mask as `{"size": [H, W], "counts": str}`.

    Args:
        mask: bool [H, W].
    """
    flat = np.asarray(mask, dtype=bool).ravel(order="F")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = np.concatenate([[0], edges, [flat.size]])
    counts = np.diff(bounds).tolist()
    if flat.size and flat[0]:
        counts = [0, *counts]
    return {"size": [int(n) for n in mask.shape], "counts": _compress(counts)}


def decode_rle(rle: dict[str, Any]) -> NDArray[np.bool_]:
    """Decode compressed or plain COCO run lengths to bool [H, W].

    Raises:
        ValueError: the runs do not add up to H x W.
    """
    height, width = rle["size"]
    counts = rle["counts"]
    runs = _decompress(counts) if isinstance(counts, str | bytes) else list(counts)
    if sum(runs) != height * width:
        raise ValueError(f"run lengths add up to {sum(runs)}, not to {height} x {width}")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape((height, width), order="F")


def _compress(counts: list[int]) -> str:
    text = []
    for index, count in enumerate(counts):
        value = count - counts[index - 2] if index > 2 else count
        more = True
        while more:
            group = value & 0x1F
            value >>= 5
            more = value != -1 if group & 0x10 else value != 0
            text.append(chr((group | 0x20 if more else group) + 48))
    return "".join(text)


def _decompress(text: str | bytes) -> list[int]:
    data = text.encode() if isinstance(text, str) else text
    counts: list[int] = []
    value, shift = 0, 0
    for byte in data:
        group = byte - 48
        value |= (group & 0x1F) << shift
        shift += 5
        if shift > LONGEST_COUNT:
            raise ValueError("a run length has too many digits")
        if not group & 0x20:
            if group & 0x10:
                value |= -1 << shift
            if len(counts) > 2:
                value += counts[-2]
            counts.append(value)
            value, shift = 0, 0
    return counts
