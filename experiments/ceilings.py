"""What the annotations themselves allow: python experiments/ceilings.py DATA

For a sample of the bodies of each set: the Dice of the reference mask with itself after a shift of one pixel and after
growing by one pixel (an annotator's hand, a registration that is off), and, for the true outlines, the Dice with
the best quadrilateral through their corners (what a film's four landmarks can say of a body). For the films' quads: the
Dice after each corner is moved by a normal error of 1, 2 and 3 pixels. Writes docs/results/ceilings.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from spinetk.boxes import dice
from spinetk.datasets.annotated import BODY, read_dataset
from spinetk.datasets.writer import polygon_mask
from spinetk.evaluation.tables import markdown

HEAD = "What the annotations themselves allow (`python experiments/ceilings.py DATA`)"
OUT = Path(__file__).parents[1] / "docs" / "results" / "ceilings.md"
SETS = ("mr_spider", "mr_backspine", "mr_vb2", "mr_vb3", "ct_lumbar", "xr_aasce")
BODIES = 150
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=np.uint8)


def shifted(mask: np.ndarray, dx: float, dy: float) -> np.ndarray:
    matrix = np.array([[1, 0, dx], [0, 1, dy]], dtype=np.float32)
    return cv2.warpAffine(mask.astype(np.float32), matrix, mask.shape[::-1]) > 0.5


def grown(mask: np.ndarray) -> np.ndarray:
    return cv2.dilate(mask.astype(np.uint8), CROSS) > 0


def corners(mask: np.ndarray) -> np.ndarray:
    """The corners of a body: its outermost points along the diagonals of its fitted rectangle."""
    points = np.argwhere(mask)[:, ::-1].astype(np.float32)
    middle, (width, height), angle = cv2.minAreaRect(points)
    turn = np.radians(angle)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    own = (points - middle) @ axes.T / (np.array([width, height]) / 2 + 1e-6)
    # a polygon counts from where a pixel begins, half a pixel before its centre
    return 0.5 + np.array(
        [points[np.argmax(own @ np.array(d))] for d in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    )


def main(data: Path) -> None:
    rows = []
    for name in SETS:
        images = [i for i in read_dataset(data / name).images if i.instances]
        rng = np.random.default_rng(1)
        found: dict[str, list[float]] = {}
        heights = []
        for place in rng.permutation(len(images))[:BODIES]:
            image = images[place]
            bodies = [a for a in image.instances if a.category == BODY]
            if not bodies:
                continue
            mask = bodies[rng.integers(len(bodies))].mask
            heights.append(np.sqrt(mask.sum()))
            angle = rng.uniform(0, 2 * np.pi)
            found.setdefault("shifted 1 px", []).append(
                dice(mask, shifted(mask, np.cos(angle), np.sin(angle)))
            )
            found.setdefault("grown 1 px", []).append(dice(mask, grown(mask)))
            quad = corners(mask)
            found.setdefault("best quadrilateral", []).append(
                dice(mask, polygon_mask(quad, mask.shape))
            )
            if image.modality == "XR":
                for error in (1, 2, 3):
                    moved = polygon_mask(quad + rng.normal(0, error, quad.shape), mask.shape)
                    found.setdefault(f"corners off by {error} px", []).append(dice(mask, moved))
        rows.append(
            {"data_set": name, "bodies": len(heights), "median_size_px": float(np.median(heights))}
            | {key: float(np.median(values)) for key, values in found.items()}
        )
    table = pd.DataFrame(rows)
    OUT.write_text(f"{HEAD}\n\n{markdown(table)}")
    print(OUT.read_text())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
