"""An image and its labels are stored each in its own way, and converted into a data set."""

from __future__ import annotations

from pathlib import Path

import nibabel
import nrrd
import numpy as np

from benchmarks.meanings.held import RIGHT
from benchmarks.meanings.stores import store_metaimage, turned
from benchmarks.meanings.volumes import Volume
from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.converters.convert import Conversion, convert
from spinetk.errors import SpineError
from spinetk.structures import level_of_number

WAYS = ("as it is", "turned", "cropped", "nearly whole numbers", "scaled", "elsewhere", "other voxels",
        "another slice")  # fmt: skip
REFUSED = ("scaled", "other voxels", "another slice")
"""What cannot be right."""
STEP = 200
"""Values of two labels in the image differ by so much: eight bits tell them apart."""
LEAST = 0.99
"""Dice of an outline and what the picture shows of its level."""


def converted(rng: np.random.Generator, path: Path, volume: Volume) -> tuple[str, str]:
    """How labels were stored beside an image, and how the conversion ended: every outline lies on
    the pixels of its level's value, and none is lost.

    Raises:
        SpineError: the pair is refused, though it can be right.
    """
    assert volume.labels is not None
    numbers = [int(n) for n in np.unique(volume.labels) if n]
    ranks = dict(zip(numbers, rng.permutation(len(numbers)) + 1, strict=True))
    shown = np.zeros(volume.labels.shape, dtype=np.int16)
    for number, rank in ranks.items():
        shown[volume.labels == number] = STEP * rank
    top = STEP * (len(numbers) + 1)
    shown[:, :, :6] = top  # so that no level is clipped with the brightest
    way = str(rng.choice(WAYS))
    kinds = [str(rng.choice(["nii.gz", "mha", "nrrd"])) for _ in range(2)]
    what = f"{way}, {kinds[1]}"
    _store(path / f"a.{kinds[0]}", *turned(rng, shown, volume.affine))
    _store(path / f"a_seg.{kinds[1]}", *_labels(rng, way, volume))
    try:
        convert("volumes", path, path / "out", Conversion("MR"))
    except SpineError:
        if way in REFUSED:
            return what, "refused"
        raise
    if way in REFUSED:
        return what, "WRONG: taken"
    return what, _held(path / "out", volume, ranks, top)


def _labels(rng: np.random.Generator, way: str, volume: Volume) -> tuple[np.ndarray, np.ndarray]:
    assert volume.labels is not None
    labels, affine = volume.labels.astype(np.float32), volume.affine.copy()
    if way == "turned":
        return turned(rng, labels, affine)
    if way == "cropped":
        low = [int(np.flatnonzero(labels.any(axis=axes))[0]) for axes in ((0, 2), (0, 1))]
        labels = labels[:, low[0] :, low[1] :]
        affine[:3, 3] += affine[:3, 1] * low[0] + affine[:3, 2] * low[1]
    elif way == "nearly whole numbers":
        labels = labels * np.float32(0.99999)
    elif way == "scaled":
        labels = labels * np.float32(0.9)
    elif way == "elsewhere":  # further voxels around it: a larger grid
        labels = np.pad(labels, ((0, 0), (3, 5), (2, 4)))
        affine[:3, 3] -= affine[:3, 1] * 3 + affine[:3, 2] * 2
    elif way == "other voxels":
        affine[:3, 1] *= 1.3
    elif way == "another slice":
        affine[:3, 3] += affine[:3, 0] * 40
    return labels, affine


def _store(file: Path, array: np.ndarray, affine: np.ndarray) -> None:
    if array.dtype == np.float32 and np.array_equal(array, np.round(array)):
        array = array.astype(np.int16)
    if file.name.endswith("nii.gz"):
        nibabel.save(nibabel.Nifti1Image(array, affine), file)
    elif file.suffix == ".mha":
        store_metaimage(file, array, affine)
    else:
        header = {"space": "right-anterior-superior", "space directions": affine[:3, :3].T,
                  "space origin": affine[:3, 3]}  # fmt: skip
        nrrd.write(str(file), array, header)


def _held(out: Path, volume: Volume, ranks: dict[int, int], top: int) -> str:
    assert volume.labels is not None
    levels = {level_of_number(number): rank for number, rank in ranks.items()}
    count = 0
    for image in read_dataset(out).images:
        shown = np.round(image.pixels / 255 * top / STEP).astype(int)
        for note in image.instances:
            count += 1
            if note.level not in levels:
                return f"WRONG: level {note.level}"
            there = shown == levels[note.level]
            dice = 2 * (there & note.mask).sum() / (there.sum() + note.mask.sum())
            if dice < LEAST:
                return f"WRONG: {note.level} has a Dice of {dice:.2f}"
    wanted = sum(len(np.unique(plane[plane > 0])) for plane in volume.labels)
    return RIGHT if count == wanted else f"WRONG: {count} of {wanted} outlines"
