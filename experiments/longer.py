"""What longer training of `xr` brought: python experiments/longer.py BEFORE AFTER

Holds the figures of the network that one commit shipped against those of a later one (docs/results/xr, by `ship.py`), on
the same held-out patients. Writes docs/results/xr-long.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from spinetk.evaluation.tables import markdown

ROOT = Path(__file__).parents[1]
CARD = "src/spinetk/network/models/xr.json"
FIGURES = "docs/results/xr/figures.json"
COLUMNS = ("instances", "detected_percent", "dice", "dice_all", "surface_95_px", "false_positives")


def at(commit: str, file: str) -> dict[str, Any]:
    text = subprocess.run(
        ["git", "show", f"{commit}:{file}"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return dict(json.loads(text))


def iterations(card: dict[str, Any]) -> int:
    """Of this training and all that it was started from."""
    own = int(card["training"]["iterations"])
    return own + (iterations(card["started_from"]) if "started_from" in card else 0)


def row(card: dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
    [films] = [r for r in figures["tables"]["data_sets"] if r["data_set"] == "xr_aasce"]
    return {"iterations in all": iterations(card)} | {key: films[key] for key in COLUMNS}


def main(*commits: str) -> None:
    table = pd.DataFrame([row(at(c, CARD), at(c, FIGURES)) for c in commits])
    (ROOT / "docs" / "results" / "xr-long.md").write_text(
        "The network `xr` before and after a third, longer step (`recipes/xr-long.toml`), on the same held-out "
        "patients of xr_aasce; the iterations of the joint network and all other steps are counted "
        f"(`python experiments/longer.py {' '.join(commits)}`). It is not the network that ships now.\n\n"
        + markdown(table)
    )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
