"""How well a network tells its poor outlines from its good ones."""

from __future__ import annotations

import pandas as pd

from spinetk.evaluation.calibration import POOR_DICE
from spinetk.evaluation.row_tables import Frames


def verdict_table(frames: Frames) -> pd.DataFrame:
    """How often each verdict is right: outlines whose Dice is `POOR_DICE` or more, by verdict;
    what the border cuts is left out, and false positives count as poor."""
    names = ["dataset", "kind", "dice", "verdict"]
    found = frames.instances[frames.instances["verdict"].notna()]
    found = found[found["cause"] != "border"]
    false = frames.false_positives[frames.false_positives["verdict"].notna()].assign(dice=0.0)
    together = pd.concat([found[names], false[names]]) if len(false) else found[names]
    together = together[together["verdict"] != "reject"]
    rows = []
    for (dataset, kind), group in together.groupby(["dataset", "kind"]):
        poor, told = group["dice"] < POOR_DICE, group["verdict"] == "check"
        rows.append(
            {
                "data_set": dataset,
                "kind": kind,
                "instances": len(group),
                "ok_percent": 100 * (~told).mean(),
                "ok_that_are_good_percent": 100 * (~poor[~told]).mean(),
                "poor": int(poor.sum()),
                "poor_to_check_percent": 100 * told[poor].mean(),
                "good_to_check_percent": 100 * told[~poor].mean(),
            }
        )
    return pd.DataFrame(rows)


def quality_table(frames: Frames) -> pd.DataFrame:
    """How well the network tells its poor outlines (Dice below `POOR_DICE`; false positives have
    0) from the others, and how many are as good as their lower bound says."""
    found = frames.instances[frames.instances["quality"].notna()]
    false = frames.false_positives[frames.false_positives["quality"].notna()].assign(dice=0.0)
    names = ["dataset", "kind", "dice", "quality", "quality_low", "flagged"]
    rows = []
    together = pd.concat([found[names], false[names]]) if len(false) else found[names]
    for (dataset, kind), group in together.groupby(["dataset", "kind"]):
        poor = group["dice"] < POOR_DICE
        flagged = group["flagged"].astype(bool)
        rows.append(
            {
                "data_set": dataset,
                "kind": kind,
                "instances": len(group),
                "poor": int(poor.sum()),
                "poor_flagged_percent": 100 * flagged[poor].mean(),
                "good_flagged_percent": 100 * flagged[~poor].mean(),
                "as_good_as_bound_percent": 100 * (group["dice"] >= group["quality_low"]).mean(),
                "mean_difference": (group["quality"] - group["dice"]).abs().mean(),
            }
        )
    return pd.DataFrame(rows)
