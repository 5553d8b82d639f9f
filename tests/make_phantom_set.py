"""Phantoms as a data set: what a network was made for, with exact outlines and levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spinetk.datasets.writer import DatasetWriter
from spinetk.intensity import to_unit_range
from spinetk.phantom import PhantomConfig, make_phantom
from spinetk.structures import DISC_BASE, SPINE_CLASSES, level_of_number


def make_phantom_set(folder: Path, patients: int) -> Path:
    """Write the middle slice of each of some phantoms, T1 and T2 in turn; returns the folder."""
    writer = DatasetWriter(folder, {"source": "phantom", "licence": "none"})
    for number in range(patients):
        look = ("T2", "T1")[number % 2]
        phantom = make_phantom(PhantomConfig(look=look, slices=3, seed=number + 1))
        labels = phantom.labels[1]
        outlines = [
            ((SPINE_CLASSES[int(label > DISC_BASE)], level_of_number(int(label))), labels == label)
            for label in np.unique(labels[labels > 0])
        ]
        picture = np.round(255 * to_unit_range(phantom.volume[1])).astype(np.uint8)
        writer.add(
            f"{number:03d}", picture, outlines, patient=f"phantom-{number}", modality="MR",
            spacing=(phantom.config.spacing,) * 2, exhaustive=True,
        )  # fmt: skip
    writer.close()
    return folder
