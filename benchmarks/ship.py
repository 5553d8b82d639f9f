"""Put a trained run into the package: python benchmarks/ship.py DATA RUN NAME

Copies the network of RUN (runs/main) to src/spinetk/network/models/NAME.*, evaluates it on the held-out patients of
its data sets in DATA, and writes the card (JSON and Markdown) with those figures.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from spinetk.evaluation.run import evaluate_run, figures_table

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "src" / "spinetk" / "network" / "models"


def main(data: Path, run: Path, name: str) -> None:
    for suffix in (".onnx", ".safetensors"):
        shutil.copyfile(run / f"model{suffix}", MODELS / f"{name}{suffix}")
    card = json.loads((run / "model.json").read_text())
    path = MODELS / f"{name}.json"
    path.write_text(json.dumps(card, indent=1) + "\n")
    out = ROOT / "docs" / "results" / name
    sets = [data / d["name"] for d in card["data"] if (data / d["name"]).is_dir()]
    evaluate_run(sets, out, name, "held-out", quiet=False)
    figures = json.loads((out / "figures.json").read_text())
    card["figures"] = {key: figures[key] for key in ("command", "instances", "selection")}
    card["folds"] = "one split: a fifth of each set's patients, by the SHA-256 of the patient id"
    card["code_version"] = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    path.write_text(json.dumps(card, indent=1) + "\n")
    (MODELS / f"{name}.md").write_text(markdown(name, card, figures))


def markdown(name: str, card: dict[str, Any], figures: dict[str, Any]) -> str:
    data = "\n".join(
        f"| {d['name']} | {d['patients']} | {d['images']} | {d['source']} | {d['licence']} | {d['citation']} |"
        for d in card["data"]
    )
    training = card["training"]
    return f"""# Network `{name}`
Research use only; not a medical device. Finds vertebral bodies (S1 as a class of its own) and intervertebral discs in
sagittal MR slices. Date {card["date"]}, SpineTK {card["spinetk"]}, code {card["code_version"]}.

| file | SHA-256 |
|---|---|
| `{name}.onnx` (fp16 weights) | `{card["sha256"]}` |
| `{name}.safetensors` (the same weights, for fine-tuning) | `{card["weights_sha256"]}` |

## Data
| set | patients | images | source | licence as seen | citation |
|---|---|---|---|---|---|
{data}

Folds: {card["folds"]}; {len(card["held_out_patients"])} patients were never trained on (`held_out_patients` in
`{name}.json`). {training["iterations"]} iterations of {training["batch_size"]} crops of {training["input_size"]} px.

## Figures on the held-out patients
Written by `{figures["command"]}`, score threshold {card["score_threshold"]}.

{figures_table(figures)}
"Middle" is the middle slice of a series. False positives are counted only where every instance is labelled.

## Limits
Lumbar and lower thoracic spine of adults. Discs were labelled in one source only. S1 was labelled in one source
only. Cervical levels, tumours, implants and severe deformity are hardly in the data.
"""


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
