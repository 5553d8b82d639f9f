"""What each measure is good enough for, by its agreement with reference outlines: python tools/purposes.py

Reads docs/results/{mr,xr}/figures.json (`tools/ship.py`) and writes docs/results/purposes.md. The bounds are those of
Koo and Li, Journal of Chiropractic Medicine 15 (2016) 155: an ICC from 0.9 on is excellent, from 0.75 on good; as they
advise, the lower end of its interval is judged, which is drawn by patients.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
SINGLE, GROUP = 0.9, 0.75
FEWEST, FEWEST_PATIENTS, FEW = 20, 5, 10
"""Instances and patients that tell something; patients under which an interval is rather too narrow."""


def purpose(row: dict[str, Any]) -> str:
    """In a word, with the ICC within levels and the lower end of its interval; where levels are not known, with that
    over all bodies, which their differences make higher."""
    icc, low, mark = row.get("icc_level"), row.get("icc_level_low"), ""
    if icc is None:
        icc, low = row["icc"], row["icc_low"]
        mark = "" if row["kind"] == "column" else ", over levels"
    if icc is None or low is None:
        return "-"
    word = "single" if low >= SINGLE else "group" if low >= GROUP else "no"
    return f"{word} ({icc:.2f}, from {low:.2f}{mark})"


def rows() -> list[dict[str, Any]]:
    out = []
    for name in ("mr", "xr"):
        tables = json.loads((RESULTS / name / "figures.json").read_text())["tables"]
        angles = [
            row | {"kind": "column", "size": row["angle"]} for row in tables.get("angles", [])
        ]
        for row in [*tables.get("sizes", []), *angles]:
            of_scale = row.get("unit", "") in (
                "px",
                "px²",
            )  # films differ in it, and make an ICC of it
            if row["n"] >= FEWEST and row["patients"] >= FEWEST_PATIENTS and not of_scale:
                out.append(
                    {"kind": row["kind"].replace("_", " "), "measure": row["size"].replace("_", " "),
                     "unit": row.get("unit", "degrees"), "set": row["dataset"], "patients": row["patients"],
                     "good for": purpose(row)}
                )  # fmt: skip
    return out


def main() -> None:
    frame = pd.DataFrame(rows())
    most = frame.groupby("set")["patients"].max()
    frame["data set"] = [
        f"{name} ({most[name]}{'*' if most[name] < FEW else ''})" for name in frame["set"]
    ]
    order = list(dict.fromkeys(zip(frame["kind"], frame["measure"], frame["unit"], strict=True)))
    # one value for each: a measure of one set in two units has two rows
    table = (
        frame.set_index(["kind", "measure", "unit", "data set"])["good for"]
        .unstack()
        .reindex(order)
    )
    text = (
        f"`python tools/purposes.py`: on patients kept aside, for every set with {FEWEST} instances of "
        f"{FEWEST_PATIENTS} patients or more (in brackets how many), what a measure is good enough for, its ICC(A,1) within levels (*over levels* where those are not known) "
        f"and the lower end of its 95 % interval, by which it is judged: *single*: a value of one person ({SINGLE:g} or "
        f"more); *group*: means of groups ({GROUP:g} or more); *no*: neither. Of fewer than {FEW} patients (*) the "
        "interval is rather too narrow. Lengths in pixels are left out: films differ in scale, which an ICC would take for agreement.\n\n"
    )
    body = table.fillna("-").reset_index().to_markdown(index=False)
    (RESULTS / "purposes.md").write_text(text + body + "\n")
    print(body)


if __name__ == "__main__":
    main()
