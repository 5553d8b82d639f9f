"""Turn slices so that the network sees head up and anterior left, and turn its results back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from spinetk.study import Slice, Vector

VIEWS: dict[str, tuple[Vector, Vector]] = {
    "ap": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    "lateral": ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
}
"""Where columns and rows of an upright picture run: the patient's right on the left, or the front.
"""
Element = TypeVar("Element", bound=np.generic)


@dataclass(frozen=True)
class Turn:
    """A change of axes without resampling: transpose first, then flip."""

    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    def apply(self, array: NDArray[Element]) -> NDArray[Element]:
        """Turn the last two axes of an array [..., H, W]."""
        out = np.swapaxes(array, -1, -2) if self.transpose else array
        if self.flip_rows:
            out = np.flip(out, -2)
        if self.flip_columns:
            out = np.flip(out, -1)
        return np.ascontiguousarray(out)

    def spacing(self, spacing: tuple[float, float] | None) -> tuple[float, float] | None:
        """Distances (row, column) of a turned array's pixels."""
        return (spacing[1], spacing[0]) if spacing and self.transpose else spacing

    def box(
        self, box: tuple[int, int, int, int], shape: tuple[int, ...]
    ) -> tuple[int, int, int, int]:
        """Where a box (top, left, bottom, right) of an array [H, W] of this shape comes to lie."""
        top, left, bottom, right = box
        height, width = shape[-2:]
        if self.transpose:
            top, left, bottom, right = left, top, right, bottom
            height, width = width, height
        if self.flip_rows:
            top, bottom = height - bottom, height - top
        if self.flip_columns:
            left, right = width - right, width - left
        return top, left, bottom, right

    def undo(self, array: NDArray[Element]) -> NDArray[Element]:
        """Turn an array [..., H, W] back to the source's axes."""
        out = np.flip(array, -1) if self.flip_columns else array
        if self.flip_rows:
            out = np.flip(out, -2)
        if self.transpose:
            out = np.swapaxes(out, -1, -2)
        return np.ascontiguousarray(out)


def upright_turn(directions: tuple[Vector, Vector] | None) -> Turn:
    """The turn that puts the head up, and anterior (or, frontal view, the patient's right) left.

    Args:
        directions: in LPS, of growing column and of growing row index; plain pictures have none
            and are taken to be upright already.
    """
    if directions is None:
        return Turn()
    row, column = np.asarray(directions[0]), np.asarray(directions[1])
    transpose = bool(abs(row[2]) > abs(column[2]))
    if transpose:
        row, column = column, row
    flip_rows = bool(column[2] > 0)  # LPS z grows towards the head: rows must run against it
    sideways = row[1] if abs(row[1]) >= abs(row[0]) else row[0]
    return Turn(transpose, flip_rows, bool(sideways < 0))


@dataclass(frozen=True)
class Upright:
    """A slice as a reader sees it, and the way back to its own grid.

    Attributes:
        stored: the slice as its file has it.
        turn: from the stored grid to the upright one.
    """

    stored: Slice
    turn: Turn

    @property
    def visible(self) -> NDArray[np.float32]:
        """float32 [H, W]: the values to look at, upright."""
        return self.turn.apply(self.stored.visible)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, upright."""
        height, width = self.stored.pixels.shape
        return (width, height) if self.turn.transpose else (height, width)

    @property
    def spacing(self) -> tuple[float, float] | None:
        """(row, column) in mm of the upright pixels, None where it is not known."""
        return self.turn.spacing(self.stored.spacing)

    @property
    def content(self) -> tuple[int, int, int, int] | None:
        """(top, left, bottom, right) of the exposed part of a film, upright; None for all of it."""
        content = self.stored.content
        return self.turn.box(content, self.stored.pixels.shape) if content else None


def upright(stored: Slice) -> Upright:
    """The upright view of a slice."""
    return Upright(stored, upright_turn(stored.directions))
