"""Turn labelled volumes into a data set of all their slices: python benchmarks/volume_slices.py SET OUT

SET is a data set folder with `volumes/NAME.nii.gz` and `volumes/NAME_bodies.nii.gz` (VerSe numbers). The pictures
of the MR sets are central slices only; a network must also see the lateral ones, where kidneys and muscles look
like bodies. A slice with labels is not exhaustive (other levels are visible). A slice that is at least two slices
away from every labelled one shows no body and no disc: it is complete and empty. Slices in between are left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from spinetk.anatomy import VERSE_IDS
from spinetk.boxes import mask_box
from spinetk.dataset import SPINE_CLASSES, read_dataset
from spinetk.readers.volume import read_volume
from spinetk.rle import encode_rle

SMALLEST = 60
"""A label with fewer pixels on a slice is a lateral edge and makes the slice one in between."""
LEVELS = {number: level for level, number in VERSE_IDS.items()}


def main(folder: Path, out: Path) -> None:
    known = read_dataset(folder)
    (out / "images").mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {
        "info": known.info,
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(SPINE_CLASSES)],
        "images": [],
        "annotations": [],
    }
    for path in sorted((folder / "volumes").glob("*_bodies.nii.gz")):
        stem = path.name.removesuffix("_bodies.nii.gz")
        image = read_volume(path.with_name(f"{stem}.nii.gz"))
        labels = read_volume(path, labels=True)
        volume = np.stack([s.pixels for s in image.slices])
        low, high = np.percentile(volume, (0.5, 99.5))
        sizes = [int(np.count_nonzero(s.pixels)) for s in labels.slices]
        shown = [i for i, size in enumerate(sizes) if size > 0]
        for one, label in zip(image.slices, labels.slices, strict=True):
            masks = {int(v): label.pixels == v for v in np.unique(label.pixels[label.pixels > 0])}
            empty = min(abs(one.index - i) for i in shown) >= 2
            whole = bool(masks) and all(np.count_nonzero(m) >= SMALLEST for m in masks.values())
            if not empty and not whole:
                continue
            number = len(content["images"]) + 1
            name = f"images/{stem}_{one.index:02d}.png"
            gray = np.clip((one.pixels - low) / (high - low), 0, 1) * 255
            cv2.imwrite(str(out / name), gray.round().astype(np.uint8))
            content["images"].append(
                {
                    "id": number, "file_name": name, "height": gray.shape[0], "width": gray.shape[1],
                    "patient_id": f"{folder.name}-{stem}", "series_id": f"{folder.name}-{stem}-v",
                    "slice_index": one.index, "n_slices": len(image.slices), "modality": "MR",
                    "view": "sagittal", "weighting": None,
                    "pixel_spacing_mm": list(one.spacing or ()) or None, "spacing_note": "volume",
                    "labelled_categories": [1, 2] if empty else [1], "exhaustive": empty,
                }
            )  # fmt: skip
            for value, mask in masks.items():
                left, top, right, bottom = mask_box(mask)
                content["annotations"].append(
                    {
                        "id": len(content["annotations"]) + 1, "image_id": number, "category_id": 1,
                        "segmentation": encode_rle(mask), "iscrowd": 0, "level": LEVELS[value],
                        "bbox": [left, top, right - left, bottom - top], "area": int(mask.sum()),
                    }
                )  # fmt: skip
    (out / "annotations.json").write_text(json.dumps(content))
    empty_slices = sum(i["exhaustive"] for i in content["images"])
    print(f"{out}: {len(content['images'])} slices, {empty_slices} of them without a body or disc")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
