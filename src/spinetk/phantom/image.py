"""Paint the phantom's shapes as MR, CT or lateral X-ray, with exact masks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.phantom.spine import RIM, PhantomSpine, build_spine
from spinetk.structures import VERSE_NUMBERS
from spinetk.study import Geometry

Look = Literal["T1", "T2", "CT", "XR"]

TISSUES = ("air", "fat", "muscle", "organ", "fluid", "cord", "bone", "cortex", "nucleus", "annulus",
           "metal", "blood")  # fmt: skip
VALUES: dict[str, tuple[float, ...]] = {
    "T1": (0, 760, 210, 250, 110, 230, 430, 50, 230, 190, 0, 60),
    "T2": (0, 620, 120, 210, 900, 330, 340, 40, 560, 130, 0, 45),
    "CT": (-1000, -95, 55, 40, 12, 30, 190, 720, 95, 80, 2900, 45),
}
ATTENUATION = (0.0, 0.017, 0.0205, 0.020, 0.0195, 0.0198, 0.027, 0.05, 0.021, 0.021, 0.35, 0.0205)
"""Per mm, for the X-ray look; the order of TISSUES."""
MR_NOISE, CT_NOISE = 16.0, 22.0
XR_COUNTS = 4000.0
"""Photons in an unattenuated X-ray pixel; the noise is theirs."""


@dataclass(frozen=True)
class PhantomConfig:
    """What to make. Lengths in mm.

    Attributes:
        slices: number of sagittal slices (the X-ray look sums over its own).
        samples: sub-samples a pixel side, for partial volume.
        scoliosis_mm: how far the apex of a lateral bend lies off the midline.
        slip_mm: how far L4, and all above it, stands in front of L5.
        metal: screws in L4 and L5.
    """

    look: Look = "T2"
    slices: int = 15
    slice_distance: float = 4.0
    spacing: float = 0.7
    height: int = 448
    width: int = 384
    scoliosis_mm: float = 0.0
    fracture: str | None = None
    slip_mm: float = 0.0
    metal: bool = False
    bias_field: float = 0.35
    samples: int = 2
    seed: int = 1


@dataclass(frozen=True)
class Phantom:
    """The painted phantom and its truth.

    Attributes:
        volume: float32 [slices, H, W], signal, HU or X-ray values.
        labels: int16 [slices, H, W], VerSe numbers (discs 100 + the vertebra above), 0 elsewhere.
        geometries: one for each slice.
    """

    config: PhantomConfig
    volume: NDArray[np.float32]
    labels: NDArray[np.int16]
    geometries: tuple[Geometry, ...] = field(repr=False)


def make_phantom(config: PhantomConfig | None = None) -> Phantom:
    """Paint the phantom. The same configuration gives the same pixels on every machine."""
    config = config or PhantomConfig()
    spine = build_spine(
        scoliosis_mm=config.scoliosis_mm, fracture=config.fracture, slip_mm=config.slip_mm
    )
    rng = np.random.default_rng(config.seed)
    if config.look == "XR":
        return _radiograph(config, spine, rng)
    places = (np.arange(config.slices) - (config.slices - 1) / 2) * config.slice_distance
    values = np.array(VALUES[config.look], dtype=np.float32)
    texture = _texture(config, rng)
    volume, labels = [], []
    for x in places:
        tissue, label = _slice_tissue(config, spine, float(x))
        fine = values[tissue]
        fine = fine * (1 + texture * np.isin(tissue, (2, 3, 6)))
        volume.append(cv2.resize(fine, (config.width, config.height), interpolation=cv2.INTER_AREA))
        labels.append(label)
    stack = _noisy(np.array(volume, dtype=np.float32), config, rng)
    geometries = tuple(_geometry(config, float(x)) for x in places)
    return Phantom(config, stack, np.array(labels, dtype=np.int16), geometries)


def _geometry(config: PhantomConfig, x: float) -> Geometry:
    top = (config.height - 1) / 2 * config.spacing
    front = -(config.width - 1) / 2 * config.spacing
    return Geometry(
        origin=(x, front, top),
        along_row=(0.0, 1.0, 0.0),
        along_column=(0.0, 0.0, -1.0),
        spacing=(config.spacing, config.spacing),
        thickness=config.slice_distance,
    )


def _grid(config: PhantomConfig, samples: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """y and z in mm of the centres of the sub-samples, [H * samples, W * samples]."""
    step = config.spacing / samples
    rows, columns = config.height * samples, config.width * samples
    y = (np.arange(columns) - (columns - 1) / 2) * step
    z = -(np.arange(rows) - (rows - 1) / 2) * step
    grid_y, grid_z = np.meshgrid(y, z)
    return grid_y, grid_z


def _slice_tissue(
    config: PhantomConfig, spine: PhantomSpine, x: float
) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """Tissue numbers of the sub-samples, and VerSe labels of the pixels (at their centres)."""
    y, z = _grid(config, config.samples)
    tissue = _surroundings(spine, x, y, z)
    xs = np.full_like(y, x)
    for disc in spine.discs:
        inside = _in_box(disc.centre, 40, xs, y, z)
        part = disc.inside(xs[inside], y[inside], z[inside])
        core = disc.inside(xs[inside], y[inside], z[inside], shrink=2.2)
        painted = np.where(core, TISSUES.index("nucleus"), TISSUES.index("annulus"))
        tissue[inside] = np.where(part, painted, tissue[inside])
    for body in spine.bodies:
        inside = _in_box(body.centre, 40, xs, y, z)
        part = body.inside(xs[inside], y[inside], z[inside])
        core = body.inside(xs[inside], y[inside], z[inside], shrink=RIM)
        painted = np.where(core, TISSUES.index("bone"), TISSUES.index("cortex"))
        tissue[inside] = np.where(part, painted, tissue[inside])
    if config.metal:
        _screws(tissue, spine, x, y, z)
    y, z = _grid(config, 1)
    xs = np.full_like(y, x)
    label = np.zeros(y.shape, dtype=np.int16)
    for disc in spine.discs:
        label[disc.inside(xs, y, z)] = 100 + VERSE_NUMBERS[disc.name.split("-")[0]]
    for body in spine.bodies:
        label[body.inside(xs, y, z)] = VERSE_NUMBERS[body.name]
    return tissue, label


def _in_box(
    centre: tuple[float, float, float],
    reach: float,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    z: NDArray[np.float64],
) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = (np.abs(y - centre[1]) < reach) & (np.abs(z - centre[2]) < reach)
    return near & (np.abs(x - centre[0]) < reach)


def _surroundings(
    spine: PhantomSpine, x: float, y: NDArray[np.float64], z: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Everything but bodies and discs: skin, fat, organs, muscle, canal, arches, lower sacrum."""
    tissue = np.zeros(y.shape, dtype=np.uint8)
    cx, cy = spine.canal_centre(z)
    back = 78 + 8 * np.sin(z / 70)
    skin = ((y < back) & (y > -128 + 6 * np.cos(z / 90))) & (abs(x) < 160)
    tissue[skin] = TISSUES.index("fat")
    organs = skin & (y > -112 + 10 * np.cos(z / 55)) & (y < cy - 20)
    tissue[organs] = TISSUES.index("organ")
    vessel = organs & (np.abs(y - (cy - 50)) < 8) & (abs(x - 8) < 14) & (z > -70)
    loops = np.sin(y / 11 + 2 * np.cos(z / 19)) * np.sin(z / 14 + 1.5 * np.sin(y / 23))
    tissue[organs & (y < cy - 62) & (loops > 0.45)] = TISSUES.index("fat")
    tissue[organs & (y < cy - 62) & (loops < -0.72)] = TISSUES.index("blood")
    tissue[vessel] = TISSUES.index("blood")
    muscle = skin & (y >= cy - 20) & (y < back - 14 - 6 * np.cos(z / 60))
    tissue[muscle] = TISSUES.index("muscle")
    for body in spine.bodies:
        _posterior(tissue, body.centre, body.depth, body.tilt, x, y, z)
    reach = np.hypot((x - cx) / 11.0, (y - cy) / 8.5)
    sacral = z < spine.bodies[0].centre[2] - 20
    tissue[(reach < 1) & ~sacral] = TISSUES.index("fluid")
    cord = (np.hypot((x - cx) / 5.0, (y - cy - 1) / 4.0) < 1) & (z > 12)
    tissue[cord] = TISSUES.index("cord")
    roots = (np.abs(y - cy - 3) < 1.2) & (abs(x) < 8) & (z <= 12) & (z > -95)
    tissue[roots & (reach < 1)] = TISSUES.index("cord")
    _lower_sacrum(tissue, spine, x, y, z)
    return tissue


def _posterior(
    tissue: NDArray[np.uint8],
    centre: tuple[float, float, float],
    depth: float,
    tilt: float,
    x: float,
    y: NDArray[np.float64],
    z: NDArray[np.float64],
) -> None:
    """Spinous process near the midline, joints beside it: tilted ellipses with a rim."""
    offset = abs(x - centre[0])
    if offset < 5:
        middle, long, high = depth / 2 + 33, 15.0, 8.0
    elif offset < 24:
        middle, long, high = depth / 2 + 16, 8.0, 13.0
    else:
        return
    dy, dz = y - centre[1] - middle, z - centre[2] + 8
    turn = tilt - 0.35
    u = np.cos(turn) * dy - np.sin(turn) * dz
    w = np.sin(turn) * dy + np.cos(turn) * dz
    radius = np.hypot(u / long, w / high)
    tissue[radius < 1] = TISSUES.index("cortex")
    tissue[radius < 0.86] = TISSUES.index("bone")


def _lower_sacrum(
    tissue: NDArray[np.uint8],
    spine: PhantomSpine,
    x: float,
    y: NDArray[np.float64],
    z: NDArray[np.float64],
) -> None:
    """S2 to S4, fused and smaller: not vertebral bodies in the sense of the labels."""
    _, cy, cz = spine.bodies[0].centre
    angle = 1.0
    for number, size in enumerate((0.9, 0.7, 0.5)):
        away = 17.0 + 20.5 * number
        dy = y - (cy + np.sin(angle) * away + 2.5 * number)
        dz = z - (cz - np.cos(angle) * away)
        u = np.cos(angle) * dy + np.sin(angle) * dz
        w = -np.sin(angle) * dy + np.cos(angle) * dz
        flat = np.maximum(np.abs(u) / (13 * size), np.abs(w) / 9.2) + abs(x) / 120
        tissue[flat < 1] = TISSUES.index("cortex")
        tissue[flat < 0.88] = TISSUES.index("bone")
        angle += 0.12


def _screws(
    tissue: NDArray[np.uint8],
    spine: PhantomSpine,
    x: float,
    y: NDArray[np.float64],
    z: NDArray[np.float64],
) -> None:
    """Pedicle screws in L4 and L5, 14 mm beside the midline."""
    for body in spine.bodies[1:3]:
        if abs(abs(x - body.centre[0]) - 14) > 3:
            continue
        dy, dz = y - body.centre[1], z - body.centre[2]
        along = np.cos(body.tilt) * dy - np.sin(body.tilt) * dz
        across = np.sin(body.tilt) * dy + np.cos(body.tilt) * dz
        tissue[(along > -6) & (along < 46) & (np.abs(across - 3) < 3)] = TISSUES.index("metal")


def _texture(config: PhantomConfig, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth random structure, about +-10 %, [H * samples, W * samples]."""
    rows, columns = config.height * config.samples, config.width * config.samples
    out = np.zeros((rows, columns), dtype=np.float32)
    for cells, strength in ((14, 0.05), (60, 0.05), (160, 0.04)):
        coarse = rng.normal(0, strength, (cells, cells)).astype(np.float32)
        out += cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    return out


def _noisy(
    stack: NDArray[np.float32], config: PhantomConfig, rng: np.random.Generator
) -> NDArray[np.float32]:
    """MR: surface-coil fall-off and Rician noise, values stay >= 0; CT: Gaussian noise in HU."""
    if config.look == "CT":
        noise = rng.normal(0, CT_NOISE, stack.shape).astype(np.float32)
        smooth = np.array([cv2.GaussianBlur(n, (0, 0), 0.7) for n in noise])
        return np.clip(stack + smooth * 1.6, -1024, 3071).astype(np.float32)
    y, z = _grid(config, 1)
    near = np.exp(config.bias_field * (y - 20) / 90 - (z / 190) ** 2 * config.bias_field)
    real = stack * near.astype(np.float32) + rng.normal(0, MR_NOISE, stack.shape)
    imaginary = rng.normal(0, MR_NOISE, stack.shape)
    return np.hypot(real, imaginary).astype(np.float32)


def _radiograph(config: PhantomConfig, spine: PhantomSpine, rng: np.random.Generator) -> Phantom:
    """Lateral projection: line integrals of attenuation from left to right, parallel beam.

    The masks are the bodies' and discs' own outlines in projection: the union over left-right.
    """
    step = 4.0
    places = np.arange(-158.0, 159.0, step)
    attenuation = np.array(ATTENUATION, dtype=np.float32)
    total = np.zeros((config.height, config.width), dtype=np.float32)
    labels = np.zeros(total.shape, dtype=np.int16)
    for x in places:
        tissue, label = _slice_tissue(config, spine, float(x))
        fine = attenuation[tissue] * np.float32(step)
        total += cv2.resize(fine, (config.width, config.height), interpolation=cv2.INTER_AREA)
        labels = np.where(label > 0, label, labels).astype(np.int16)
    counts = XR_COUNTS * np.exp(-np.clip(total * 0.55, 0, 7.5))
    counts = rng.poisson(counts).astype(np.float32)
    film = np.log(XR_COUNTS) - np.log(np.maximum(counts, 0.5))
    values = cv2.GaussianBlur(film, (0, 0), 0.5) / np.log(2 * XR_COUNTS) * 4095
    return Phantom(
        config,
        values[None].astype(np.float32),
        labels[None],
        (_geometry(config, 0.0),),
    )
