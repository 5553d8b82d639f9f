"""Does it matter through which window a CT slice was saved? python experiments/windows.py DATA

The middle slices of the study of ct_totalseg, in Hounsfield units and as 8-bit pictures through usual windows, outlined by
the network of the cross-validation's fold that never saw it (runs/cv_ct/fold-4). Writes docs/results/windows.md.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from spinetk.boxes import box_iou, dice, mask_box
from spinetk.evaluation.matching import DETECTED_IOU, match
from spinetk.evaluation.tables import markdown
from spinetk.network.loaded import LoadedModel, load_model
from spinetk.orientation import upright
from spinetk.pipeline import outline
from spinetk.readers.volume_files import read_volume
from spinetk.study import Slice

ROOT = Path(__file__).parents[1]
PATIENT = "ct_totalseg-0001"
WINDOWS = {
    "Hounsfield units": None,
    "bone, 1800 at 400": (400, 1800),
    "wide, 3000 at 300": (300, 3000),
    "narrow bone, 900 at 250": (250, 900),
    "abdomen, 400 at 40": (40, 400),
}
SLICES = 7


def fold_network() -> LoadedModel:
    folds = json.loads((ROOT / "runs" / "cv_ct" / "folds.json").read_text())["folds"]
    number = next(n for n, patients in folds.items() if PATIENT in patients)
    return load_model(ROOT / "runs" / "cv_ct" / f"fold-{number}" / "model.onnx")


def through(one: Slice, window: tuple[int, int] | None) -> Slice:
    if window is None:
        return one
    centre, width = window
    gray = np.clip((one.pixels - centre + width / 2) / width, 0, 1) * 255
    return replace(one, pixels=gray.round().astype(np.float32))


def main(data: Path) -> None:
    folder = data / "ct_totalseg" / "volumes"
    image, labels = (
        read_volume(folder / "0001.nii.gz"),
        read_volume(folder / "0001_bodies.nii.gz", labels=True),
    )
    sizes = [np.count_nonzero(one.pixels) for one in labels.slices]
    first = int(np.argmax(sizes)) - SLICES // 2
    loaded = fold_network()
    rows = []
    for name, window in WINDOWS.items():
        found_dice, detected, count = [], 0, 0
        for index in range(first, first + SLICES):
            values = labels.slices[index].pixels
            truth = [values == v for v in np.unique(values[values > 0])]
            found = outline(
                upright(through(image.slices[index], window)),
                loaded,
                loaded.model.score_threshold,
                "CT",
            )
            bodies = [i for i in found if i.kind != "intervertebral_disc"]
            iou = box_iou(
                np.array([mask_box(m) for m in truth]),
                np.array([i.box for i in bodies]).reshape(-1, 4),
            )
            count += len(truth)
            for row, column in match(iou):
                if iou[row, column] >= DETECTED_IOU:
                    detected += 1
                    found_dice.append(dice(truth[row], bodies[column].mask))
        rows.append({"slice as": name, "bodies": count, "detected_percent": 100 * detected / count,
                     "dice": float(np.median(found_dice)) if found_dice else float("nan")})  # fmt: skip
    text = (
        f"The {SLICES} middle slices of ct_totalseg, outlined by the network of the fold that never saw the study "
        "(`python experiments/windows.py DATA`).\n\n" + markdown(pd.DataFrame(rows))
    )  # fmt: skip
    (ROOT / "docs" / "results" / "windows.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
