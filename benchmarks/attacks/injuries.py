"""Injuries of files and of parsed content, the same for the same random numbers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

EXTREMES = [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]
WORDS = [b"-1", b"0", b"1e99", b"nan", b"99999999", b"\\\\\\", b""]
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 0.5, 1e308, -1e308, float("nan"), float("inf"), 2**63, 10**40, "",
    "x", "\0", "../../x", "0", "é" * 300, [], {}, [[]], [None], {"x": 1}, [1e9, -1e9],
]  # fmt: skip


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """One to four random injuries; most hit the first kilobyte, where the header is."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        if not data:
            break
        reach = len(data) if rng.random() < 0.3 else min(len(data), 1500)
        at = int(rng.integers(0, reach))
        kind = int(rng.integers(0, 7))
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            length = int(rng.integers(1, 16))
            data[at : at + length] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            del data[at : at + int(rng.integers(1, 64))]
        elif kind == 4:
            data[at:at] = data[at : at + int(rng.integers(1, 64))]
        elif kind == 5:
            data[at : at + 4] = EXTREMES[int(rng.integers(len(EXTREMES)))]
        else:
            text = WORDS[int(rng.integers(len(WORDS)))]
            data[at : at + max(1, len(text))] = text
    return bytes(data)


def damaged_json(text: str, rng: np.random.Generator) -> str:
    """JSON that still parses, with one to three values replaced, removed, doubled or renamed."""
    content = json.loads(text)
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(content))
        if not places:
            break
        holder, key = places[int(rng.integers(len(places)))]
        kind = int(rng.integers(0, 4))
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, list):
            holder.append(holder[key])
        elif kind == 2 and isinstance(holder, dict):
            holder[f"{key}x"] = holder.pop(key)
        else:
            holder[key] = VALUES[int(rng.integers(len(VALUES)))]
    return json.dumps(content)


def _places(content: Any) -> list[tuple[Any, Any]]:
    """Every list or dictionary in the content with each of its keys."""
    keys = (
        list(content)
        if isinstance(content, dict)
        else list(range(len(content)))
        if isinstance(content, list)
        else []
    )
    return [place for key in keys for place in ((content, key), *_places(content[key]))]
