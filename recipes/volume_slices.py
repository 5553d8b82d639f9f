"""Turn labelled volumes into a data set of all their slices: python recipes/volume_slices.py SET OUT

SET is a data set folder with `volumes/NAME.nii.gz` and `volumes/NAME_bodies.nii.gz` (VerSe numbers). The pictures
of the MR sets are central slices only; a network must also see the lateral ones, where kidneys and muscles look
like bodies. A slice with labels is not exhaustive (other levels are visible). A slice that is at least two slices
away from every labelled one shows no body and no disc: it is complete and empty. Slices in between are left out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.writer import DatasetWriter, eight_bit
from spinetk.intensity import BONE_WINDOW_HU
from spinetk.readers.volume_files import read_volume
from spinetk.structures import BODY_KIND, SPINE_CLASSES, VERSE_NUMBERS

SMALLEST = 60
"""A label with fewer pixels on a slice is a lateral edge and makes the slice one in between."""
LEVELS = {number: level for level, number in VERSE_NUMBERS.items()}


def main(folder: Path, out: Path) -> None:
    known = read_dataset(folder)
    modality = known.images[0].modality
    writer = DatasetWriter(out, known.info)
    empty_slices = 0
    for path in sorted((folder / "volumes").glob("*_bodies.nii.gz")):
        stem = path.name.removesuffix("_bodies.nii.gz")
        image = read_volume(path.with_name(f"{stem}.nii.gz"))
        labels = read_volume(path, labels=True)
        volume = np.stack([s.pixels for s in image.slices])
        low, high = BONE_WINDOW_HU if modality == "CT" else np.percentile(volume, (0.5, 99.5))
        sizes = [int(np.count_nonzero(s.pixels)) for s in labels.slices]
        shown = [i for i, size in enumerate(sizes) if size > 0]
        for one, label in zip(image.slices, labels.slices, strict=True):
            masks = {int(v): label.pixels == v for v in np.unique(label.pixels[label.pixels > 0])}
            empty = min(abs(one.index - i) for i in shown) >= 2
            whole = bool(masks) and all(np.count_nonzero(m) >= SMALLEST for m in masks.values())
            if not empty and not whole:
                continue
            empty_slices += empty
            writer.add(
                f"{stem}_{one.index:02d}", eight_bit(one.pixels, low, high),
                [((BODY_KIND, LEVELS[value]), mask) for value, mask in masks.items()],
                patient=f"{folder.name}-{stem}", series=f"{folder.name}-{stem}-v", modality=modality,
                place=(one.index, len(image.slices)), spacing=one.spacing, exhaustive=empty,
                labelled=SPINE_CLASSES if empty else (BODY_KIND,),
            )  # fmt: skip
    writer.close()
    print(f"{out}: {len(writer.images)} slices, {empty_slices} of them without a body or disc")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
