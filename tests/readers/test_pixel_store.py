"""Pixels in a store: one file under several threads."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from spinetk.readers import pixel_store
from spinetk.readers.pixel_store import PixelStore, StoredSlices
from spinetk.readers.reformat import BLANK
from spinetk.study import Slice

PLANES = 12


def test_threads_each_get_the_plane_that_they_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        pixel_store, "IN_MEMORY_BYTES", 0
    )  # a file: memory is too quick to go wrong
    store = PixelStore(PLANES, 300, 200)
    for plane in range(PLANES):
        store.write_part(plane, 0, 0, np.full((300, 200), plane, dtype=np.float32))
    blank = [Slice(BLANK, i, None, None, Path()) for i in range(PLANES)]
    slices = StoredSlices(store, blank)

    def wrong(thread: int) -> int:
        asked = np.random.default_rng(thread).integers(0, PLANES, 300)
        return sum(bool((slices[int(i)].pixels != i).any()) for i in asked)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(wrong, range(4))) == 0
