"""Attack SpineTK and count: python benchmarks/attack.py [PART...]

Damaged inputs of every kind (files, annotations of `convert`, data sets, networks, kept results,
requests of a reader who corrects, DICOM associations), the same ones each time; small files that
hold much; kill -9 of the command, the server and the node; full disks. All of it takes half an
hour; PARTs (the keys of `SHARES`, bombs, kills, disks) renew their rows. Writes docs/results/attack.md,
which docs/reference/security.md quotes, and attack.json, the rows; exits with 1 where something is
wrong.
"""

from __future__ import annotations

import collections
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pandas as pd
from attacks import bombs, disks, kills, trial

ROOT = Path(__file__).parents[1]
STORED = ROOT / "docs" / "results" / "attack.json"
INPUTS, KILLS = 10_500, 35
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
OTHERS = {"bombs": bombs.run, "kills": lambda: kills.run(KILLS), "disks": disks.run}
CODE = "code"
"""The column of the commit that a row was measured at."""


def inputs(kind: str) -> dict[str, object]:
    """The row of figures of one kind of damaged input."""
    name, share = SHARES[kind]
    found = trial.run(kind, round(INPUTS * share))
    outcomes = collections.Counter(result.split()[0] for result, *_ in found.values())
    for number, (result, *_) in sorted(found.items()):
        if result not in trial.OUTCOMES:
            print(f"--- {kind} {number}: {result}", flush=True)
    return {"damaged": name, "inputs": len(found), "taken": outcomes["taken"],
            "refused in one line": outcomes["refused"], "wrong": outcomes["WRONG"],
            "longest, s": round(max(s for _, s, _ in found.values()), 1),
            "most memory, MB": round(max(m for *_, m in found.values()) / 1e6)}  # fmt: skip


def told(stored: dict[str, list[dict[str, object]]]) -> str:
    """The rows as Markdown, with a total of the damaged inputs."""
    damaged = pd.DataFrame([row for kind in SHARES for row in stored.get(kind, [])])
    if len(damaged):
        counts = [c for c in damaged if c not in ("damaged", "longest, s", "most memory, MB", CODE)]
        total = {"damaged": "all"} | {c: damaged[c].sum() for c in counts}
        total |= {c: damaged[c].max() for c in ("longest, s", "most memory, MB")}
        damaged = pd.concat([damaged, pd.DataFrame([total])], ignore_index=True).fillna("")
    tables = [damaged, *(pd.DataFrame(stored.get(part, [])) for part in OTHERS)]
    head = (
        f"`python benchmarks/attack.py`, at the commits named. An input may take {trial.SECONDS} s and "
        f"{trial.MEMORY / 1e9:g} GB, libraries included; wrong is more, an error that is not ours or of "
        "several lines, and the end of a process."
    )
    shown = [
        t.to_markdown(index=False) if len(t) else "Full disks: not tried (needs root)."
        for t in tables
    ]
    return "\n\n".join([head, *shown]) + "\n"


def main(parts: list[str]) -> None:
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    stored = json.loads(STORED.read_text()) if STORED.is_file() else {}
    for part in parts:
        rows = [inputs(part)] if part in SHARES else OTHERS[part]()
        stored[part] = [row | {CODE: commit} for row in rows]
        print(pd.DataFrame(stored[part]).to_markdown(index=False), flush=True)
        STORED.write_text(json.dumps(stored, indent=1) + "\n")
        STORED.with_suffix(".md").write_text(told(stored))
    wrong = sum(
        int(row.get("wrong", 0)) + (row.get("outcome") == "WRONG")
        for p in parts
        for row in stored[p]
    )
    if wrong:
        sys.exit(f"{wrong} wrong")


if __name__ == "__main__":
    main(sys.argv[1:] or [*SHARES, *OTHERS])
