"""Write docs/results.md from committed run files: python tools/results.py [RUN NAME]

With RUN and NAME (runs/cv_ct ct) the rows of a finished cross-validation, which hold no pixel of the data, are copied to
docs/results/crossval/NAME first. Every number of the page but the paper's comes from those files.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from spinetk.evaluation.agreement_tables import radiomics_table
from spinetk.evaluation.figures import all_figures
from spinetk.evaluation.precision import picked_threshold
from spinetk.evaluation.row_tables import Frames, load_frames
from spinetk.evaluation.rows import FEATURES
from spinetk.evaluation.tables import (
    all_tables,
    data_set_table,
    instance_table,
    markdown,
)

ROOT = Path(__file__).parents[1]
STORED = ROOT / "docs" / "results" / "crossval"
PAGE = ROOT / "docs" / "results.md"
NAMES = {"mr": "MR", "ct": "CT", "xr": "X-ray"}
NOT_COUNTED = ("xr_drr", "xr_phantom", "mr_vb2_volumes", "mr_vb3_volumes")
"""Synthetic films, and further slices of the volumes whose central slices are a set already."""
KEPT = ("folds.json", "figures.json")
PAPER = """Suri et al., Bone 149 (2021) 115972"""
PAPER_DICE = {
    ("mr", "vertebral_body"): 0.958, ("mr", "intervertebral_disc"): 0.959,
    ("ct", "vertebral_body"): 0.967, ("xr", "vertebral_body"): 0.957,
}  # fmt: skip
SHORT = ("modality", "structure", "patients", "instances", "detected_percent", "dice", "paper_dice")
PAPER_DETECTION, PAPER_SELECTION, PAPER_R, PAPER_ERROR = 95.2, 86.5, 0.96, "5.4-6.2"
AUTOMATIC = "ct_totalseg"


def keep(run: Path, name: str) -> None:
    """Copy folds and rows; difference maps and the page stay in the run's folder."""
    target = STORED / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in KEPT:
        shutil.copyfile(run / file, target / file)
    shutil.copytree(run / "rows", target / "rows")


def draw(name: str, frames: Frames) -> None:
    for figure, drawn in all_figures(frames):
        drawn.savefig(STORED / name / f"{figure}.png", dpi=130)
        plt.close(drawn)


def real(frames: Frames, *, rest: bool = False) -> Frames:
    """Without what is listed in `NOT_COUNTED`, or only that."""
    parts = {}
    for key in ("instances", "false_positives", "proposals", "slices", "angles", "repeats"):
        frame = getattr(frames, key)
        parts[key] = frame[frame["dataset"].isin(NOT_COUNTED) == rest]
    times = frames.times
    other = times["image"].str.split("/").str[0].isin(NOT_COUNTED)
    return replace(frames, **parts, times=times[other == rest])


def caution(stored: dict[str, Frames]) -> str:
    """What must be known of a reference that no person drew."""
    counts = []
    for kind, group in stored["ct"].instances.groupby("kind"):
        of_it = int((group["dataset"] == AUTOMATIC).sum())
        counts.append(f"{of_it} of {len(group)} CT instances of {str(kind).replace('_', ' ')}")
    return (
        f"The reference of {AUTOMATIC} ({', '.join(counts)}) was made by an automatic tool (TotalSegmentator) on one 3 mm "
        "study: figures on it say how far two programs agree."
    )


def against_paper(stored: dict[str, Frames]) -> pd.DataFrame:
    rows = []
    for name, frames in stored.items():
        for row in instance_table(real(frames).instances, ["kind"]).to_dict("records"):
            kind = row["kind"]
            rows.append(
                {
                    "modality": NAMES[name], "structure": kind, "patients": row["patients"],
                    "instances": row["instances"], "detected_percent": row["detected_percent"],
                    "dice": row["dice"], "paper_dice": PAPER_DICE.get((name, kind), float("nan")),
                    "dice_all": row["dice_all"], "surface_95_px": row["surface_95_px"],
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def radiomics_by_set(stored: dict[str, Frames]) -> pd.DataFrame:
    """Pearson r of each feature and its relative error, for each set: grey scales differ from set to set."""
    rows = []
    for frames in stored.values():
        table = radiomics_table(real(frames).instances, ["dataset", "kind"])
        for (dataset, kind, scope), group in table.groupby(["dataset", "kind", "slices"]):
            values = group.set_index("feature")
            row = {"data_set": dataset, "kind": kind, "slices": scope, "n": int(values["n"].max())}
            row |= {f"{f}_r": values["pearson_r"].get(f, float("nan")) for f in FEATURES}
            row |= {
                f"{f}_error_percent": values["relative_error_percent"].get(f, float("nan"))
                for f in FEATURES
            }
            rows.append(row)
    return pd.DataFrame(rows)


def page(stored: dict[str, Frames]) -> str:
    parts = [
        "# Results",
        "Five-fold cross-validation by patient (`spinetk crossval`), written by `python tools/results.py` from the "
        "files under [results/crossval](results/crossval); the commands are in `recipes/cv-*.toml`. Every "
        "patient is tested once, by a network that never saw it; the score threshold is 0.5 throughout, fixed before. "
        f"The paper's figures are those of {PAPER}, on its own data: they are shown beside ours, not compared with "
        "them patient by patient.",
        "## Beside the paper",
        markdown(against_paper(stored)),
        f"Detected: box IoU at least 0.7 (the paper, all modalities: {PAPER_DETECTION} %). Dice and surface distance "
        "(95th percentile, pixels): median of the detected; `dice all` counts what was not found as 0. "
        + caution(stored),
        "### Radiomics of found against reference masks",
        markdown(radiomics_by_set(stored)),
        f"Pearson r, and median relative error in percent; the paper: r {PAPER_R}, errors {PAPER_ERROR} %. mpp is the mean "
        "of the positive pixels. Computed on the 8-bit pictures of the sets. The mean follows the brightness of the "
        "picture and is nearly always right; kurtosis hangs on a few pixels of the rim, so that it is the sharpest test.",
    ]
    for name, frames in stored.items():
        about = json.loads((STORED / name / "figures.json").read_text())
        minutes = about["training_minutes_of_each_fold"]
        counted, others = real(frames), real(frames, rest=True)
        tables = all_tables(counted)
        draw(name, counted)
        parts += [
            f"## {NAMES[name]}",
            f"`{about['command']}`: {about['patients']} patients, folds of {min(minutes):.0f} to {max(minutes):.0f} "
            f"minutes of training on two cores ([folds](results/crossval/{name}/folds.json)). Precision and recall pick "
            f"the score threshold {picked_threshold(counted)}.",
        ]
        captions = (
            ("data_sets", "By data set"),
            ("folds", "By fold"), ("regions", "By region"), ("levels", "By level"),
            ("misses", "Misses by cause (the paper's Table 2)"),
            ("precision", "Precision and recall; false positives only where labels can tell"),
            ("selection", f"Slice selection (the paper: {PAPER_SELECTION} % exact; here on lumbar series without their far lateral slices)"),
            ("radiomics", "Radiomics, found against reference masks"), ("time", "Seconds an image, two cores"),
        )  # fmt: skip
        for key, caption in captions:
            if key in tables:
                parts += [f"### {caption}", markdown(tables[key])]
        if len(others.instances):
            what = "Synthetic films" if name == "xr" else "Further slices of the volumes"
            parts += [f"### {what}, not counted above", markdown(data_set_table(others))]
        for figure, caption in (
            ("dice", "Dice (the paper's Figure 3)"),
            ("bland_altman", "Bland-Altman (Figure 4)"),
            ("precision_recall", "Precision and recall at box IoU 0.7"),
        ):
            if (STORED / name / f"{figure}.png").is_file():
                parts += [
                    f"![{caption}](results/crossval/{name}/{figure}.png)",
                    f"*{caption}, {NAMES[name]}.*",
                ]
    missing = [NAMES[n] for n in NAMES if n not in stored]
    if missing:
        parts += [
            "## Not done yet",
            "No cross-validation is on record for: " + ", ".join(missing) + ".",
        ]
    for file, title in (
        ("ceilings.md", "What the annotations allow"), ("fine-tune.md", "Fine-tuning with few cases"),
        ("boundary-loss.md", "A loss that weighs the outline"), ("xr-long.md", "Longer training on films"), ("windows.md", "CT windows"),
        ("joint.md", "One network for all modalities"),
    ):  # fmt: skip
        path = ROOT / "docs" / "results" / file
        if path.is_file():
            parts += [f"## {title}", path.read_text()]
            if path.with_suffix(".png").is_file():
                parts.append(f"![{title}](results/{path.stem}.png)")
    return "\n\n".join(part.strip() for part in parts) + "\n"


if __name__ == "__main__":
    if len(sys.argv) == 3:
        keep(Path(sys.argv[1]), sys.argv[2])
    stored = {n: load_frames(STORED / n / "rows") for n in NAMES if (STORED / n).is_dir()}
    PAGE.write_text(page(stored))
    short = against_paper(stored)[list(SHORT)]
    (ROOT / "docs" / "results" / "summary.md").write_text(
        markdown(short) + "\n" + caution(stored) + "\n"
    )
    print(PAGE)
