"""One network for all modalities against one each: python experiments/joint.py DATA

The joint network (runs/any, recipes/any.toml) and the shipped `mr` and `xr` on the patients that none of them
was trained on, and on CT the joint network and the cross-validation's networks on the same held-out patients. Writes
docs/results/joint.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

from spinetk.datasets.splits import patient_hash
from spinetk.evaluation.evaluate import evaluate_images, read_images
from spinetk.evaluation.row_tables import load_frames
from spinetk.evaluation.tables import instance_table, markdown
from spinetk.network.loaded import load_model
from spinetk.network.registry import find_model

ROOT = Path(__file__).parents[1]
JOINT = ROOT / "runs" / "any"
SETS = {
    "mr": ("mr_spider", "mr_backspine", "mr_vb2", "mr_vb3"),
    "ct": ("ct_lumbar",),
    "xr": ("xr_aasce",),
}


def instances(name: str, model: str, sets: list[Path], patients: set[str]) -> pd.DataFrame:
    """Rows of one network on these patients (hashes); kept in runs/joint while the network is the same."""
    rows = ROOT / "runs" / "joint" / f"{name}-{find_model(model).sha256[:12]}"
    if not rows.is_dir():
        images = [i for i in read_images(sets) if patient_hash(i.patient) in patients]
        evaluate_images(images, load_model(model), quiet=False).save(rows)
    return load_frames(rows).instances


def main(data: Path) -> None:
    held_out = set(json.loads((JOINT / "model.json").read_text())["held_out_patients_sha256"])
    rows = []
    for name, names in SETS.items():
        sets = [data / n for n in names]
        arms = {"joint": instances(f"any-{name}", str(JOINT / "model.onnx"), sets, held_out)}
        if name == "ct":
            folds = load_frames(ROOT / "docs" / "results" / "crossval" / "ct" / "rows").instances
            arms["ct (cross-validation)"] = folds[
                folds["patient"].isin(set(arms["joint"]["patient"]))
            ]
        else:
            arms[name] = instances(name, name, sets, held_out)
        for arm, found in arms.items():
            table = instance_table(found, ["dataset", "kind"]).to_dict("records")
            kept = (
                "dataset",
                "kind",
                "patients",
                "instances",
                "detected_percent",
                "dice",
                "dice_all",
            )
            rows += [{"network": arm} | {k: row[k] for k in kept} for row in table]
    table = pd.DataFrame(rows).sort_values(["dataset", "kind", "network"])
    text = (
        "The joint network, trained on all sets with random contrast, against one network a modality, on patients "
        "that neither saw (`python experiments/joint.py DATA`; the joint network was started from `mr`, `xr` from the "
        "joint network).\n\n" + markdown(table)
    )  # fmt: skip
    (ROOT / "docs" / "results" / "joint.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
