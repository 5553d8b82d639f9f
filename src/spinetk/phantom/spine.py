"""The phantom's shapes: vertebral bodies, discs and what lies around them, as inside tests.

Coordinates are LPS in mm: x to the left, y to the back, z to the head. The column is a curve
(x(z), y(z)) with a tilt; each body is a rounded block in the frame of its own centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spinetk.structures import LEVELS

Points = NDArray[np.float64]
"""Coordinates in mm, any shape."""
Place = tuple[float, float]
"""(y, z) in mm."""

NAMES = LEVELS[::-1][:10]
"""S1 to T9."""
SHOWN = 9
"""Bodies that the phantom shows, S1 included."""
TILTED, TILTS = (0, 1, 3, 6, 9), (-0.7, -0.3, 0.0, 0.16, 0.2)
"""Bodies from below, S1 first, and how they are tilted (`Block.tilt`), straight between."""
RIM = 1.1
"""Thickness of the cortical rim in mm."""


@dataclass(frozen=True)
class Block:
    """A body or disc.

    Attributes:
        name: level ("L4") or disc ("L4-L5").
        centre: (x, y, z) in mm.
        tilt: turn about the left-right axis in radians; positive lowers the back.
        depth, width, height: full extents front-back, left-right, along the column, in mm.
        wedge: share by which the front is lower than the back (0 for a healthy body).
        concavity: share by which the middle is lower than the rim (negative for a bulging disc).
    """

    name: str
    centre: tuple[float, float, float]
    tilt: float
    depth: float
    width: float
    height: float
    wedge: float = 0.0
    concavity: float = 0.0

    def frame(self, x: Points, y: Points, z: Points) -> tuple[Points, Points, Points]:
        """Coordinates in the block's own frame: to the left, to the back, to the head."""
        dy, dz = y - self.centre[1], z - self.centre[2]
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        return x - self.centre[0], cos * dy - sin * dz, sin * dy + cos * dz

    def height_at(self, place: float) -> float:
        """In mm, at a place from -1 (the front end) to 1 (the back end)."""
        wedged = self.height * (1 - self.wedge * (1 - place) / 2)
        return wedged * (1 - self.concavity * (1 - place**2))

    def plate(self, side: Literal["upper", "lower"]) -> tuple[Place, Place]:
        """(y, z) in mm of the front and the back end of an end plate."""
        front, back = self.height_at(-1), self.height_at(1)
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        ends = []
        for v, height in ((-self.depth / 2, front), (self.depth / 2, back)):
            w = height / 2 if side == "upper" else -height / 2
            y, z = self.centre[1] + cos * v + sin * w, self.centre[2] - sin * v + cos * w
            ends.append((float(y), float(z)))
        return ends[0], ends[1]

    def slope(self, side: Literal["upper", "lower"]) -> float:
        """Degrees by which an end plate falls from front to back."""
        (y, z), (y_back, z_back) = self.plate(side)
        return float(np.degrees(np.arctan2(z - z_back, y_back - y)))

    def inside(self, x: Points, y: Points, z: Points, shrink: float = 0.0) -> NDArray[np.bool_]:
        """Whether points lie in the block, `shrink` mm away from its surface."""
        u, v, w = self.frame(x, y, z)
        front_back = np.clip(v / (self.depth / 2), -1, 1)
        half = self.height / 2 * (1 - self.wedge * (1 - front_back) / 2)
        half = half * (1 - self.concavity * (1 - front_back**2)) - shrink
        # waist: the walls of a body are hollow halfway between the endplates
        waist = 1 - 0.06 * (1 - np.clip(w / np.maximum(half, 1e-3), -1, 1) ** 2)
        plan = (np.abs(v) / ((self.depth / 2 - shrink) * waist)) ** 4
        plan = plan + (np.abs(u) / ((self.width / 2 - shrink) * waist)) ** 4
        result: NDArray[np.bool_] = (plan <= 1) & (np.abs(w) <= half)
        return result


@dataclass(frozen=True)
class PhantomSpine:
    """Bodies from S1 upwards and the discs between them (the first is L5-S1)."""

    bodies: tuple[Block, ...]
    discs: tuple[Block, ...]

    def canal_centre(self, z: Points) -> tuple[Points, Points]:
        """(x, y) of the spinal canal's centre at the heights z."""
        order = np.argsort([b.centre[2] for b in self.bodies])
        heights = np.array([self.bodies[i].centre[2] for i in order])
        left = np.array([self.bodies[i].centre[0] for i in order])
        back = np.array([self.bodies[i].centre[1] + self.bodies[i].depth / 2 for i in order])
        return np.interp(z, heights, left), np.interp(z, heights, back) + 9.0


def build_spine(
    *,
    scoliosis_mm: float = 0.0,
    fracture: str | None = None,
    slip_mm: float = 0.0,
    levels: int = SHOWN,
) -> PhantomSpine:
    """Stack bodies and discs from the sacrum upwards along a lordotic curve.

    Args:
        scoliosis_mm: how far the apex of the lateral bend lies off the midline, in mm.
        fracture: level with a 40 % wedge fracture, such as "L1".
        slip_mm: how far L4, and all above it, stands in front of where it would.
        levels: number of bodies, S1 included (2 to 10).
    """
    bodies: list[Block] = []
    discs: list[Block] = []
    y, z = 8.0, -118.0
    for index, name in enumerate(NAMES[:levels]):
        # the sacrum leans forward, L3 is level, the thoracic spine leans back
        tilt = float(np.interp(index, TILTED, TILTS))
        height = float(np.interp(index, (0, 1, 5, 9), (25.0, 27.5, 26.0, 21.0)))
        depth = float(np.interp(index, (0, 1, 5, 9), (31.0, 34.5, 32.0, 27.0)))
        gap = float(np.interp(index, (0, 1, 2, 5, 9), (9.5, 11.0, 11.0, 8.5, 5.5)))
        side = float(np.sin((z + 118) / 230 * np.pi)) * scoliosis_mm
        broken = name == fracture
        if name == "L4":
            y -= slip_mm
        bodies.append(
            Block(
                name=name,
                centre=(side, y, z),
                tilt=tilt,
                depth=depth,
                width=depth * 1.35,
                height=height * (0.85 if broken else 1.0),
                wedge=0.4 if broken else (-0.2 if name == "S1" else 0.05 if name == "L5" else 0.0),
                concavity=0.16 if broken else 0.07,
            )
        )
        next_tilt = float(np.interp(index + 0.5, TILTED, TILTS))
        along = height / 2 + gap / 2
        up_y, up_z = -np.sin(-next_tilt) * along, np.cos(next_tilt) * along
        upper = NAMES[index + 1] if index + 1 < levels else None
        if upper is not None:
            discs.append(
                Block(
                    name=f"{upper}-{name}",
                    centre=(side, y + up_y, z + up_z),
                    tilt=next_tilt,
                    depth=depth * 0.99,
                    width=depth * 1.3,
                    height=gap + 2.0,
                    wedge=-0.3 if index < 2 else -0.12,
                    concavity=-0.2,
                )
            )
        next_height = float(np.interp(index + 1, (0, 1, 5, 9), (25.0, 27.5, 26.0, 21.0)))
        rest = gap / 2 + next_height / 2
        y += up_y + np.sin(next_tilt) * rest
        z += up_z + np.cos(next_tilt) * rest
    return PhantomSpine(tuple(bodies), tuple(discs))
