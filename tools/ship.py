"""Put a trained run into the package, or renew a card: python tools/ship.py DATA NAME [RUN]

Copies the network of RUN (runs/xr) to src/spinetk/network/models/NAME.*, sets the score threshold that the
cross-validation picks (without the network's own held-out patients), evaluates it on those held-out patients of its data
sets in DATA, where it has any, and writes the card (JSON and Markdown) with the figures; without RUN the shipped network
NAME is evaluated again, as after `python recipes/verdict.py DATA NAME`, which gives it its third step. A network that was trained on everything has the cross-validation's figures instead.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from results import real

from spinetk.datasets.annotated import read_datasets
from spinetk.datasets.splits import patient_hash
from spinetk.evaluation.evaluate import evaluate_run
from spinetk.evaluation.precision import picked_threshold
from spinetk.evaluation.repeatability import LENGTHS
from spinetk.evaluation.row_tables import Frames, load_frames
from spinetk.evaluation.tables import markdown as table_markdown
from spinetk.network.registry import verdict_file
from spinetk.training.export import export_onnx
from spinetk.training.make_network import calibration_images, network_of_card
from spinetk.training.network import SpineRCNN
from spinetk.training.weights import load_weights

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "src" / "spinetk" / "network" / "models"
RESULTS = ROOT / "docs" / "results"
HEAD = ("data_sets", "quality", "selection", "radiomics")
QUOTED = ("sizes", "angles", "grades", "verdicts", "repeatability")
"""Tables that documents quote."""
OF_PICTURES = ("core_mean", "genant_grade")
"""The mean of an 8-bit picture says nothing of raw values; grades have a table of their own."""
FEWEST_REPEATED = 20
"""Structures whose differences have a 95th percentile."""
HIGHEST = 0.5
"""A higher threshold that the folds pick is not taken: they hold patients of the same few hospitals, and no real lateral
film; whatever comes from elsewhere scores lower."""
SEES = {
    "mr": "sagittal MR slices",
    "ct": "sagittal CT slices and reformats",
    "xr": "AP and lateral films",
}

LIMITS = {
    "mr": """Mostly lumbar and lower thoracic spine of adults; the neck comes from twenty patients of one source, T2 only. Discs
were labelled in two sources only, S1 in two. Tumours, implants, children and severe deformity are hardly in the data.
Levels are told by the looks of all bodies; upper thoracic and cervical ones from few patients.""",
    "ct": """Few cases: bodies outlined by people come from a dozen mid-sagittal lumbar slices, one crop and three persons of VerSe;
two studies have automatic labels. Discs, S1 and most thoracic bodies on CT were learned from MR with random contrast and from
labels that a network made and a person looked at (ten persons, C1 to S2, and eleven lumbar pictures). Upper thoracic and cervical
levels are few. Thick stacks were learned from thin ones, averaged.""",
    "xr": """AP films: of adolescents with scoliosis, mostly outlined as four-corner quadrilaterals, some loose. Lateral films:
whole spines by four corners a body, and C3 and C4 on films of the head; lateral lumbar films only from eight that a network
labelled and a person looked at. On whole-spine films a good part of the small upper bodies is missed or badly placed. Levels
come back without names: the looks of the bodies do not tell them well enough.""",
}


def main(data: Path, name: str, run: Path | None) -> None:
    path = MODELS / f"{name}.json"
    code = ("src", "recipes", "tools", ":!src/spinetk/network/models")
    if said("git", "status", "--porcelain", "--untracked-files=no", "--", *code):
        sys.exit("commit first: the card names the code that its figures were measured with")
    if run:
        for suffix in (".json", ".safetensors"):
            shutil.copyfile(run / f"model{suffix}", MODELS / f"{name}{suffix}")
        verdict_file(path).unlink(missing_ok=True)  # it judged another network
    card = json.loads(path.read_text())
    if run:
        card["sha256"] = export(card, data, path.with_suffix(".onnx"))
        path.write_text(json.dumps(card, indent=1) + "\n")
    held_out = set(card["held_out_patients_sha256"])
    stored = RESULTS / "crossval" / name
    if (stored / "rows").is_dir():
        picked = picked_threshold(without(load_frames(stored / "rows"), held_out))
        card["score_threshold"] = min(HIGHEST, picked or HIGHEST)
        path.write_text(json.dumps(card, indent=1) + "\n")
    if held_out:
        sets = [data / d["name"] for d in card["data"] if (data / d["name"]).is_dir()]
        work = ROOT / "runs" / "ship" / name  # the page and the difference maps stay there
        evaluate_run(sets, work, name, "unseen", quiet=False)
        (RESULTS / name).mkdir(parents=True, exist_ok=True)
        for file in ("figures.json", "figures.md"):
            shutil.copyfile(work / file, RESULTS / name / file)
        for table in QUOTED:
            made = work / "tables" / f"{table}.md"
            if made.exists():
                shutil.copyfile(made, RESULTS / name / made.name)
        figures = json.loads((work / "figures.json").read_text())
        card["folds"] = (
            "one split: a fifth of each set's patients, by the SHA-256 of the patient id"
        )
    else:
        figures = json.loads((stored / "figures.json").read_text())
        card["folds"] = "none held out; the figures are those of the cross-validation"
    card["figures"] = {"command": figures["command"]} | {
        key: figures["tables"][key] for key in HEAD if key in figures["tables"]
    }
    card["errors"], card["least_change"] = errors_of(figures["tables"]), least_of(figures["tables"])
    card["figures"]["score_threshold"] = figures.get("score_threshold", 0.5)
    card["code_version"] = said("git", "describe", "--always")
    path.write_text(json.dumps(card, indent=1) + "\n")
    (MODELS / f"{name}.md").write_text(markdown(name, card))


def errors_of(tables: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Root mean square error of each measure against the reference outlines of all sets, by kind,
    measure and unit: what the table of a cohort gives beside each value."""
    squares: dict[tuple[str, str, str], list[tuple[int, float]]] = {}
    for row in tables.get("sizes", []):
        if row["size"] in OF_PICTURES:
            continue
        key = (row["kind"], row["size"], unit(row["size"], row["unit"]))
        square = row["mean_error"] ** 2 + row["sd"] ** 2
        squares.setdefault(key, []).append((row["n"], square))
    for row in tables.get("angles", []):
        key = ("column", row["angle"], "degrees")
        square = row["mean_error"] ** 2 + row["sd"] ** 2
        squares.setdefault(key, []).append((row["n"], square))
    out: dict[str, Any] = {}
    for (kind, name, of), rows in squares.items():
        count = sum(n for n, _ in rows)
        value = (sum(n * square for n, square in rows) / count) ** 0.5
        out.setdefault(kind, {}).setdefault(name, {})[of] = round(value, 4)
    return out


def least_of(tables: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Least detectable change of each measure, by kind, measure and unit: what differences exceed in
    one of twenty, the larger one of those on the same slice and on the slice beside it, which
    another study may select. None in pixels, of which nobody knows the size."""
    out: dict[str, Any] = {}
    for row in tables.get("repeatability", []):
        in_percent = row["size"] in LENGTHS and not row["in_mm"]
        few = row["structures"] < FEWEST_REPEATED or row["difference_95"] is None
        if row["size"] in OF_PICTURES or in_percent or few:
            continue
        of = unit(row["size"], "mm²" if row["size"] == "area" else "mm")
        known = out.setdefault(row["kind"], {}).setdefault(row["size"], {})
        known[of] = round(max(known.get(of, 0.0), row["difference_95"]), 4)
    return out


def unit(size: str, given: str) -> str:
    """The unit of a size as `spinetk.cohort.codebook` calls it."""
    if size == "area" or size.startswith(("height", "width")):
        return given
    if size.endswith(("_slope", "_angle")):
        return "degrees"
    return "%" if size == "slip_percent" else "1"


def export(card: dict[str, Any], data: Path, path: Path) -> str:
    """Write the network's two files from its weights; returns their SHA-256."""
    network = SpineRCNN(network_of_card(card)).eval()
    load_weights(network, path.with_suffix(".safetensors"))
    folders = [top / one["name"] for one in card["data"] for top in (data, ROOT / "runs" / "data")]
    sets = read_datasets([folder for folder in folders if folder.is_dir()])
    return export_onnx(network, path, calibration_images(sets, card["input_sides"]))


def said(*command: str) -> str:
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def without(frames: Frames, patients: set[str]) -> Frames:
    """Real images of other patients; `patients` are hashes."""
    frames = real(frames)
    known = frames.instances["patient"].map(patient_hash).isin(patients)
    images = set(frames.instances.loc[known, "image"])
    parts = {
        key: getattr(frames, key)[~getattr(frames, key)["image"].isin(images)]
        for key in ("instances", "false_positives", "proposals")
    }
    return replace(frames, **parts)


def lineage(card: dict[str, Any]) -> list[dict[str, Any]]:
    """The card and those of the networks that it was started from, one after the other."""
    return [card, *(lineage(card["started_from"]) if "started_from" in card else [])]


def markdown(name: str, card: dict[str, Any]) -> str:
    steps = lineage(card)
    sets = {
        d["name"]: (number, d)
        for number, step in reversed(list(enumerate(steps)))
        for d in step["data"]
    }
    data = "\n".join(
        f"| {d['name']} | {'this' if number == 0 else 'an earlier'} | {d['patients']} | {d['images']} | {d['source']} | "
        f"{d['licence']} | {d['citation']} |"
        for number, d in sorted(sets.values(), key=lambda one: one[0])
    )
    training = "; before it ".join(
        f"{s['training']['iterations']} iterations of {s['training']['batch_size']} crops of {s['training']['input_size']} px"
        for s in steps
    )
    figures = card["figures"]
    tables = "\n".join(table_markdown(pd.DataFrame(figures[key])) for key in HEAD if key in figures)
    return f"""# Network `{name}`
Research use only; not a medical device. Finds vertebral bodies (S1 as a class of its own) and intervertebral discs in
{SEES[name]}. Date {card["date"]}, SpineTK {card["spinetk"]}, code {card["code_version"]}.

| file | SHA-256 |
|---|---|
| `{name}.onnx` (with `{name}.masks.onnx`: convolutions in 8 bits, other weights fp16; and `{name}.verdict.onnx`) | `{card["sha256"]}` |
| `{name}.safetensors` (the same weights, for fine-tuning) | `{card["weights_sha256"]}` |

## Data
| set | step of training | patients | images | source | licence as seen | citation |
|---|---|---|---|---|---|---|
{data}

Folds: {card["folds"]}; {len(card["held_out_patients_sha256"])} patients were never trained on (hashes of their ids in
`{name}.json`). Trained from ImageNet in {len(steps)} steps, each from the last one's weights; the last: {training}. Every
step has a fixed length: nothing was stopped early by looking at held-out patients.

## Figures
Written by `{figures["command"]}`, at the score threshold {figures["score_threshold"]}; the network's own is
{card["score_threshold"]}.

{tables}
"Middle" is the middle slice of a series. False positives are counted only where every instance is labelled.

## Limits
{LIMITS[name]}
"""


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]) if len(sys.argv) > 3 else None)
