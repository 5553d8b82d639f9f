"""Films of a source that was left out: python experiments/left_out_films.py DATA [SET...]

For xr_ap_outline and xr_lat_spine (or the sets that are named) a short training on the other films, started from the
shipped `mr`, which never saw a film, is evaluated on all patients of the one left out (runs/loso_*; resumed if
interrupted). Writes docs/results/left-out/SET and docs/results/left-out-films.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from left_out import CONFIGS, RESULTS, ROOT, figures, left_out_table

from spinetk.training.make_network import train_run

FILMS = ("xr_aasce", "xr_ap_outline", "xr_lat_spine", "xr_ceph")
LEFT_OUT = ("xr_ap_outline", "xr_lat_spine")


def trained(data: Path, left_out: str) -> Path:
    sets = [data / name for name in FILMS if name != left_out]
    lines = (CONFIGS / "short-films.toml").read_text().splitlines()
    run = ROOT / "runs" / f"loso_{left_out}"
    own = run.with_suffix(".toml")
    own.parent.mkdir(exist_ok=True)
    own.write_text("\n".join(line for line in lines if not line.startswith(left_out)) + "\n")
    return train_run(sets, run, own, 0.2, init="mr", quiet=False)


def main(data: Path, names: list[str]) -> None:
    for name in names:
        figures(data, [name], trained(data, name), name, "all")
    done = {name: RESULTS / "left-out" / name / "figures.json" for name in LEFT_OUT}
    summaries = {name: json.loads(path.read_text()) for name, path in done.items() if path.exists()}
    text = "`python experiments/left_out_films.py DATA`: 700 steps from the shipped `mr` on the other films.\n\n"
    (RESULTS / "left-out-films.md").write_text(text + left_out_table(summaries))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(LEFT_OUT))
