"""Make a small data set in the documented layout: bright bodies, dark discs, in a column."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from spinetk.rle import encode_rle

HEIGHT, WIDTH = 120, 100
CHAIN = ("L1", "L2", "L3", "L4", "L5", "S1")


def make_dataset(
    folder: Path,
    *,
    patients: int = 2,
    bodies: int = 3,
    slices: int = 1,
    labelled: tuple[int, ...] = (1, 2),
    exhaustive: bool = True,
    lowest_level: str = "L5",
) -> Path:
    """Write `folder/images` and `folder/annotations.json`; returns the folder."""
    (folder / "images").mkdir(parents=True)
    content: dict[str, Any] = {
        "info": {"name": folder.name, "licence": "none", "source": "made by a test"},
        "categories": [
            {"id": 1, "name": "vertebral_body"},
            {"id": 2, "name": "intervertebral_disc"},
        ],
        "images": [],
        "annotations": [],
    }
    levels = CHAIN[: CHAIN.index(lowest_level) + 1][-bodies:]
    for patient in range(patients):
        for index in range(slices):
            _add_image(folder, content, patient, index, slices, levels, labelled, exhaustive)
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def _add_image(
    folder: Path,
    content: dict[str, Any],
    patient: int,
    index: int,
    slices: int,
    levels: tuple[str, ...],
    labelled: tuple[int, ...],
    exhaustive: bool,
) -> None:
    number = len(content["images"]) + 1
    rng = np.random.default_rng(number)
    pixels = rng.normal(40, 6, (HEIGHT, WIDTH))
    name = f"images/{patient:04d}_{index:02d}.png"
    left = 35 + int(rng.integers(-4, 5))
    for place, level in enumerate(levels):
        top = 8 + 30 * place
        shapes = [(1, level, top, 20, 180.0)]
        if place + 1 < len(levels):
            shapes.append((2, f"{level}-{levels[place + 1]}", top + 21, 8, 110.0))
        elif level == "L5":
            shapes.append((2, "L5-S1", top + 21, 8, 110.0))
        for category, label, row, height, value in shapes:
            mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
            mask[row : row + height, left : left + 30] = True
            pixels[mask] += value - 40
            if category in labelled:
                content["annotations"].append(
                    {
                        "id": len(content["annotations"]) + 1,
                        "image_id": number,
                        "category_id": category,
                        "segmentation": encode_rle(mask),
                        "bbox": [left, row, 30, height],
                        "area": int(mask.sum()),
                        "iscrowd": 0,
                        "level": label,
                    }
                )
    cv2.imwrite(str(folder / name), np.clip(pixels, 0, 255).astype(np.uint8))
    content["images"].append(
        {
            "id": number,
            "file_name": name,
            "height": HEIGHT,
            "width": WIDTH,
            "patient_id": f"{folder.name}-{patient:04d}",
            "series_id": f"{folder.name}-{patient:04d}-s1",
            "slice_index": index,
            "n_slices": slices,
            "modality": "MR",
            "view": "sagittal",
            "weighting": None,
            "pixel_spacing_mm": [1.0, 1.0],
            "spacing_note": "made by a test",
            "labelled_categories": list(labelled),
            "exhaustive": exhaustive,
        }
    )
