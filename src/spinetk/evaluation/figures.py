"""The paper's figures from the rows of `Frames`: box plots, Bland-Altman, precision and recall."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import matplotlib

matplotlib.use("Agg")  # files only, no window
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from statsmodels.graphics.agreement import mean_diff_plot

from spinetk.evaluation.precision import precision_curves
from spinetk.evaluation.row_tables import Frames
from spinetk.evaluation.rows import FEATURES, SIZES

COLOURS = {"vertebral_body": "#2b6cb0", "intervertebral_disc": "#c05621"}
NAMES = {"vertebral_body": "vertebral bodies", "intervertebral_disc": "discs"}


def all_figures(frames: Frames) -> Iterator[tuple[str, Figure]]:
    """Every figure with its name; the caller closes them."""
    yield "dice", dice_figure(frames.instances)
    yield "precision_recall", precision_figure(frames)
    if len(frames.slices):
        yield "selection", selection_figure(frames.slices)
    yield "bland_altman", agreement_figure(frames.instances, FEATURES)
    if frames.instances["in_mm"].notna().any():
        yield "bland_altman_sizes", agreement_figure(frames.instances, SIZES[:5])


def dice_figure(instances: pd.DataFrame) -> Figure:
    """Box plots of Dice of the detected instances for each data set and fold (Figure 3)."""
    groups, labels, colours = [], [], []
    detected = instances[instances["detected"].astype(bool)]
    keys = ["dataset", "kind"] + (["fold"] if "fold" in detected else [])
    for key, group in detected.groupby(keys):
        groups.append(group["dice"].to_numpy())
        labels.append(" ".join([str(key[0]), *(f"fold {part}" for part in key[2:])]))
        colours.append(COLOURS.get(str(key[1]), "#555555"))
    figure, axes = plt.subplots(figsize=(7.2, 0.5 + 0.24 * max(4, len(groups))))
    if not groups:
        axes.text(0.5, 0.5, "nothing was detected", ha="center", transform=axes.transAxes)
        return figure
    drawn = axes.boxplot(
        groups[::-1], orientation="horizontal", tick_labels=labels[::-1], patch_artist=True,
        widths=0.65, flierprops={"marker": ".", "markersize": 3, "alpha": 0.4},
        medianprops={"color": "black"},
    )  # fmt: skip
    for box, colour in zip(drawn["boxes"], colours[::-1], strict=True):
        box.set(facecolor=colour, alpha=0.55)
    axes.set_xlabel("Dice of detected instances")
    axes.tick_params(axis="y", labelsize=7)
    axes.grid(axis="x", alpha=0.3)
    for kind in detected["kind"].unique():
        axes.plot([], [], "s", color=COLOURS.get(kind, "#555555"), label=NAMES.get(kind, kind))
    axes.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    figure.tight_layout()
    return figure


def precision_figure(frames: Frames) -> Figure:
    """Precision over recall at box IoU 0.7, with the threshold that the analysis picks marked."""
    figure, axes = plt.subplots(figsize=(4.6, 4.2))
    for (modality, kind), curve in precision_curves(frames):
        name = f"{modality} {NAMES.get(kind, kind)}, AP {curve.average_precision:.3f}"
        [line] = axes.plot(
            curve.recall, curve.precision, label=name, color=COLOURS.get(kind, "#555555")
        )
        best = int(np.argmin(np.abs(curve.scores - curve.best_threshold)))
        axes.plot(curve.recall[best], curve.precision[best], "o", color=line.get_color())
        axes.annotate(
            f"{curve.best_threshold:.2f}", (curve.recall[best], curve.precision[best]),
            textcoords="offset points", xytext=(-28, -12), fontsize=8,
        )  # fmt: skip
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower left")
    figure.tight_layout()
    return figure


def selection_figure(slices: pd.DataFrame) -> Figure:
    """How far the selected slices lie from the reference slices."""
    error = (slices["selected"] - slices["reference"]).to_numpy()
    reach = max(3, int(abs(error).max()))
    figure, axes = plt.subplots(figsize=(4.6, 2.8))
    axes.hist(
        error, bins=[float(b) - 0.5 for b in range(-reach, reach + 2)], color="#2b6cb0", alpha=0.7
    )
    axes.set(xlabel="selected - reference slice", ylabel="series")
    axes.grid(axis="y", alpha=0.3)
    figure.tight_layout()
    return figure


def agreement_figure(instances: pd.DataFrame, values: Sequence[str]) -> Figure:
    """Bland-Altman plots of each of some values (Figure 4): a row for each modality and class."""
    detected = instances[instances["detected"].astype(bool)]
    groups = list(detected.groupby(["modality", "kind"]))
    figure, grid = plt.subplots(
        max(1, len(groups)), len(values), figsize=(12, 3.0 * max(1, len(groups))), squeeze=False
    )
    for row, ((modality, kind), group) in zip(grid, groups, strict=False):
        for axes, feature in zip(row, values, strict=True):
            pairs = group[[f"reference_{feature}", f"found_{feature}"]].dropna().to_numpy(float)
            axes.set_title(f"{modality} {NAMES.get(kind, kind)}: {feature}", fontsize=8)
            if len(pairs) < 3:
                continue
            mean_diff_plot(
                pairs[:, 1], pairs[:, 0], ax=axes,
                scatter_kwds={"s": 4, "alpha": 0.35, "color": COLOURS.get(kind, "#555555")},
            )  # fmt: skip
            error = pairs[:, 1] - pairs[:, 0]  # the plot would leave outliers out
            low, high = axes.get_ylim()
            axes.set_ylim(min(low, 1.05 * error.min()), max(high, 1.05 * error.max()))
            axes.tick_params(labelsize=7)
            axes.set_xlabel("mean of both", fontsize=7)
            axes.set_ylabel("found - reference", fontsize=7)
            for text in axes.texts:
                text.set_fontsize(6)
                text.set_bbox({"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1})
    figure.tight_layout()
    return figure
