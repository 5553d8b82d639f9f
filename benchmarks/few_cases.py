"""Fine-tune the MR network to CT with a few annotated cases: python benchmarks/few_cases.py DATA

For 0, 4, 8 and 12 of the twelve labelled patients of ct_lumbar (in the order of the SHA-256 of their id) the network `mr`
is trained further (runs/few-N, resumed if interrupted) and tested on the labelled patients that it never saw: those left
of ct_lumbar, and the two studies of ct_totalseg and ct_crop, which no training here sees. Writes
docs/results/fine-tune.md and fine-tune.png.
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

from spinetk.evaluation.frames import load_frames
from spinetk.evaluation.run import evaluate_images, read_images
from spinetk.evaluation.tables import instance_table, markdown
from spinetk.pipeline import load_model
from spinetk.training.run import train_run

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "results"
CONFIG = ROOT / "benchmarks" / "configs" / "few-cases.toml"
CASES = (0, 4, 8, 12)


def frames_of(data: Path, cases: int):
    folder = ROOT / "runs" / f"few-{cases}"
    images = [
        i
        for i in read_images([data / n for n in ("ct_lumbar", "ct_totalseg", "ct_crop")])
        if i.reference
    ]
    own = {i.patient for i in images if i.dataset == "ct_lumbar"}
    ranked = sorted(own, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    trained_on = set(ranked[:cases])
    if not (folder / "rows" / "instances.csv.gz").is_file():
        model: str | Path = "mr"
        if cases:
            others = frozenset(own - trained_on)
            model = train_run([data / "ct_lumbar"], folder, CONFIG, others, init="mr", quiet=False)
        test = [i for i in images if i.patient not in trained_on]
        evaluate_images(test, load_model(model), quiet=False).save(folder / "rows")
    return load_frames(folder / "rows")


def main(data: Path) -> None:
    rows = []
    for cases in CASES:
        frames = frames_of(data, cases)
        bodies = frames.instances[frames.instances["kind"] == "vertebral_body"]
        card = ROOT / "runs" / f"few-{cases}" / "model.json"
        minutes = json.loads(card.read_text())["training_minutes"] if cases else 0.0
        table = instance_table(bodies, ["dataset"])
        for row in table.to_dict("records"):
            kept = (
                "dataset",
                "patients",
                "instances",
                "detected_percent",
                "dice",
                "dice_q1",
                "dice_q3",
                "dice_all",
            )
            rows.append({"cases": cases, "training_minutes": minutes} | {k: row[k] for k in kept})
    table = pd.DataFrame(rows)
    figure, axes = plt.subplots(figsize=(5.2, 3.4))
    for name, group in table.groupby("dataset"):
        axes.plot(group["cases"], group["dice_all"], "o-", label=f"{name}, never seen")
    axes.set(xlabel="annotated CT cases", ylabel="Dice, misses as 0 (median)", xticks=CASES)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(OUT / "fine-tune.png", dpi=130)
    text = (
        "From the MR network to CT (`python benchmarks/few_cases.py DATA`). Zero cases is the MR network as it is. With "
        "twelve cases no patient of ct_lumbar is left to test on.\n\n" + markdown(table)
        + "\n![Dice against annotated cases](results/fine-tune.png)\n"
    )  # fmt: skip
    (OUT / "fine-tune.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
