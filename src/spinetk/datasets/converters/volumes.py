"""Image and label volumes: ITK-SNAP or any NIfTI/MHA/NRRD pairs, VerSe, SPIDER."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.datasets.converters.bodies import single_parts, vertebral_body
from spinetk.datasets.converters.names import Label, class_of
from spinetk.datasets.writer import DatasetWriter, eight_bit, grey_window
from spinetk.errors import SpineError
from spinetk.readers.volume_files import label_names, read_labels, read_volume
from spinetk.structures import BODY_KIND, RANKS, SPINE_CLASSES
from spinetk.study import Modality, Slice

EDGE_SHARE = 0.4
"""A cut smaller than this share of the instance's largest cut is its lateral edge: it is left out,
and the slice is not exhaustive."""
NO_INSTANCE = {26, 100}
"""The sacrum in VerSe and the canal in SPIDER: labels that are neither a body nor a disc."""


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
    guessed: bool = False,
    own_numbers: bool = False,
) -> None:
    """Add every sagittal slice with the bodies and discs that are cut near their middle.

    Args:
        numbers: what label values mean, where the labels' own header does not say it; others are
            left out.
        guessed: that is a guess, and levels that cannot be true are refused.
        own_numbers: they are the user's, of whom 26 and 100 need not be a sacrum and a canal.
        lost: receives a reason for each label value that is not known.
        whole_vertebrae: the masks hold posterior elements, which are removed
            (`spinetk.datasets.converters.bodies`).

    Raises:
        SpineError: the levels that the numbers mean cannot be true.
        UnreadableInput: a file is damaged or not usable in the sagittal plane, or the labels cannot
            be brought to the image's grid without a change.
    """
    image, labels = read_volume(image_path), read_labels(label_path, image_path)
    named = {value: class_of(text) for value, text in label_names(label_path).items()}
    spine = {value: label for value, label in named.items() if label[0] in SPINE_CLASSES}
    if guessed and named and not spine:
        shown = ", ".join(sorted(label for label, _ in named.values())[:4])
        raise SpineError(f"its segments have names of their own ({shown}): say what they are "
                         "(--names)", label_path.name)  # fmt: skip
    named = spine if guessed else {}
    no_instance = set() if own_numbers or named else NO_INSTANCE - numbers.keys()
    numbers = named or numbers
    low, high = grey_window(image.slices, modality)
    there = [
        set(np.unique(part.pixels[part.pixels > 0]).astype(int).tolist()) for part in labels.slices
    ]
    cuts = [
        _cuts(label, sorted(values & numbers.keys()), numbers, whole_vertebrae)
        for label, values in zip(labels.slices, there, strict=True)
    ]
    if not named and guessed:
        _check_levels(cuts, numbers, labels.slices[0].spacing, label_path.name)
    largest: dict[int, int] = {}
    for cut in cuts:
        for value, mask in cut.items():
            largest[value] = max(largest.get(value, 0), int(mask.sum()))
    lost += [
        f"labels numbered {value}, which is no body or disc here"
        for value in sorted(set[int]().union(*there) - numbers.keys() - no_instance)
    ]
    for part, values, cut in zip(image.slices, there, cuts, strict=True):
        whole = {v: mask for v, mask in cut.items() if mask.sum() >= EDGE_SHARE * largest[v]}
        writer.add(
            f"{name}_{part.index:03d}",
            eight_bit(part.pixels, low, high),
            [part for value, mask in whole.items() for part in single_parts(numbers[value], mask)],
            patient=patient,
            series=name,
            modality=modality,
            place=(part.index, len(image.slices)),
            spacing=part.spacing,
            # a label that is there and not outlined (a lateral edge, a number not known) is visible
            exhaustive=exhaustive and values - no_instance == whole.keys(),
        )


WIDEST_NECK_MM = 26.0
"""Bodies of the neck are 14 to 20 mm deep, lumbar ones 30 to 40."""


WIDEST_GAP = 3.0
"""Levels that are labelled lie nearer to each other: a larger gap is another numbering."""


def _check_levels(
    cuts: Sequence[dict[int, NDArray[np.bool_]]],
    numbers: dict[int, Label],
    spacing: tuple[float, float] | None,
    name: str,
) -> None:
    """See to it that the levels run from the head down and that necks are no wider than necks are:
    somebody's own numbers 1, 2, 3 are no C1, C2, C3.

    Raises:
        SpineError: they do not, or are.
    """
    places: dict[str, float] = {}
    widths: dict[str, float] = {}
    for cut in cuts:
        for value, mask in cut.items():
            kind, level = numbers[value]
            if kind == BODY_KIND and _several(mask):
                what = f"several bodies at once, no {level or 'single one'}"
                raise SpineError(f"its number {value} marks {what}: name it (--names)", name)
            if kind == BODY_KIND and level is not None and mask.sum() > 20:
                # masks of whole vertebrae may have come unsaid
                rows, columns = np.nonzero(
                    vertebral_body(mask, spacing) if level[0] == "C" else mask
                )
                if not len(rows):
                    continue
                width = (np.ptp(columns) + 1) * (spacing[1] if spacing else 1)
                if width > widths.get(level, 0):
                    places[level], widths[level] = float(rows.mean()), float(width)
    _check_sizes(cuts, numbers, spacing, name)
    levels = sorted(places, key=RANKS.__getitem__)
    told = f"its numbers would mean {', '.join(levels)}"
    if any(places[a] >= places[b] for a, b in pairwise(levels)):
        raise SpineError(
            f"{told}, which do not lie from the head down so: name them (--names)", name
        )
    jumps = [f"{a} and {b}" for a, b in pairwise(levels) if RANKS[b] - RANKS[a] > WIDEST_GAP]
    if jumps:
        gap = f"with nothing between {jumps[0]}"
        raise SpineError(f"{told}, {gap}: name them (--names)", name)
    depths = [widths[level] for level in levels if level[0] == "C"]
    if depths and spacing is None:
        raise SpineError(f"{told}, and without mm nobody can tell: name them (--names)", name)
    if spacing and depths and np.median(depths) > WIDEST_NECK_MM:
        wide = f"{np.median(depths):.0f} mm deep"
        raise SpineError(f"{told}, {wide}, which no neck is: name them (--names)", name)


HEIGHTS_MM, HIGHEST_SHARE = (4.0, 70.0), 4.0
"""Heights of vertebrae on their largest cut, posterior elements included; without mm, of their
height in their width."""


def _check_sizes(
    cuts: Sequence[dict[int, NDArray[np.bool_]]],
    numbers: dict[int, Label],
    spacing: tuple[float, float] | None,
    name: str,
) -> None:
    """See to it that what a number would make a body is as large as one: a cord, a lesion and a
    point are marked by 1, too.

    Raises:
        SpineError: it is not.
    """
    sizes: dict[int, tuple[int, int, int]] = {}
    for cut in cuts:
        for value, mask in cut.items():
            if numbers[value][0] == BODY_KIND:
                rows, columns = np.nonzero(mask)
                own = len(rows), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
                sizes[value] = max(sizes.get(value, own), own)
    for value, (_, height, width) in sizes.items():
        if spacing is None:
            wrong, shown = height > HIGHEST_SHARE * width, f"{height} x {width} pixels"
        else:
            size = height * spacing[0]
            wrong, shown = not HEIGHTS_MM[0] <= size <= HEIGHTS_MM[1], f"{size:.0f} mm high"
        if wrong:
            level = numbers[value][1] or "a body"
            raise SpineError(
                f"its number {value} would mean {level}, and is {shown}: name it (--names)", name
            )


SEVERAL, ALIKE = 3, 0.4
"""So many parts, each at least such a share of the largest, are bodies and no processes of one."""


def _several(mask: NDArray[np.bool_]) -> bool:
    """Whether a mask holds bodies one above the other."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = stats[1:count, cv2.CC_STAT_AREA]
    return bool(count > SEVERAL and (areas >= ALIKE * areas.max()).sum() >= SEVERAL)


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
