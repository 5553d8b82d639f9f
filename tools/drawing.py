"""Draw what is measured, on the phantom: python tools/drawing.py writes docs/images/measurements.png."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from spinetk.measures.core import core
from spinetk.measures.shape import outline_points
from spinetk.phantom import PhantomConfig, make_phantom
from spinetk.structures import VERSE_NUMBERS

PATH = Path(__file__).parents[1] / "docs" / "images" / "measurements.png"
SPACING = 0.7
LEVELS = ("L4", "L5", "S1")


def main() -> None:
    phantom = make_phantom(PhantomConfig(look="T1", slices=1))
    pixels, labels = phantom.volume[0], phantom.labels[0]
    masks = {level: labels == VERSE_NUMBERS[level] for level in LEVELS}
    rows, columns = np.nonzero(np.any(list(masks.values()), axis=0))
    figure, axes = plt.subplots(figsize=(7.2, 6.2))
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1.6 * np.percentile(pixels, 99))
    points = {k: outline_points(m, only="upper" if k == "S1" else None) for k, m in masks.items()}
    for level, mask in masks.items():
        axes.contour(mask, [0.5], colors="#4c9be8", linewidths=1)
        axes.contour(
            core(mask, (SPACING, SPACING)), [0.5], colors="#3fbf7f", linewidths=0.7, linestyles=":"
        )
        for plate in (points[level].upper, points[level].lower):
            if plate is not None:
                axes.plot(*plate.T, color="#ffd23f", linewidth=1.2)
                axes.plot(*plate[1:4].T, "o", color="#ffd23f", markersize=4, linewidth=1.2)
    for level in ("L4", "L5"):
        for place in range(3):
            ends = np.stack([points[level].upper[place + 1], points[level].lower[place + 1]])
            axes.plot(*ends.T, color="#ffffff", linewidth=0.9)
        walls = np.stack([points[level].front, points[level].back])
        axes.plot(*walls.T, color="#ffffff", linewidth=0.9, linestyle="--")
    note = {"color": "white", "fontsize": 9}
    for place, (name, side) in enumerate((("anterior", -14), ("middle", 0), ("posterior", 14))):
        x, y = points["L4"].upper[place + 1]
        axes.text(x + side, y - 6, name, ha="center", **note)
    x, y = points["L4"].front
    axes.text(x - 3, y, "width", ha="right", va="center", **note)
    x, y = points["S1"].upper[0]
    axes.annotate("segment angle: between these\ntwo end plates", (x, y - 6), (x - 16, y + 30), ha="center",
                  arrowprops={"arrowstyle": "-", "color": "white"}, **note)  # fmt: skip
    x, y = masks["L5"].nonzero()[1].max(), masks["L5"].nonzero()[0].max()
    axes.annotate("slip: corner of L5\nalong the end plate of S1", points["S1"].upper[4], (x + 34, y + 6),
                  arrowprops={"arrowstyle": "-", "color": "white"}, ha="center", **note)  # fmt: skip
    x, y = points["L4"].back
    axes.annotate("core", (x - 4, y + 3), (x + 22, y), va="center",
                  arrowprops={"arrowstyle": "-", "color": "white"}, **note)  # fmt: skip
    axes.set_xlim(columns.min() - 45, columns.max() + 45)
    axes.set_ylim(rows.max() + 18, rows.min() - 16)
    axes.axis("off")
    figure.tight_layout(pad=0.2)
    figure.savefig(PATH, dpi=110, facecolor="black")


if __name__ == "__main__":
    main()
