"""Outlines that fit named points: python recipes/landmark_labels.py SET MODEL OUT

SET is a data set folder whose images have `landmarks` (name, category_id, x, y) and no outlines, as mr_sysu. Every
image is outlined by MODEL at a score of at least 0.8; an image is kept where every body's point lies in a body of its
own and at least all but one of the discs' points in a disc of its own. Those instances get their point's level, S1
its own, others none; what lies below the lowest point and is not S1 is left out. Writes the data set OUT (labels of a network: trained on, never tested on).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from spinetk.boxes import mask_centre
from spinetk.datasets.annotated import AnnotatedImage, read_dataset
from spinetk.datasets.writer import DatasetWriter
from spinetk.evaluation.compare import as_slice
from spinetk.network.loaded import LoadedModel, load_model
from spinetk.orientation import upright
from spinetk.pipeline import outline
from spinetk.structures import BODY_KIND, DISC_KIND, SACRAL_CLASS, SPINE_CLASSES, group_of

SCORE = 0.8
MISSING_DISCS = 1

Named = list[tuple[tuple[str, str | None], np.ndarray]]


def fitted(image: AnnotatedImage, points: list[dict], loaded: LoadedModel) -> Named | None:
    """(class, level) and mask of what was found, None where it does not fit the points."""
    found = outline(upright(as_slice(image)), loaded, SCORE, image.modality)
    levels: dict[int, str] = {}
    missing = 0
    for point in points:
        kind = SPINE_CLASSES[point["category_id"] - 1]
        row, column = round(point["y"]), round(point["x"])
        hit = [
            k for k, one in enumerate(found) if group_of(one.kind) == kind and one.mask[row, column]
        ]
        if len(hit) == 1 and hit[0] not in levels:
            levels[hit[0]] = point["name"]
        elif kind == DISC_KIND:
            missing += 1
        else:
            return None
    if missing > MISSING_DISCS:
        return None
    lowest = max((mask_centre(found[k].mask)[1] for k in levels), default=0.0)
    out: Named = []
    for k, one in enumerate(found):
        level = levels.get(k)
        if one.kind == SACRAL_CLASS:
            if level is not None:  # a point says that it is L5
                return None
            level = "S1"
        elif level is None and mask_centre(one.mask)[1] > lowest:  # S1 taken for one more body
            continue
        out.append(((group_of(one.kind), level), one.mask))
    return out


def main(folder: Path, model: str, out: Path) -> None:
    known, loaded = read_dataset(folder), load_model(model)
    source = json.loads((folder / "annotations.json").read_text())["images"]
    notes = f"outlines by the network {loaded.model.sha256} that fit the source's points"
    writer = DatasetWriter(out, known.info | {"notes": notes})
    for image, entry in zip(known.images, source, strict=True):
        named = fitted(image, entry["landmarks"], loaded)
        if named is not None:
            writer.add(
                image.path.stem, image.pixels, named, patient=image.patient, series=image.series,
                modality=image.modality, place=(image.slice_index, image.n_slices),
                spacing=image.spacing, labelled=(BODY_KIND, DISC_KIND), pseudo=True,
            )  # fmt: skip
    print(f"{out}: {len(writer.images)} of {len(known.images)} images, {writer.close()} instances")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
