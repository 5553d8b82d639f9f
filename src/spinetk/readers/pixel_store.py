"""Slices whose pixels wait in a temporary file until they are asked for, so that a study of
thousands of images does not fill memory."""

from __future__ import annotations

import io
import tempfile
import threading
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import IO, overload

import numpy as np
from numpy.typing import NDArray

from spinetk.readers.bounds import check_bytes
from spinetk.study import Slice

IN_MEMORY_BYTES = 64 * 2**20
"""So much of all stacks together stays in memory; the others go to the temporary folder's disk."""
BLANK = np.zeros((0, 0), dtype=np.float32)
"""Pixels of a slice that are still in the store."""
WORD = 4
"""Bytes of a float32."""


class _Held:
    """Bytes of all stacks that are in memory now."""

    size = 0


def _release(size: int) -> None:
    _Held.size -= size


class PixelStore:
    """`count` planes of float32 [height, width], written in any order; threads may share it.

    Args:
        fill: value of pixels that are never written; None where every plane is written whole.

    Raises:
        UnreadableInput: it would be larger than is allowed, or than the disk has room for.
    """

    def __init__(self, count: int, height: int, width: int, fill: float | None = None) -> None:
        self.count, self.shape = count, (height, width)
        self._one_at_a_time = threading.Lock()  # the file has one place at a time
        size = count * height * width * WORD
        check_bytes("", count * height * width, 0, volume=True)
        fits = size <= IN_MEMORY_BYTES - _Held.size
        # open as long as the slices are in use
        self.file: IO[bytes] = io.BytesIO() if fits else tempfile.TemporaryFile()  # noqa: SIM115
        if fits:
            _Held.size += size
            weakref.finalize(self, _release, size)
        if fill is not None:
            blank = np.full(self.shape, fill, dtype=np.float32).tobytes()
            for _ in range(count):
                self.file.write(blank)

    def write_part(self, plane: int, row: int, first: int, values: NDArray[np.float32]) -> None:
        """Put values, flattened, into a plane from a row and its column `first` on."""
        height, width = self.shape
        content = np.ascontiguousarray(values, dtype=np.float32).tobytes()
        with self._one_at_a_time:
            self.file.seek(((plane * height + row) * width + first) * WORD)
            self.file.write(content)

    def replace_not_finite(self, value: float) -> None:
        """Put a value in the place of those that are not finite."""
        for plane in range(self.count):
            pixels = self.read(plane)
            good = np.isfinite(pixels)
            if not good.all():
                self.write_part(plane, 0, 0, np.where(good, pixels, np.float32(value)))

    def read(self, plane: int) -> NDArray[np.float32]:
        """One plane, float32 [height, width]."""
        height, width = self.shape
        with self._one_at_a_time:
            self.file.seek(plane * height * width * WORD)
            content = self.file.read(height * width * WORD)
        return np.frombuffer(content, dtype=np.float32).reshape(self.shape)


class StoredSlices(Sequence[Slice]):
    """Slices of a series, each read from the store when it is asked for.

    Args:
        blank: the slices without pixels, in the order of the store's planes.
        transpose: planes are stored with rows and columns exchanged.
    """

    def __init__(self, store: PixelStore, blank: Sequence[Slice], transpose: bool = False) -> None:
        self.store = store
        self.blank = blank
        self.transpose = transpose

    def with_spacing(self, spacing: tuple[float, float]) -> StoredSlices:
        """The same slices with a spacing (row, column) in mm."""
        blank = [replace(blank_slice, spacing=spacing) for blank_slice in self.blank]
        return StoredSlices(self.store, blank, self.transpose)

    def __reduce__(self) -> tuple[type[tuple[Slice, ...]], tuple[tuple[Slice, ...]]]:
        """Another process gets the slices with their pixels: the store stays here."""
        return tuple, (tuple(self),)

    def __len__(self) -> int:
        return len(self.blank)

    @overload
    def __getitem__(self, index: int) -> Slice: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Slice]: ...

    def __getitem__(self, index: int | slice) -> Slice | Sequence[Slice]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        blank = self.blank[index]
        pixels = self.store.read(range(len(self))[index])
        return replace(blank, pixels=pixels.T if self.transpose else pixels)
