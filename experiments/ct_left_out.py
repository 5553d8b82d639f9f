"""CT of a source that training never saw: python experiments/ct_left_out.py DATA [RUN]

Evaluates the network of RUN (recipes/ct-spines.toml, which leaves ct_verse out) on all patients of ct_verse, where RUN is
given, and writes docs/results/ct-left-out.md from the committed figures of it and of the network that shipped before,
which had not seen ct_verse either (docs/results/left-out/).
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pandas as pd

from spinetk.evaluation.evaluate import evaluate_run

ROOT = Path(__file__).parents[1]
LEFT_OUT = ROOT / "docs" / "results" / "left-out"
SHOWN = {
    "slices": "slices", "patients": "patients", "images": "images", "instances": "bodies",
    "detected_percent": "detected %", "dice": "Dice", "dice_all": "Dice, misses as 0",
}  # fmt: skip


def _short(value: object) -> object:
    if not isinstance(value, float):
        return value
    return f"{value:.1f}" if value > 1 else f"{value:.3f}"


def rows(name: str, network: str) -> list[dict[str, object]]:
    content = json.loads((LEFT_OUT / name / "figures.json").read_text())
    return [
        {"network": network} | {shown: _short(row[key]) for key, shown in SHOWN.items()}
        for row in content["tables"]["data_sets"]
    ]


def main(data: Path, run: Path | None) -> None:
    if run is not None:
        work = ROOT / "runs" / "ct-left-out"
        evaluate_run([data / "ct_verse"], work, str(run / "model.onnx"), "all", quiet=False)
        for file in ("figures.json", "figures.md"):
            shutil.copyfile(work / file, LEFT_OUT / "ct_verse" / file)
    table = pd.DataFrame(
        [*rows("ct_verse-before", "shipped before"), *rows("ct_verse", "recipes/ct-spines.toml")]
    )
    text = (
        "Vertebral bodies of ct_verse (VerSe), which neither network was trained on "
        "(`python experiments/ct_left_out.py DATA RUN`); the shipped `ct` then learned from it, too.\n\n"
    )
    (ROOT / "docs" / "results" / "ct-left-out.md").write_text(
        text + table.to_markdown(index=False) + "\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
