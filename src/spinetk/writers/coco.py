"""COCO instances: run-length masks on the source's pixel grid."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from spinetk.rle import encode_rle
from spinetk.structures import SPINE_CLASSES, label_numbers
from spinetk.study import Segmentation


def coco_content(result: Segmentation) -> dict[str, Any]:
    """One image (the segmented slice) and its annotations, as plain JSON types.

    Categories are 1 vertebral_body and 2 intervertebral_disc; a network with other classes has
    them numbered in the order in which they occur. Boxes are xywh as COCO has them.
    """
    stored = result.slice
    kinds = list(SPINE_CLASSES)
    if any(i.kind not in kinds for i in result.instances):
        kinds = list(dict.fromkeys(i.kind for i in result.instances))
    height, width = stored.pixels.shape
    annotations: list[dict[str, Any]] = []
    for label, instance in zip(label_numbers(result.instances), result.instances, strict=True):
        left, top, right, bottom = instance.box
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": 1,
                "category_id": kinds.index(instance.kind) + 1,
                "segmentation": encode_rle(instance.mask),
                "bbox": [left, top, right - left, bottom - top],
                "area": int(instance.mask.sum()),
                "iscrowd": 0,
                "score": round(instance.score, 4),
                "quality": instance.quality,
                "quality_low": instance.quality_low,
                "poor": instance.poor,
                "level_confidence": instance.level_confidence,
                "level": instance.level,
                "order": instance.order,
                "label": label,
                "truncated": instance.truncated,
                "slice_index": stored.index,
            }
        )
    image = {
        "id": 1,
        "file_name": "image.nii.gz",
        "height": height,
        "width": width,
        "slice_index": stored.index,
        "n_slices": len(result.series.slices),
        "pixel_spacing_mm": list(stored.spacing) if stored.spacing else None,
    }
    return {
        "info": {"description": "SpineTK segmentation", "model": result.model}
        | ({"correction": asdict(result.correction)} if result.correction else {}),
        "images": [image],
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(kinds)],
        "annotations": annotations,
    }


def write_coco(path: Path, result: Segmentation) -> None:
    """Write `coco_content` as JSON."""
    path.write_text(json.dumps(coco_content(result), indent=1) + "\n", encoding="utf-8")
