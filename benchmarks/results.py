"""Write docs/results.md from committed run files: python benchmarks/results.py [RUN NAME]

With RUN and NAME (runs/cv_ct ct) the figures of a finished cross-validation, without any pixel of the data, are copied
to docs/results/crossval/NAME first. Every number of the page but the paper's comes from those files.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pandas as pd

from spinetk.evaluation.frames import Frames, load_frames
from spinetk.evaluation.tables import all_tables, instance_table, markdown, radiomics_table

ROOT = Path(__file__).parents[1]
STORED = ROOT / "docs" / "results" / "crossval"
PAGE = ROOT / "docs" / "results.md"
NAMES = {"mr": "MR", "ct": "CT", "xr": "X-ray"}
NOT_COUNTED = ("xr_drr", "xr_phantom", "mr_vb2_volumes", "mr_vb3_volumes")
"""Synthetic films, and further slices of the volumes whose central slices are a set already."""
KEPT = ("folds.json", "figures.json")
FIGURES = ("dice", "bland_altman", "precision_recall", "selection")
PAPER = """Suri et al., Bone 149 (2021) 115972"""
PAPER_DICE = {
    ("mr", "vertebral_body"): 0.958, ("mr", "intervertebral_disc"): 0.959,
    ("ct", "vertebral_body"): 0.967, ("xr", "vertebral_body"): 0.957,
}  # fmt: skip
SHORT = (
    "modality", "structure", "patients", "instances", "detected_percent", "paper_detected_percent", "dice",
    "paper_dice", "radiomics_r", "paper_r",
)  # fmt: skip
PAPER_DETECTION, PAPER_SELECTION, PAPER_R, PAPER_ERROR = 95.2, 86.5, 0.96, "5.4-6.2"


def keep(run: Path, name: str) -> None:
    """Copy tables, plots and rows; difference maps and the page stay in the run's folder."""
    target = STORED / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in KEPT:
        shutil.copyfile(run / file, target / file)
    shutil.copytree(run / "tables", target / "tables")
    shutil.copytree(run / "rows", target / "rows")
    for figure in FIGURES:
        path = run / "figures" / f"{figure}.png"
        if path.is_file():
            shutil.copyfile(path, target / path.name)


def real(frames: Frames) -> Frames:
    """Without what is listed in `NOT_COUNTED`."""
    keys = ("instances", "false_positives", "proposals", "slices")
    rest = {k: getattr(frames, k)[~getattr(frames, k)["dataset"].isin(NOT_COUNTED)] for k in keys}
    return Frames(**rest, times=frames.times)


def against_paper(stored: dict[str, Frames]) -> pd.DataFrame:
    rows = []
    for name, frames in stored.items():
        structures = instance_table(real(frames).instances, ["kind"])
        radiomics = radiomics_table(real(frames).instances, ["kind"])
        for row in structures.to_dict("records"):
            kind = row["kind"]
            features = radiomics[(radiomics["kind"] == kind) & (radiomics["slices"] == "all")]
            middle = radiomics[(radiomics["kind"] == kind) & (radiomics["slices"] == "middle")]
            middle = features if middle.empty else middle  # a set of single slices has no others
            rows.append(
                {
                    "modality": NAMES[name], "structure": kind, "patients": row["patients"],
                    "instances": row["instances"], "detected_percent": row["detected_percent"],
                    "paper_detected_percent": PAPER_DETECTION, "dice": row["dice"],
                    "paper_dice": PAPER_DICE.get((name, kind), float("nan")),
                    "surface_95_px": row["surface_95_px"],
                    "radiomics_r": features["pearson_r"].mean(),
                    "middle_slices_r": middle["pearson_r"].mean(), "paper_r": PAPER_R,
                    "relative_error_percent": features["relative_error_percent"].mean(),
                    "paper_error_percent": PAPER_ERROR,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def page(stored: dict[str, Frames]) -> str:
    parts = [
        "# Results",
        "Five-fold cross-validation by patient (`spinetk crossval`), written by `python benchmarks/results.py` from the "
        "files under [results/crossval](results/crossval); the commands are in `benchmarks/configs/cv-*.toml`. Every "
        "patient is tested once, by a network that never saw it; the score threshold is 0.5 throughout, fixed before. "
        f"The paper's figures are those of {PAPER}, on its own data: they are shown beside ours, not compared with "
        "them patient by patient.",
        "## Beside the paper",
        markdown(against_paper(stored)),
        "Detected: box IoU at least 0.7. Dice and surface distance (95th percentile, pixels): median of the detected. "
        "Radiomics: mean over skewness, kurtosis, mean of positive pixels and entropy, computed on the 8-bit pictures "
        "of the sets. Synthetic films and further slices of the volumes are left out here.",
    ]
    for name, frames in stored.items():
        about = json.loads((STORED / name / "figures.json").read_text())
        minutes = about["training_minutes_of_each_fold"]
        tables = all_tables(frames)
        parts += [
            f"## {NAMES[name]}",
            f"`{about['command']}`: {about['patients']} patients, folds of {min(minutes):.0f} to {max(minutes):.0f} "
            f"minutes of training on two cores ([folds](results/crossval/{name}/folds.json)).",
        ]
        captions = (
            ("data_sets", "By data set" + (" (xr_drr and xr_phantom are synthetic films)" if name == "xr" else "")),
            ("folds", "By fold"), ("regions", "By region"), ("levels", "By level"),
            ("misses", "Misses by cause (the paper's Table 2)"),
            ("precision", "Precision and recall; false positives only where labels can tell"),
            ("selection", f"Slice selection (the paper: {PAPER_SELECTION} % exact)"),
            ("radiomics", "Radiomics, found against reference masks"), ("time", "Seconds an image, two cores"),
        )  # fmt: skip
        for key, caption in captions:
            if key in tables:
                parts += [f"### {caption}", markdown(tables[key])]
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
    for file, title in (("ceilings.md", "What the annotations allow"), ("fine-tune.md", "Fine-tuning with few cases"),
                        ("joint.md", "One network for all modalities")):  # fmt: skip
        path = ROOT / "docs" / "results" / file
        if path.is_file():
            parts += [f"## {title}", path.read_text()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


if __name__ == "__main__":
    if len(sys.argv) == 3:
        keep(Path(sys.argv[1]), sys.argv[2])
    stored = {n: load_frames(STORED / n / "rows") for n in NAMES if (STORED / n).is_dir()}
    PAGE.write_text(page(stored))
    short = against_paper(stored)[list(SHORT)]
    (ROOT / "docs" / "results" / "summary.md").write_text(markdown(short))
    print(PAGE)
