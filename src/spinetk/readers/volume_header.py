"""What the header of a volume file says, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.warning import Warning


@dataclass(frozen=True)
class VolumeFile:
    """A volume of which the header was read.

    Attributes:
        shape: of the axes [x, y, z] as the file has them; a single slice has a length of 1.
        affine: 4 x 4, from indices to LPS mm.
        slabs: reads the values: given how many planes [x, y] at a time, it yields arrays
            [x, y, n] of any kind of number in the order of z. It raises UnreadableInput where
            the file is damaged.
        spaced: the header says how far the voxels lie apart.
        placed: it says where and how they lie in the patient; otherwise a single slice is a
            picture.
        contradiction: why what it says of distances cannot be trusted; None where it can.
        warnings: of the header.
        names: what label values mean, where a label map's header says it.
    """

    path: Path
    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    slabs: Callable[[int], Iterator[NDArray[np.generic]]]
    spaced: bool = True
    placed: bool = True
    contradiction: str | None = None
    warnings: tuple[Warning, ...] = ()
    names: dict[int, str] = field(default_factory=dict)

    @property
    def is_picture(self) -> bool:
        """A single slice that says nothing of the patient, as programs store plain pictures."""
        return self.shape[2] == 1 and min(self.shape[:2]) > 1 and not self.placed


CONTRADICTS = 0.01
"""Two statements of a length that differ by a larger share contradict each other."""


def says_nothing(affine: NDArray[np.float64]) -> bool:
    """Whether a map holds no directions and no place, as of a picture."""
    diagonal = np.allclose(affine[:3, :3], np.diag(np.diag(affine[:3, :3])))
    return bool(diagonal and not affine[:3, 3].any())


def is_unit_grid(affine: NDArray[np.float64]) -> bool:
    """Whether a map says 1, 1, 1, no direction and no place: what libraries write of an array of
    which they know nothing."""
    ones = np.allclose(np.abs(np.diag(affine)[:3]), 1, atol=1e-6)
    return bool(ones and says_nothing(affine))


def three_axes(name: str, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The shape of a volume or single slice; further axes have a length of 1.

    Raises:
        Unsuitable: there are more than three axes.
        UnreadableInput: an axis has no length.
    """
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) > 3:
        raise Unsuitable(f"has {len(shape)} dimensions; a 3D volume is needed", name)
    if min(shape, default=0) < 1:
        raise UnreadableInput("its sizes are not usable", name)
    full = (*shape, 1, 1, 1)
    return full[0], full[1], full[2]
