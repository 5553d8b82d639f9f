"""Leave loose quadrilaterals out of training: python recipes/clean_quads.py SET MODEL OUT

SET is xr_aasce, MODEL an .onnx file. The rule: a quadrilateral is left out where its box overlaps the network's body
by an IoU of less than 0.5; a film is left out where that happens to more than 30 % of its quadrilaterals (they are
shifted as a whole, or their landmarks are out of order). The copy OUT is for training only: figures are always on the
whole set.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np

from spinetk.boxes import box_iou
from spinetk.datasets.annotated import read_dataset
from spinetk.evaluation.compare import as_slice
from spinetk.network.loaded import load_model
from spinetk.orientation import upright
from spinetk.pipeline import outline

LEAST_IOU, MOST_LEFT_OUT = 0.5, 0.3


def main(folder: Path, model: str, out: Path) -> None:
    loaded, known = load_model(model), read_dataset(folder)
    content = json.loads((folder / "annotations.json").read_text())
    by_image: dict[int, list[dict]] = {}
    for note in content["annotations"]:
        by_image.setdefault(note["image_id"], []).append(note)
    shutil.rmtree(out, ignore_errors=True)
    (out / "images").mkdir(parents=True)
    images, notes, dropped = [], [], 0
    for image, entry in zip(known.images, content["images"], strict=True):
        found = outline(
            upright(as_slice(image)), loaded, loaded.model.score_threshold, image.modality
        )
        boxes = np.array([i.box for i in found if i.kind != "intervertebral_disc"]).reshape(-1, 4)
        own = by_image[entry["id"]]
        corners = np.array([(x, y, x + w, y + h) for x, y, w, h in (note["bbox"] for note in own)])
        fits = box_iou(corners, boxes).max(axis=1, initial=0) >= LEAST_IOU
        if (~fits).mean() > MOST_LEFT_OUT:
            continue
        shutil.copyfile(image.path, out / "images" / image.path.name)
        images.append(entry | {"pseudo_labels": True})
        notes += [note for note, fit in zip(own, fits, strict=True) if fit]
        dropped += int((~fits).sum())
    cleaned = content | {"images": images, "annotations": notes}
    (out / "annotations.json").write_text(json.dumps(cleaned))
    print(
        f"{out}: {len(images)} of {len(known.images)} films, {dropped} quadrilaterals of theirs left out"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
