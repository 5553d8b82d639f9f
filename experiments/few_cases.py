"""Fine-tune the MR network to CT with a few annotated cases: python experiments/few_cases.py DATA

The twelve labelled patients of ct_lumbar, in the order of the SHA-256 of their id: the network `mr` is trained further
on the first 4, 8 and 12 (runs/few-N, resumed if interrupted). Every network is tested on the same patients: the studies
of ct_totalseg and ct_crop, which no training here sees, and the last four of ct_lumbar where they were not trained on.
Writes docs/results/fine-tune.md and fine-tune.png.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

from spinetk.datasets.annotated import AnnotatedImage
from spinetk.evaluation.evaluate import evaluate_images, read_images
from spinetk.evaluation.row_tables import load_frames
from spinetk.evaluation.tables import instance_table, markdown
from spinetk.network.loaded import load_model
from spinetk.network.registry import find_model
from spinetk.training.make_network import train_run

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "results"
CONFIG = ROOT / "experiments" / "few-cases.toml"
CASES = (0, 4, 8, 12)
TESTED = 4
COLUMNS = (
    "dataset", "patients", "instances", "detected_percent", "dice", "dice_q1", "dice_q3", "dice_all",
)  # fmt: skip


def bodies_of(images: list[AnnotatedImage], data: Path, cases: int) -> tuple[pd.DataFrame, float]:
    """Rows of the tested bodies, and minutes of training."""
    folder = ROOT / "runs" / f"few-{cases}"
    own = {i.patient for i in images if i.dataset == "ct_lumbar"}
    ranked = sorted(own, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    trained_on, tested = set(ranked[:cases]), set(ranked[-TESTED:])
    model: str | Path = "mr"
    if cases:
        others = frozenset(own - trained_on)
        model = train_run([data / "ct_lumbar"], folder, CONFIG, others, init="mr", quiet=True)
    rows = folder / f"rows-{find_model(model).sha256[:12]}"
    if not rows.is_dir():
        test = [i for i in images if i.dataset != "ct_lumbar" or i.patient in tested - trained_on]
        evaluate_images(test, load_model(model), quiet=True).save(rows)
    minutes = json.loads((folder / "model.json").read_text())["training_minutes"] if cases else 0.0
    instances = load_frames(rows).instances
    return instances[instances["kind"] == "vertebral_body"], minutes


def main(data: Path) -> None:
    sets = [data / name for name in ("ct_lumbar", "ct_totalseg", "ct_crop")]
    images = [image for image in read_images(sets) if image.reference]
    rows = []
    for cases in CASES:
        bodies, minutes = bodies_of(images, data, cases)
        for row in instance_table(bodies, ["dataset"]).to_dict("records"):
            about = {"cases": cases, "training_minutes": minutes}
            rows.append(about | {name: row[name] for name in COLUMNS})
    table = pd.DataFrame(rows)
    figure, axes = plt.subplots(figsize=(5.2, 3.4))
    for name, group in table.groupby("dataset"):
        axes.plot(group["cases"], group["dice_all"], "o-", label=f"{name}, never trained on")
    axes.set(xlabel="annotated CT cases", ylabel="Dice, misses as 0 (median)", xticks=CASES)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(OUT / "fine-tune.png", dpi=130)
    text = (
        "From the MR network to CT (`python experiments/few_cases.py DATA`). Zero cases is the MR network as it is. Each "
        "line has the same test patients throughout; with twelve cases none of ct_lumbar is left. One order of the "
        "cases, one seed.\n\n" + markdown(table)
    )  # fmt: skip
    (OUT / "fine-tune.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
