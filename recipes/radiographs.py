"""Render films from volumes with known bodies: python recipes/radiographs.py DATA OUT

Writes two synthetic data sets: OUT/xr_drr (lateral and AP films of the labelled CT volumes of DATA, each turned a
little in several ways) and OUT/xr_phantom (lateral films of phantoms). A film is the sum of attenuation along parallel
rays; the mask of a body or disc is its shadow. They show what a film looks like where no labelled lateral film is to
be had; figures on them are figures on synthetic films.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from scipy.ndimage import affine_transform
from scipy.spatial.transform import Rotation

from spinetk.datasets.writer import DatasetWriter
from spinetk.phantom import PhantomConfig, make_phantom
from spinetk.readers.volume_files import read_volume
from spinetk.structures import BODY_KIND, DISC_BASE, DISC_KIND, SPINE_CLASSES, VERSE_NUMBERS

STEP = 1.5
"""Grid of the ray sums in mm; films are written at half of it."""
LEVELS = {number: level for level, number in VERSE_NUMBERS.items()}
SMALLEST = 80
Film = tuple[np.ndarray, dict[int, np.ndarray]]
"""uint8 [H, W] and the mask of each label."""


def grid(path: Path, *, labels: bool) -> np.ndarray:
    """A volume as [left-right, head to foot, front to back], resampled to STEP."""
    series = read_volume(path, labels=labels)
    values = np.stack([s.pixels for s in series.slices])
    geometry = series.slices[0].geometry
    assert geometry is not None and geometry.plane == "sagittal"
    if geometry.along_column[2] > 0:
        values = values[:, ::-1]
    if geometry.along_row[1] < 0:
        values = values[:, :, ::-1]
    spacing = np.array([geometry.thickness, *geometry.spacing])
    shape = np.round(np.array(values.shape) * spacing / STEP).astype(int)
    return affine_transform(
        values, STEP / spacing, output_shape=tuple(shape), order=0 if labels else 3, mode="nearest"
    )


def turned(volume: np.ndarray, turn: Rotation, order: int, outside: float) -> np.ndarray:
    matrix = turn.as_matrix()
    centre = (np.array(volume.shape) - 1) / 2
    return affine_transform(volume, matrix, centre - matrix @ centre, order=order, cval=outside)


def ct_films(
    image: np.ndarray, labels: np.ndarray, count: int, seed: int
) -> Iterator[tuple[str, Film]]:
    rng = np.random.default_rng(seed)
    for number in range(count):
        view, axis = ("ap", 2) if number % 3 == 2 else ("lateral", 0)
        # about the head-foot axis (patient turned), the front-back axis and the left-right axis (leaning)
        turn = Rotation.from_euler("yzx", rng.uniform(-1, 1, 3) * (8, 6, 8), degrees=True)
        attenuation = np.clip(turned(image, turn, 1, -1000.0) / 1000 + 1, 0, None)
        bone = np.clip(attenuation - 1.15, 0, None) * rng.uniform(1.0, 3.5)
        total = (attenuation + bone).sum(axis=axis) * STEP * 0.02
        solid = turned(labels, turn, 0, 0)
        shadows = {int(v): (solid == v).any(axis=axis) for v in np.unique(solid[solid > 0])}
        if view == "ap":  # head up; the sacrum's body is not seen as one from the front
            # nor do discs have an outline there
            total, shadows = (
                total.T,
                {v: m.T for v, m in shadows.items() if v < VERSE_NUMBERS["S1"]},
            )
        film = 1 - np.exp(-total * rng.uniform(0.1, 0.3)) if number % 2 else total
        yield view, _enlarged(film + rng.normal(0, 0.004 * np.ptp(film), film.shape), shadows)


def _enlarged(film: np.ndarray, shadows: dict[int, np.ndarray]) -> Film:
    # exposed for the bone, as films are: soft tissue in front of the spine is nearly black
    low, high = np.percentile(film[film > np.median(film) / 4], (3, 99.7))
    gray = (np.clip((film - low) / (high - low), 0, 1) * 255).astype(np.float32)
    size = (2 * film.shape[1], 2 * film.shape[0])
    large = {
        v: cv2.GaussianBlur(
            cv2.resize(m.astype(np.float32), size, interpolation=cv2.INTER_LINEAR), (0, 0), 1.5
        )
        > 0.5
        for v, m in shadows.items()
    }
    return cv2.resize(gray, size, interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(
        np.uint8
    ), large


def phantom_film(seed: int) -> Film:
    rng = np.random.default_rng(seed)
    config = PhantomConfig(
        look="XR", samples=1, spacing=float(rng.uniform(0.6, 0.75)), scoliosis_mm=float(rng.uniform(0, 12)), seed=seed,
        fracture=str(rng.choice(["L1", "L2", "T12"])) if rng.random() < 0.4 else None, metal=bool(rng.random() < 0.2),
    )  # fmt: skip
    phantom = make_phantom(config)
    film, labels = phantom.volume[0], phantom.labels[0]
    low, high = np.percentile(film, (0.5, 99.8))
    gray = np.clip((film - low) / (high - low), 0, 1) * 255
    return gray.astype(np.uint8), {int(v): labels == v for v in np.unique(labels[labels > 0])}


def new_set(folder: Path, source: str) -> DatasetWriter:
    return DatasetWriter(folder, {"source": source, "licence": "synthetic", "citation": "SpineTK"})


def add(
    films: DatasetWriter,
    patient: str,
    view: str,
    film: Film,
    spacing: float,
    classes: tuple[str, ...],
) -> None:
    gray, masks = film
    number = f"{len(films.images) + 1:03d}"
    outlines = [
        ((BODY_KIND, LEVELS[value]) if value < DISC_BASE else (DISC_KIND, None), mask)
        for value, mask in masks.items()
        if np.count_nonzero(mask) >= SMALLEST
    ]
    films.add(
        number, gray, outlines, patient=patient, series=f"{films.folder.name}-{number}",
        modality="XR", view=view, spacing=(spacing, spacing), labelled=classes,
    )  # fmt: skip


def main(data: Path, out: Path) -> None:
    films = new_set(out / "xr_drr", "rendered from ct_totalseg and ct_crop")
    for name, count in (("ct_totalseg", 24), ("ct_crop", 9)):
        folder = data / name / "volumes"
        image, labels = (
            grid(folder / "0001.nii.gz", labels=False),
            grid(folder / "0001_bodies.nii.gz", labels=True),
        )
        discs = folder / "0001_discs.nii.gz"
        if discs.is_file():
            between = grid(discs, labels=True)
            labels = np.where((labels == 0) & (between > 0), between + DISC_BASE, labels)
        for view, film in ct_films(image, labels, count, seed=count):
            classes = SPINE_CLASSES if discs.is_file() and view == "lateral" else (BODY_KIND,)
            add(films, f"{name}-0001", view, film, STEP / 2, classes)  # the CT's own patient
    films.close()
    films = new_set(out / "xr_phantom", "SpineTK phantom")
    for seed in range(12):
        gray, masks = phantom_film(seed)
        add(films, f"xr_phantom-{seed:02d}", "lateral", (gray, masks), 0.7, SPINE_CLASSES)
    films.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
