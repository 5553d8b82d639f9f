"""How well the anchors fit the boxes of data sets: python experiments/anchors.py DATA_SET...

For each set: the best overlap that any anchor shape, centred on the box, has with it, over the
scales that augmentation draws. Writes docs/results/anchors.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from spinetk.datasets.annotated import read_dataset
from spinetk.training.config import AugmentationConfig, NetworkConfig, TrainingConfig

OUT = Path(__file__).parents[1] / "docs" / "results"


def shapes(config: NetworkConfig) -> np.ndarray:
    """Width and height of each anchor: float [A, 2]."""
    sizes = [s for level in config.anchor_sizes for s in level]
    return np.array([(s / np.sqrt(r), s * np.sqrt(r)) for s in sizes for r in config.anchor_ratios])


def best_overlap(boxes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Largest IoU of each box [N, 2] (width, height) with an anchor on the same centre."""
    shared = np.minimum(boxes[:, None], anchors[None]).prod(axis=2)
    union = boxes.prod(axis=1)[:, None] + anchors.prod(axis=1)[None] - shared
    return (shared / union).max(axis=1)


def main(folders: list[str]) -> None:
    anchors, rng = shapes(NetworkConfig()), np.random.default_rng(0)
    low, high = np.log(AugmentationConfig().scale)
    lines = [
        "| data set | structure | width px | height px | height / width | best IoU, median | 5th percentile |",
        "|---|---|---|---|---|---|---|",
    ]
    for folder in folders:
        one = read_dataset(Path(folder))
        for number, kind in enumerate(one.classes, start=1):
            sizes = []
            for image in one.images:
                scale = TrainingConfig().fitted_side[image.modality] / max(image.pixels.shape)
                for note in image.instances:
                    if note.category == number:
                        left, top, right, bottom = note.box
                        sizes.append(((right - left) * scale, (bottom - top) * scale))
            if not sizes:
                continue
            boxes = np.array(sizes)
            drawn = boxes * np.exp(rng.uniform(low, high, len(boxes)))[:, None]
            overlap = best_overlap(drawn, anchors)
            width, height = np.median(boxes, axis=0)
            ratio = np.median(boxes[:, 1] / boxes[:, 0])
            lines.append(
                f"| {one.name} | {kind.replace('_', ' ')} | {width:.0f} | {height:.0f} | {ratio:.2f} "
                f"| {np.median(overlap):.2f} | {np.percentile(overlap, 5):.2f} |"
            )
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "anchors.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
