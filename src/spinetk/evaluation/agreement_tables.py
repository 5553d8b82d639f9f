"""How far features and sizes from found masks agree with those from reference masks: tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spinetk.evaluation.agreement import FEWEST_PERSONS, agreement
from spinetk.evaluation.rows import FEATURES, SIZES

SHOWN_OF_SIZES = ("lower_limit", "upper_limit", "icc", "icc_low", "icc_high")
OF_ANGLES = ("mean_error", "mean_absolute_error", "sd", "lower_limit", "upper_limit", "icc",
             "icc_low", "icc_high")  # fmt: skip
FEWEST_PAIRS = 3


def radiomics_table(instances: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Agreement of the features from found masks with those from reference masks, for each group,
    on all slices and on the middle slices of the series, where outlines are sharpest."""
    rows = []
    detected = instances[instances["detected"].astype(bool)]
    for key, group in detected.groupby(by):
        for scope, chosen in scopes(group):
            for feature in FEATURES:
                pairs = chosen[[f"reference_{feature}", f"found_{feature}"]].dropna()
                if len(pairs) >= 3:
                    names = dict(zip(by, key, strict=True))
                    about = {"slices": scope, "feature": feature}
                    persons = chosen.loc[pairs.index, "patient"]
                    rows.append(names | about | _agreement_figures(pairs.to_numpy(float), persons))
    return pd.DataFrame(rows)


def size_table(instances: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Agreement of lengths, area, angles, ratios and features of the core from found masks with
    those from reference masks, for each group; `sd` is the error's standard deviation, `icc_level`
    the ICC within levels: bodies differ from level to level, so that the ICC over all of them is
    higher than what tells persons apart."""
    rows = []
    apart = "level" not in by
    detected = instances[instances["detected"].astype(bool)]
    for (*key, in_mm), group in detected.assign(
        in_mm=detected["in_mm"].fillna(False).astype(bool)
    ).groupby([*by, "in_mm"]):
        unit = "mm" if in_mm else "px"
        for size in SIZES:
            known = group[[f"reference_{size}", f"found_{size}"]].dropna()
            if len(known) >= 3 and size != "genant_grade":  # it has a table of its own
                pairs = known.to_numpy(float)
                figures = _agreement_figures(pairs, group.loc[known.index, "patient"])
                spread = float((pairs[:, 1] - pairs[:, 0]).std(ddof=1))
                rows.append(
                    dict(zip(by, key, strict=True))
                    | {"size": size, "unit": _unit(size, unit)}
                    | {"patients": figures["patients"], "n": figures["n"]}
                    | {"mean_error": figures["mean_error"], "sd": spread}
                    | {name: figures[name] for name in SHOWN_OF_SIZES}
                    | (_within_levels(known, group.loc[known.index]) if apart else {})
                )
    return pd.DataFrame(rows)


def _within_levels(pairs: pd.DataFrame, rows: pd.DataFrame) -> dict[str, Any]:
    """ICC of what is left when each level's reference mean, in which every patient weighs the same,
    is taken off both sides. Of a level with few patients that takes off a part of what tells them
    apart, too: what is left of it is scaled up, and levels of fewer than five are left out.

    Args:
        pairs: reference and found.
        rows: whose levels and patients; of those without a name nothing is known.
    """
    left, used = [], []
    for _, own in rows.dropna(subset=["level"]).groupby("level"):
        values = pairs.loc[own.index].to_numpy(float)
        persons = pd.Series(values[:, 0]).groupby(own["patient"].to_numpy()).mean()
        if len(persons) < FEWEST_PERSONS:
            continue
        scale = (len(persons) / (len(persons) - 1)) ** 0.5
        middle = (values.mean(axis=1) - persons.mean()) * scale
        half = (values[:, 1] - values[:, 0]) / 2
        left.append(np.stack([middle - half, middle + half], axis=1))
        used.append(own["patient"])
    if not left:
        return {"icc_level": np.nan, "icc_level_low": np.nan}
    figures = _agreement_figures(np.concatenate(left), pd.concat(used))
    return {"icc_level": figures["icc"], "icc_level_low": figures["icc_low"]}


def _unit(size: str, length: str) -> str:
    if size == "area":
        return f"{length}²"
    if size.endswith(("_slope", "_angle")):
        return "degrees"
    return length if size.startswith(("height", "width")) else ""


def angle_table(angles: pd.DataFrame) -> pd.DataFrame:
    """Agreement of the angles of the column, in degrees, by data set; `not_told`: what the
    reference has and the outlines that were found do not tell."""
    rows = []
    for (dataset, name), whole in angles.groupby(["dataset", "name"]):
        group = whole.dropna(subset=["found"])
        pairs = group[["reference", "found"]].to_numpy(float)
        row = {
            "dataset": dataset,
            "angle": name,
            "patients": int(whole["patient"].nunique()),
            "n": len(pairs),
            "not_told": len(whole) - len(pairs),
        } | dict.fromkeys(OF_ANGLES, np.nan)
        if len(pairs) >= FEWEST_PAIRS:
            figures = _agreement_figures(pairs, group["patient"])
            error = pairs[:, 1] - pairs[:, 0]
            row |= {
                "mean_absolute_error": float(abs(error).mean()),
                "sd": float(error.std(ddof=1)),
            } | {key: figures[key] for key in OF_ANGLES if key in figures}
        if len(whole) >= FEWEST_PAIRS:
            rows.append(row)
    return pd.DataFrame(rows)


def grade_table(instances: pd.DataFrame) -> pd.DataFrame:
    """Genant's grade from found against reference masks: how often it is the same, and which of the
    deformed bodies (grade 1 or more) were told; of those of grade 3, with 2 or more. A body that
    was not found, or whose outline could not be measured, was not told. Bodies that the border cuts
    have no reference grade and are left out.
    """
    rows = []
    known = instances.dropna(subset=["reference_genant_grade"])
    for dataset, group in known.groupby("dataset"):
        reference = group["reference_genant_grade"]
        found = group["found_genant_grade"].fillna(-1)
        deformed, sound, severe = reference >= 1, reference == 0, reference == 3
        rows.append(
            {
                "dataset": dataset,
                "patients": group["patient"].nunique(),
                "bodies": len(group),
                "not_measured": int((found < 0).sum()),
                "same_percent": 100 * float((reference == found).mean()),
                "deformed": int(deformed.sum()),
                "deformed_told_percent": 100 * float((found[deformed] >= 1).mean()),
                "sound_called_deformed_percent": 100 * float((found[sound] >= 1).mean()),
                "severe": int(severe.sum()),
                "severe_told_percent": 100 * float((found[severe] >= 2).mean()),
            }
        )
    return pd.DataFrame(rows)


def _agreement_figures(pairs: NDArray[np.float64], patients: pd.Series) -> dict[str, Any]:
    result = agreement(pairs[:, 0], pairs[:, 1], [str(patient) for patient in patients])
    return {
        "patients": int(patients.nunique()),
        "n": result.n,
        "mean_error": result.mean_error,
        "lower_limit": result.limits[0],
        "upper_limit": result.limits[1],
        "pearson_r": result.pearson_r,
        "relative_error_percent": 100 * result.relative_error,
        "t_test_p": result.t_test_p,
        "icc": result.icc,
        "icc_low": result.icc_interval[0],
        "icc_high": result.icc_interval[1],
    }


def scopes(group: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """All slices and, where they are fewer, the middle slices of the series."""
    middle = group[group["middle"].astype(bool)]
    scopes = [("all", group)]
    return [*scopes, ("middle", middle)] if 0 < len(middle) < len(group) else scopes
