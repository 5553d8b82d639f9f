"""Does a loss that weighs the outline's pixels more sharpen the outlines? python experiments/boundary_loss.py DATA

The network of fold 1 of the MR cross-validation (runs/cv_mr) is trained 150 iterations further on the same patients,
once with the loss as it is and once with the cross-entropy of cells within one cell of the outline weighted by 4; both
are tested on the fold's test patients. Writes docs/results/boundary-loss.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as functional
from torch import Tensor

from spinetk.evaluation.agreement_tables import radiomics_table
from spinetk.evaluation.evaluate import evaluate_images, read_images
from spinetk.evaluation.row_tables import load_frames
from spinetk.evaluation.tables import instance_table, markdown
from spinetk.network.loaded import load_model
from spinetk.training import network
from spinetk.training.make_network import train_run

ROOT = Path(__file__).parents[1]
FOLD = ROOT / "runs" / "cv_mr" / "fold-1"
SETS = ("mr_spider", "mr_backspine", "mr_vb2", "mr_vb3")
CONFIG = ROOT / "experiments" / "boundary-loss.toml"
WEIGHT = 4.0
plain = network.mask_loss


def weighted(logits: Tensor, wanted: Tensor, classes: Tensor) -> Tensor:
    """`mask_loss` with more weight on the cells within one cell of the outline."""
    if len(classes) == 0:
        return plain(logits, wanted, classes)
    own = logits[torch.arange(len(classes)), classes]
    inside = wanted[:, None]
    widest = functional.max_pool2d(inside, 3, stride=1, padding=1)
    narrowest = -functional.max_pool2d(-inside, 3, stride=1, padding=1)
    weight = 1 + (WEIGHT - 1) * (widest - narrowest)[:, 0]
    extra = functional.binary_cross_entropy_with_logits(own, wanted, weight)
    even = functional.binary_cross_entropy_with_logits(own, wanted)
    return plain(logits, wanted, classes) - even + extra


def figures(data: Path, name: str, loss) -> dict[str, object]:
    folder = ROOT / "runs" / f"outline-{name}"
    folds = json.loads((FOLD.parent / "folds.json").read_text())["folds"]
    sets = [data / one for one in SETS]
    if not (folder / "rows").is_dir():
        network.mask_loss = loss
        init = str(FOLD / "model.safetensors")
        model = train_run(sets, folder, CONFIG, frozenset(folds["1"]), init=init, quiet=False)
        test = [i for i in read_images(sets) if i.patient in folds["1"]]
        evaluate_images(test, load_model(model), quiet=False).save(folder / "rows")
    rows = load_frames(folder / "rows").instances
    rows = rows[(rows["dataset"] == "mr_spider") & rows["middle"].astype(bool)]
    out: dict[str, object] = {"loss": name}
    bodies = rows[rows["kind"] == "vertebral_body"]
    [body] = instance_table(bodies, ["kind"]).to_dict("records")
    out |= {key: body[key] for key in ("instances", "dice", "dice_all", "surface_95_px")}
    for row in radiomics_table(bodies, ["kind"]).to_dict("records"):
        out[f"{row['feature']}_r"] = row["pearson_r"]
    return out


def main(data: Path) -> None:
    rows = [figures(data, "even", plain), figures(data, "outline weighted", weighted)]
    text = (
        "Bodies on the middle slices of mr_spider, fold 1's test patients; each network trained 150 iterations further "
        f"from fold 1's (`python experiments/boundary_loss.py DATA`; weight {WEIGHT:g}, one seed).\n\n"
        + markdown(pd.DataFrame(rows))
    )  # fmt: skip
    (ROOT / "docs" / "results" / "boundary-loss.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
