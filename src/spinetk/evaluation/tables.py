"""The tables of the paper's evaluation, from the rows of `Frames`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from spinetk.evaluation.agreement_tables import (
    angle_table,
    grade_table,
    radiomics_table,
    scopes,
    size_table,
)
from spinetk.evaluation.precision import precision_curves
from spinetk.evaluation.quality_table import quality_table, verdict_table
from spinetk.evaluation.repeatability import repeatability_table
from spinetk.evaluation.row_tables import Frames
from spinetk.structures import LEVELS, RANKS

ALL = "all"


def all_tables(frames: Frames) -> dict[str, pd.DataFrame]:
    """Every table by its name; one without rows is left out."""
    found = frames.instances
    tables = {
        "structures": instance_table(found, ["modality", "kind"]),
        "data_sets": data_set_table(frames),
        "regions": instance_table(found, ["modality", "kind", "region"]),
        "levels": _by_level(instance_table(found, ["modality", "kind", "level"])),
        "quality": quality_table(frames),
        "misses": miss_table(found),
        "precision": precision_table(frames),
        "selection": selection_table(frames.slices),
        "radiomics": radiomics_table(found, ["dataset", "kind"]),
        "sizes": size_table(found, ["dataset", "kind"]),
        "sizes_by_level": _by_level(size_table(found, ["modality", "kind", "level"])),
        "angles": angle_table(frames.angles),
        "grades": grade_table(found),
        "verdicts": verdict_table(frames),
        "repeatability": repeatability_table(frames.repeats),
        "time": time_table(frames.times),
    }
    if "fold" in found:
        tables["folds"] = instance_table(found, ["modality", "kind", "fold"])
    return {name: table for name, table in tables.items() if not table.empty}


def instance_table(instances: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Detection, Dice and surface distance for each group.

    Dice and its quartiles, and the surface distance, are over the detected instances, as in the
    paper; `dice_all` is the median over all, with 0 for one that was not found.
    """
    rows = [
        dict(zip(by, key, strict=True)) | _instance_figures(group)
        for key, group in instances.groupby(by, sort=True)
    ]
    return pd.DataFrame(rows)


def _instance_figures(group: pd.DataFrame) -> dict[str, Any]:
    detected = group[group["detected"].astype(bool)]
    q1, median, q3 = (
        np.percentile(detected["dice"], (25, 50, 75)) if len(detected) else [np.nan] * 3
    )
    return {
        "patients": group["patient"].nunique(),
        "images": group["image"].nunique(),
        "instances": len(group),
        "detected_percent": 100 * len(detected) / len(group) if len(group) else np.nan,
        "dice": median,
        "dice_q1": q1,
        "dice_q3": q3,
        "dice_all": group["dice"].median(),
        "surface_95_px": detected["surface_px"].median(),
        "surface_95_mm": detected["surface_mm"].median(),
    }


def data_set_table(frames: Frames) -> pd.DataFrame:
    """Each data set and class over all its images and over the middle slices of its series, with
    its false positives (counted only where everything is labelled) and level names."""
    rows = []
    false = frames.false_positives
    groups = dict(list(frames.instances.groupby(["dataset", "kind"])))
    wrong = {(str(d), str(k)) for d, k in zip(false["dataset"], false["kind"], strict=True)}
    for dataset, kind in sorted(groups.keys() | wrong):
        group = groups.get((dataset, kind), frames.instances[:0])
        count = int(((false["dataset"] == dataset) & (false["kind"] == kind)).sum())
        for scope, chosen in scopes(group):
            given = chosen[chosen["level"].notna() & chosen["named"].notna()]
            right = int((given["level"] == given["named"]).sum())
            rows.append(
                {"data_set": dataset, "kind": kind, "slices": scope}
                | _instance_figures(chosen)
                | {
                    "false_positives": count if scope == "all" else "-",
                    "levels_right": right,
                    "levels_wrong": len(given) - right,
                    "levels_not_given": int(chosen["level"].notna().sum()) - len(given),
                }
            )
    return pd.DataFrame(rows)


def _by_level(table: pd.DataFrame) -> pd.DataFrame:
    """Order the levels from the neck down."""
    if table.empty:
        return table
    last = float(len(LEVELS))
    place = table["level"].map(lambda level: RANKS.get(str(level).split("-")[0], last))
    return (
        table.assign(place=place).sort_values(["modality", "kind", "place"]).drop(columns="place")
    )


def miss_table(instances: pd.DataFrame) -> pd.DataFrame:
    """Instances that were not detected, by cause (the paper's Table 2)."""
    rows = []
    for (modality, kind), group in instances.groupby(["modality", "kind"]):
        causes = group.loc[~group["detected"].astype(bool), "cause"].value_counts()
        for cause, count in causes.items():
            rows.append(
                {
                    "modality": modality, "kind": kind, "cause": cause, "missed": count,
                    "percent_of_all": 100 * count / len(group),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def precision_table(frames: Frames) -> pd.DataFrame:
    """Average precision at box IoU 0.7 and the lowest of the thresholds with the best F1."""
    rows = []
    for (modality, kind), curve in precision_curves(frames):
        own, false = (
            item[(item["kind"] == kind) & (item["modality"] == modality)]
            for item in (frames.instances, frames.false_positives)
        )
        rows.append(
            {
                "modality": modality,
                "kind": kind,
                "average_precision": curve.average_precision,
                "best_threshold": curve.best_threshold,
                "best_f1": curve.best_f1,
                "false_positives": len(false),
                "images": own["image"].nunique(),
            }
        )
    return pd.DataFrame(rows)


def selection_table(slices: pd.DataFrame) -> pd.DataFrame:
    """Slice selection: how often exact, how far off, and whether to one side (t-test against 0)."""
    rows = []
    for dataset, group in slices.groupby("dataset"):
        error = (group["selected"] - group["reference"]).to_numpy(dtype=float)
        test = stats.ttest_1samp(error, 0.0).pvalue if len(error) > 1 else np.nan
        if len(error) > 1 and not np.ptp(error):  # no spread: the formula divides by zero
            test = 1.0 if error[0] == 0 else 0.0
        rows.append(
            {
                "dataset": dataset,
                "series": len(group),
                "exact_percent": 100 * float((error == 0).mean()),
                "within_one_percent": 100 * float((abs(error) <= 1).mean()),
                "mean_error_slices": float(error.mean()),
                "mean_distance_slices": float(abs(error).mean()),
                "smallest_error": int(error.min()),
                "largest_error": int(error.max()),
                "t_test_p": float(test),
                "same_bodies_percent": 100 * float(group["same_bodies"].astype(bool).mean()),
                "area_share_percent": 100 * float(group["area_share"].median()),
                "smallest_area_share_percent": 100 * float(group["area_share"].min()),
                "slices_as_good": float(group["as_good"].median()),
            }
        )
    return pd.DataFrame(rows)


def time_table(times: pd.DataFrame) -> pd.DataFrame:
    """Median seconds an image: the network alone, and the whole process."""
    rows = [
        {
            "modality": modality,
            "images": len(group),
            "network_seconds": group["network"].median(),
            "whole_seconds": group["whole"].median(),
        }
        for modality, group in times.groupby("modality")
    ]
    return pd.DataFrame(rows)


BRIEF = (
    "data_set", "kind", "slices", "patients", "images", "instances", "detected_percent", "dice",
    "dice_all", "false_positives", "levels_right", "levels_wrong", "levels_not_given", "dataset",
    "series", "exact_percent", "within_one_percent", "mean_distance_slices", "same_bodies_percent",
    "area_share_percent", "poor", "poor_flagged_percent", "good_flagged_percent",
    "as_good_as_bound_percent", "mean_difference",
)  # fmt: skip


def brief(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that one looks at first."""
    return table[[name for name in table.columns if name in BRIEF]]


def markdown(table: pd.DataFrame) -> str:
    """A table as Markdown, figures rounded as their column's unit deserves."""
    shown = table.copy().astype(object)
    for name in shown.columns:
        words = name in ("kind", "structure", "cause", "feature", "size")
        digits = 1 if str(name).endswith("percent") else 4 if str(name).endswith("_p") else 3
        shown[name] = [_shown(value, digits, words) for value in table[name]]
    text: str = shown.rename(columns=lambda name: str(name).replace("_", " ")).to_markdown(
        index=False, disable_numparse=True
    )
    return text + "\n"


def _shown(value: Any, digits: int, words: bool) -> str:
    if isinstance(value, float | np.floating):
        return "-" if np.isnan(value) else f"{value:.{digits}f}"
    return str(value).replace("_", " ") if words else str(value)
