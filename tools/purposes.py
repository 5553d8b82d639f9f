"""What each measure is good enough for, by its agreement with reference outlines: python tools/purposes.py

Reads docs/results/{mr,xr}/figures.json (`tools/ship.py`) and writes docs/results/purposes.md. The bounds are those of
Koo and Li, Journal of Chiropractic Medicine 15 (2016) 155: an ICC from 0.9 on is excellent, from 0.75 on good.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
SINGLE, GROUP = 0.9, 0.75
FEWEST = 20
"""Instances that tell something."""


def purpose(icc: float | None) -> str:
    """In a word."""
    if icc is None:
        return "-"
    return "single" if icc >= SINGLE else "group" if icc >= GROUP else "no"


def rows() -> list[dict[str, Any]]:
    out = []
    for name in ("mr", "xr"):
        tables = json.loads((RESULTS / name / "figures.json").read_text())["tables"]
        for row in tables.get("sizes", []):
            if row["n"] >= FEWEST:
                out.append((row["kind"], row["size"], row["dataset"], row["icc"]))
        for row in tables.get("angles", []):
            if row["n"] >= FEWEST:
                out.append(("column", row["angle"], row["dataset"], row["icc"]))
    return [
        {"kind": kind.replace("_", " "), "measure": size.replace("_", " "), "data set": dataset,
         "good for": f"{purpose(icc)} ({icc:.2f})" if icc is not None else "-"}
        for kind, size, dataset, icc in out
    ]  # fmt: skip


def main() -> None:
    frame = pd.DataFrame(rows())
    order = list(dict.fromkeys(zip(frame["kind"], frame["measure"], strict=True)))
    table = frame.pivot_table(
        index=["kind", "measure"], columns="data set", values="good for", aggfunc="first"
    ).reindex(order)
    text = (
        f"`python tools/purposes.py`: on patients kept aside, for every set with {FEWEST} instances or more, what a "
        f"measure is good enough for, and its ICC(A,1): *single*: a value of one person ({SINGLE:g} or more); *group*: "
        f"means of groups ({GROUP:g} or more); *no*: neither.\n\n"
    )
    body = table.fillna("-").reset_index().to_markdown(index=False)
    (RESULTS / "purposes.md").write_text(text + body + "\n")
    print(body)


if __name__ == "__main__":
    main()
