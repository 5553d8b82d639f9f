"""Attack SpineTK and count: python benchmarks/attack.py [INPUTS [KILLS]]

Damaged inputs of every kind (files, annotations of `convert`, data sets, networks, kept results,
requests of a reader who corrects, DICOM associations), the same ones each time; small files that
hold much; kill -9 of the command, the server and the node; full disks. Writes
docs/results/attack.md, which docs/reference/security.md quotes; exits with 1 where something is
wrong.
"""

from __future__ import annotations

import collections
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pandas as pd
from attacks import bombs, disks, kills, trial

ROOT = Path(__file__).parents[1]
INPUTS, KILLS = 10_500, 105
SHARES = {
    "files": ("image files", 0.4),
    "annotations": ("annotations to convert", 0.15),
    "sets": ("data sets", 0.12),
    "networks": ("networks and cards", 0.06),
    "kept": ("results", 0.07),
    "corrections": ("corrections, and the server's folder", 0.1),
    "associations": ("DICOM associations", 0.1),
}
"""What is damaged, and its share of the inputs."""


def inputs(count: int) -> pd.DataFrame:
    """A row of figures for each kind of damaged input."""
    rows = []
    for kind, (name, share) in SHARES.items():
        found = trial.run(kind, round(count * share))
        outcomes = collections.Counter(result.split()[0] for result, *_ in found.values())
        for number, (result, *_) in sorted(found.items()):
            if result not in trial.OUTCOMES:
                print(f"--- {kind} {number}: {result}", flush=True)
        rows.append({"damaged": name, "inputs": len(found), "taken": outcomes["taken"],
                     "refused in one line": outcomes["refused"], "wrong": outcomes["WRONG"],
                     "longest, s": round(max(s for _, s, _ in found.values()), 1),
                     "most memory, MB": round(max(m for *_, m in found.values()) / 1e6)})  # fmt: skip
        print(rows[-1], flush=True)
    frame = pd.DataFrame(rows)
    total = {"damaged": "all", **{c: frame[c].sum() for c in frame.columns[1:5]},
             **{c: frame[c].max() for c in frame.columns[5:]}}  # fmt: skip
    return pd.concat([frame, pd.DataFrame([total])], ignore_index=True)


def main(count: int, times: int) -> None:
    start = time.monotonic()
    tables = [
        inputs(count),
        pd.DataFrame(bombs.run()),
        pd.DataFrame(kills.run(times // len(kills.VICTIMS))),
        pd.DataFrame(disks.run()),
    ]
    minutes = (time.monotonic() - start) / 60
    text = (
        f"`python benchmarks/attack.py {count} {times}`, {minutes:.0f} minutes. An input may take "
        f"{trial.SECONDS} s and {trial.MEMORY / 1e9:g} GB, libraries included; wrong is more, an "
        "error that is not ours or of several lines, and the end of a process.\n\n"
    )
    text += "\n\n".join(
        table.to_markdown(index=False) if len(table) else "Full disks: not tried (needs root)."
        for table in tables
    )
    (ROOT / "docs" / "results" / "attack.md").write_text(text + "\n")
    print(text)
    wrong = sum((table == "WRONG").to_numpy().sum() for table in tables)
    wrong += sum(int(table["wrong"].iloc[-1 if i == 0 else slice(None)].sum())
                 for i, table in enumerate(tables) if "wrong" in table)  # fmt: skip
    if wrong:
        sys.exit(f"{wrong} wrong")


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*(given + [INPUTS, KILLS][len(given) :]))
