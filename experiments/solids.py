"""Bodies through all slices against labelled volumes: python experiments/solids.py DATA

Every slice of the volumes of mr_vb1, mr_vb2, mr_vb3 (network `mr`) and ct_verse (`ct`) is segmented and put together as
`--slice all` does; each labelled body is held against the solid that shares most voxels with it. Patients that the
network was trained on, by its card, are told apart. Writes docs/results/solids.md.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.labelled import labelled_volumes
from spinetk.errors import SpineError
from spinetk.pipeline import segment
from spinetk.readers.volume_files import read_labels, read_volume
from spinetk.solids import OutlinedSlice, label_volume, solids
from spinetk.structures import BODY_KIND

ROOT = Path(__file__).parents[1]
SETS = {"mr_vb1": "mr", "mr_vb2": "mr", "mr_vb3": "mr", "ct_verse": "ct"}
FOUND = 0.5
SMALLEST = 500
"""Voxels of a label; less is the corner of a body at the border."""


def main(data: Path) -> None:
    rows = []
    for volume in labelled_volumes(data, SETS):
        series = replace(read_volume(volume.image), modality=volume.modality)
        labels = read_labels(volume.labels, volume.image)
        wanted = np.stack([s.pixels for s in labels.slices]).astype(int)
        outlined = []
        for index in range(len(series.slices)):
            try:
                outlined.append(
                    OutlinedSlice.of(segment(series, volume.loaded, slice_choice=index))
                )
            except SpineError:
                continue
        parts = [s for s in solids(outlined)[1] if s.instance.kind == BODY_KIND]
        found = label_volume(series, parts, range(1, len(parts) + 1))
        for value in np.unique(wanted[wanted > 0]).tolist():
            reference = wanted == value
            if reference.sum() < SMALLEST:
                continue
            shared = np.bincount(found[reference], minlength=len(parts) + 1)[1:]
            sizes = np.bincount(found.ravel(), minlength=len(parts) + 1)[1:]
            dice = 2 * shared / np.maximum(sizes + reference.sum(), 1)
            best = float(dice.max(initial=0))
            rows.append(
                {
                    "set": volume.data_set,
                    "patients": "trained on" if volume.seen else "unseen",
                    "volume": volume.name,
                    "dice": best,
                }
            )
    frame = pd.DataFrame(rows)
    table = pd.DataFrame(
        {
            "set": key[0], "patients": key[1], "volumes": part["volume"].nunique(), "bodies": len(part),
            "found, %": f"{100 * (part['dice'] >= FOUND).mean():.1f}",
            "3-D Dice, median": f"{part['dice'].median():.3f}", "quartile": f"{part['dice'].quantile(0.25):.3f}",
        }
        for key, part in frame.groupby(["set", "patients"])
    )  # fmt: skip
    text = f"`python experiments/solids.py DATA`: bodies of labelled volumes, found where the 3-D Dice is at least {FOUND}.\n\n"
    (ROOT / "docs" / "results" / "solids.md").write_text(
        text + table.to_markdown(index=False) + "\n"
    )
    print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
