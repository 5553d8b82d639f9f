"""Train without one data set, evaluate on it: python experiments/left_out.py DATA

DATA is the folder of the four MR sets. For each of mr_backspine, mr_vb2, mr_vb3 a short training on the other sets
(runs/loso_*; resumed if interrupted) is evaluated on all its patients. The ablation repeats the training without
mr_vb2, with the unlabelled regions counted as background, and compares both on mr_vb2 and on the held-out patients
of mr_spider. Writes docs/results/left-out/, docs/results/left-out.md and docs/results/ablation.md.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.splits import validation_patients
from spinetk.evaluation.evaluate import evaluate_run
from spinetk.training.make_network import train_run

ROOT = Path(__file__).parents[1]
CONFIGS, RESULTS = ROOT / "experiments", ROOT / "docs" / "results"
SETS = ("mr_spider", "mr_backspine", "mr_vb2", "mr_vb3")
LEFT_OUT = ("mr_backspine", "mr_vb2", "mr_vb3")


def trained(data: Path, left_out: str, run: str, config: str) -> Path:
    sets = [data / name for name in SETS if name != left_out]
    lines = (CONFIGS / config).read_text().splitlines()
    own = ROOT / "runs" / f"{run}.toml"
    own.write_text("\n".join(line for line in lines if not line.startswith(left_out)) + "\n")
    return train_run(sets, ROOT / "runs" / run, own, 0.2, quiet=False)


def figures(data: Path, names: list[str], model: Path, out: str, patients: str) -> dict[str, Any]:
    """Evaluate unless the committed figures are those of this very network."""
    import hashlib

    path = RESULTS / "left-out" / out
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    stored = path / "figures.json"
    if not stored.is_file() or json.loads(stored.read_text())["model_sha256"] != sha256:
        run = ROOT / "runs" / "left-out" / out
        evaluate_run([data / n for n in names], run, str(model), patients, quiet=False)
        path.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(run / "figures.json", stored)
    return dict(json.loads(stored.read_text()))


def row(summary: dict[str, Any], dataset: str, kind: str, scope: str = "all") -> dict[str, Any]:
    return next(
        r
        for r in summary["tables"]["data_sets"]
        if (r["data_set"], r["kind"], r["slices"]) == (dataset, kind, scope)
    )


def quartiles(r: dict[str, Any]) -> str:
    return f"{r['dice']:.3f} ({r['dice_q1']:.3f}-{r['dice_q3']:.3f})"


def left_out_table(summaries: dict[str, dict[str, Any]]) -> str:
    lines = [
        "| left out of training | patients | images | bodies | detected at IoU 0.7 "
        "| Dice median (quartiles) | Dice median, misses as 0 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, summary in summaries.items():
        r = row(summary, name, "vertebral_body")
        lines.append(
            f"| {name} | {r['patients']} | {r['images']} | {r['instances']} "
            f"| {r['detected_percent']:.1f} % "
            f"| {quartiles(r)} "
            f"| {r['dice_all']:.3f} |"
        )
    return "\n".join(lines) + "\n"


def ablation_table(arms: dict[str, dict[str, Any]]) -> str:
    lines = [
        "| unlabelled regions | evaluated on | structure | detected at IoU 0.7 "
        "| Dice median | Dice median, misses as 0 |",
        "|---|---|---|---|---|---|",
    ]
    for arm, summary in arms.items():
        for dataset, kind, scope in (
            ("mr_vb2", "vertebral_body", "all"),
            ("mr_spider", "vertebral_body", "all"),
            ("mr_spider", "intervertebral_disc", "all"),
        ):
            r = row(summary, dataset, kind, scope)
            where = f"{dataset}, {scope} slices, {r['patients']} patients"
            lines.append(
                f"| {arm} | {where} | {kind.replace('_', ' ')} | {r['detected_percent']:.1f} % "
                f"| {r['dice']:.3f} | {r['dice_all']:.3f} |"
            )
    return "\n".join(lines) + "\n"


def main(data: Path) -> None:
    models = {n: trained(data, n, f"loso_{n[3:]}", "short.toml") for n in LEFT_OUT}
    summaries = {n: figures(data, [n], m, n, "all") for n, m in models.items()}
    (RESULTS / "left-out.md").write_text(left_out_table(summaries))
    plain = trained(data, "mr_vb2", "ablation_vb2", "ablation.toml")
    spider = read_dataset(data / "mr_spider").images
    vb2 = read_dataset(data / "mr_vb2").images
    patients = ROOT / "runs" / "ablation-patients.txt"
    patients.write_text(
        "\n".join(sorted(validation_patients(spider) | {image.patient for image in vb2}))
    )
    arms = {
        arm: figures(data, ["mr_vb2", "mr_spider"], model, name, str(patients))
        for arm, model, name in (
            ("left out of the losses", models["mr_vb2"], "ablation-with"),
            ("counted as background", plain, "ablation-without"),
        )
    }
    (RESULTS / "ablation.md").write_text(ablation_table(arms))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
