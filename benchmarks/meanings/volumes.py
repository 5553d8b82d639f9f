"""What is stored: volumes of which it is known what lies where in the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinetk.phantom import PhantomConfig, make_phantom

OTHER = 20000
"""Values of the second patient are larger by so much."""
STATION = 0.6
"""Of the volume's height: what each of two stations shows, from above and from below."""
ROWS, COLUMNS = 3, 2
"""Of the phantom's rows and columns one in so many is stored: pixels that are not square."""


@dataclass(frozen=True)
class Volume:
    """Voxels on axes to the right, to the front and to the head.

    Attributes:
        values: int16 [x, y, z].
        labels: int16 [x, y, z], VerSe numbers of the phantom's bodies and discs; None without a spine.
        spacing: mm along x, y and z.
        origin: RAS mm of the first voxel.
    """

    values: np.ndarray
    labels: np.ndarray | None
    spacing: np.ndarray
    origin: np.ndarray

    @property
    def affine(self) -> np.ndarray:
        """4 x 4 map from indices to RAS mm."""
        affine = np.eye(4)
        affine[:3, :3], affine[:3, 3] = np.diag(self.spacing), self.origin
        return affine

    def index(self, points: np.ndarray) -> np.ndarray:
        """Of RAS points in mm, int [N, 3], as if the voxels had no end."""
        return np.round((points - self.origin) / self.spacing).astype(int)


def coded() -> Volume:
    """Each voxel has a value of its own, as long as few are asked for."""
    shape, spacing, origin = (7, 48, 80), np.array([4.0, 0.8, 0.7]), np.array([-12.0, -19.0, 30.0])
    return Volume(code(np.indices(shape)).astype(np.int16), None, spacing, origin)


def code(index: np.ndarray) -> np.ndarray:
    """The value of `coded` at an index [3, ...]."""
    return index[0] + 10 * index[1] + 500 * index[2] % 9973


def spine() -> Volume:
    """The phantom's T2 look on three slices."""
    phantom = make_phantom(PhantomConfig(slices=3, spacing=0.4, height=798, width=440))

    def upwards(images: np.ndarray) -> np.ndarray:
        """LPS [slice, row, column] as RAS [x, y, z]."""
        return images[::-1, ::-ROWS, ::-COLUMNS].transpose(0, 2, 1).astype(np.int16)

    last = phantom.geometries[-1]
    corner = np.array(last.origin)
    corner[1] += 0.4 * (phantom.volume.shape[2] - 1)
    corner[2] -= 0.4 * (phantom.volume.shape[1] - 1)
    spacing = np.round([phantom.config.slice_distance, 0.4 * COLUMNS, 0.4 * ROWS], 3)
    return Volume(
        upwards(phantom.volume), upwards(phantom.labels), spacing, corner * [-1.0, -1.0, 1.0]
    )
