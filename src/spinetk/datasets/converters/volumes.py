"""Image and label volumes: ITK-SNAP or any NIfTI/MHA/NRRD pairs, VerSe, SPIDER."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinetk.datasets.converters.bodies import vertebral_body
from spinetk.datasets.converters.names import Label
from spinetk.datasets.writer import DatasetWriter, eight_bit, grey_window
from spinetk.errors import SpineError
from spinetk.readers.volume_files import VOLUME_SUFFIXES, read_volume
from spinetk.structures import BODY_KIND
from spinetk.study import Modality, Slice

EDGE_SHARE = 0.4
"""A cut smaller than this share of the instance's largest cut is its lateral edge: it is left out,
and the slice is not exhaustive."""
NO_INSTANCE = {26, 100}
"""The sacrum in VerSe and the canal in SPIDER: labels that are neither a body nor a disc."""
GRID_MM = 0.1
"""Image and labels are on one grid where their affines differ by less."""
LABEL_ENDINGS = ("seg", "label", "labels", "mask", "bodies", "segmentation")


def pairs(folder: Path, lost: list[str]) -> Iterator[tuple[str, Path, Path]]:
    """(name, image, labels) of files like `case1.nii.gz` and `case1_seg.nii.gz`.

    Args:
        lost: receives a reason for each file that has no partner.
    """
    files = {_stem(path): path for path in _volumes(folder)}
    ends = tuple(mark + ending for ending in LABEL_ENDINGS for mark in "_-")
    images = {stem: path for stem, path in files.items() if not stem.endswith(ends)}
    used = set()
    for stem, path in images.items():
        labels = next((files[stem + end] for end in ends if stem + end in files), None)
        if labels is None:
            lost.append("volumes without labels")
        else:
            used.add(labels)
            yield "_".join(Path(stem).relative_to(folder).parts), path, labels
    lost += ["labels without a volume"] * (len(files) - len(images) - len(used))


def verse_pairs(folder: Path, lost: list[str]) -> Iterator[tuple[str, Path, Path]]:
    """VerSe in BIDS names: `rawdata/*/*_ct.nii.gz`, `derivatives/*/*_seg-vert_msk.nii.gz`."""
    images = {path.name.removesuffix("_ct.nii.gz"): path for path in folder.rglob("*_ct.nii.gz")}
    for path in sorted(folder.rglob("*_seg-vert_msk.nii.gz")):
        stem = path.name.removesuffix("_seg-vert_msk.nii.gz")
        if stem in images:
            yield stem, images.pop(stem), path
        else:
            lost.append("labels without a volume")
    lost += ["volumes without labels"] * len(images)


def spider_pairs(folder: Path, lost: list[str]) -> Iterator[tuple[str, Path, Path]]:
    """SPIDER: `images/1_t1.mha` with `masks/1_t1.mha`."""
    for path in sorted((folder / "masks").glob("*.mha")):
        image = folder / "images" / path.name
        if image.is_file():
            yield path.stem, image, path
        else:
            lost.append("labels without a volume")


def add_volume(
    writer: DatasetWriter,
    name: str,
    image_path: Path,
    label_path: Path,
    numbers: dict[int, Label],
    *,
    modality: Modality,
    patient: str,
    whole_vertebrae: bool,
    exhaustive: bool,
    lost: list[str],
) -> None:
    """Add every sagittal slice with the bodies and discs that are cut near their middle.

    Args:
        numbers: what label values mean; others are left out.
        lost: receives a reason for each label value that is not known.
        whole_vertebrae: the masks hold posterior elements, which are removed
            (`spinetk.datasets.converters.bodies`).

    Raises:
        SpineError: image and labels are not on one grid.
        UnreadableInput: a file is damaged or not usable in the sagittal plane.
    """
    image, labels = read_volume(image_path), read_volume(label_path, labels=True)
    if not _on_one_grid(image.slices, labels.slices):
        raise SpineError(f"is not on the grid of {image_path.name}", label_path.name)
    low, high = grey_window(image.slices, modality)
    there = [
        set(np.unique(part.pixels[part.pixels > 0]).astype(int).tolist()) for part in labels.slices
    ]
    cuts = [
        _cuts(label, sorted(values & numbers.keys()), numbers, whole_vertebrae)
        for label, values in zip(labels.slices, there, strict=True)
    ]
    largest: dict[int, int] = {}
    for cut in cuts:
        for value, mask in cut.items():
            largest[value] = max(largest.get(value, 0), int(mask.sum()))
    lost += [
        f"labels numbered {value}, which is no body or disc here"
        for value in sorted(set[int]().union(*there) - numbers.keys() - NO_INSTANCE)
    ]
    for part, values, cut in zip(image.slices, there, cuts, strict=True):
        whole = {v: mask for v, mask in cut.items() if mask.sum() >= EDGE_SHARE * largest[v]}
        writer.add(
            f"{name}_{part.index:03d}",
            eight_bit(part.pixels, low, high),
            [(numbers[value], mask) for value, mask in whole.items()],
            patient=patient,
            series=name,
            modality=modality,
            place=(part.index, len(image.slices)),
            spacing=part.spacing,
            # a label that is there and not outlined (a lateral edge, a number not known) is visible
            exhaustive=exhaustive and values - NO_INSTANCE == whole.keys(),
        )


def _on_one_grid(a: Sequence[Slice], b: Sequence[Slice]) -> bool:
    """Whether two stacks of slices lie at the same places in the patient."""
    if len(a) != len(b) or a[0].pixels.shape != b[0].pixels.shape:
        return False
    return all(
        x.geometry is not None
        and y.geometry is not None
        and np.allclose(x.geometry.affine_ras, y.geometry.affine_ras, atol=GRID_MM)
        for x, y in ((a[0], b[0]), (a[-1], b[-1]))
    )


def _cuts(
    part: Slice, values: Sequence[int], numbers: dict[int, Label], whole_vertebrae: bool
) -> dict[int, NDArray[np.bool_]]:
    """Mask of every known label on a slice; of a vertebra, its body."""
    found = {}
    for value in values:
        mask = part.pixels == value
        if whole_vertebrae and numbers[value][0] == BODY_KIND:
            mask = vertebral_body(mask, part.spacing)
        if mask.any():
            found[value] = mask
    return found


def _volumes(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.name.lower().endswith(VOLUME_SUFFIXES))


def _stem(path: Path) -> str:
    """The path without its suffix."""
    suffix = max((s for s in VOLUME_SUFFIXES if path.name.lower().endswith(s)), key=len)
    return str(path)[: -len(suffix)]
