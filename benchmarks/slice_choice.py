"""How far the selected slice lies from the best one, in millimetres: python benchmarks/slice_choice.py DATA

DATA holds data sets with labelled volumes (`SET/volumes/NAME.nii.gz`, `NAME_bodies.nii.gz`). Each volume is read and
searched as a user's is, as it is stored, and where its sagittal slices are thin once more as a stack of some 4 mm, made by
averaging, where the paper's exact percentage is comparable. The best slice shows the most labelled bodies, ties by their
area. Prints and writes docs/results/slice-choice.md, and the rows beside it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.labelled import LabelledVolume, labelled_volumes
from spinetk.evaluation.tables import markdown
from spinetk.network.loaded import LoadedModel
from spinetk.pipeline import LEAST_SHARE
from spinetk.readers.volume_files import read_volume
from spinetk.search import search
from spinetk.selection import select_slice, share_of_largest
from spinetk.study import Series

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "results" / "slice-choice"
SETS = {"mr_vb1": "mr", "mr_vb2": "mr", "mr_vb3": "mr", "ct_verse": "ct", "ct_oppo": "ct"}
THICK_MM = 4.0
SMALLEST = 60
"""Pixels: a label with fewer is the edge of a body that the slice hardly shows."""
Labelled = list[tuple[int, int]]
"""Of each slice: how many bodies are labelled, and their area in pixels."""


def main(data: Path) -> None:
    rows = []
    for volume in labelled_volumes(data, SETS):
        told = {"set": volume.data_set, "volume": volume.name}
        for stack, series, labelled in stacks(volume):
            row = chosen(series, labelled, volume.loaded)
            rows.append(told | {"stack": stack, "seen": volume.seen} | row)
    OUT.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n")
    report(pd.DataFrame(rows))


def report(frame: pd.DataFrame) -> None:
    text = (
        "`python benchmarks/slice_choice.py ../shared/data`: the selected slice of whole volumes against the one that shows "
        "the most labelled bodies (ties by their area). `seen`: the network was trained on the patient. *thick*: thin slices "
        f"averaged to some {THICK_MM:g} mm. Exact on the paper's series: 86.5 %. *unwarned*: less than {LEAST_SHARE:.0%} of the "
        "largest labelled area, and no warning.\n\n"
    )
    body = markdown(table(frame))
    OUT.with_suffix(".md").write_text(text + body)
    print(body)


def stacks(volume: LabelledVolume) -> Iterator[tuple[str, Series, Labelled]]:
    """The volume as it is stored, and averaged where it is thin."""
    series = replace(read_volume(volume.image), modality=volume.modality)
    labels = np.stack([s.pixels for s in read_volume(volume.labels, labels=True).slices])
    yield "as stored", series, counted(labels)
    distance = thickness(series)
    many = round(THICK_MM / distance)
    if many < 2:
        return
    groups = [range(k, k + many) for k in range(0, len(series.slices) - many + 1, many)]
    thick, thick_labels = [], []
    for index, group in enumerate(groups):
        middle = series.slices[group[len(group) // 2]]
        assert middle.geometry is not None
        pixels = np.mean([series.slices[k].pixels for k in group], axis=0, dtype=np.float32)
        geometry = replace(middle.geometry, thickness=distance * many)
        thick.append(replace(middle, index=index, pixels=pixels, geometry=geometry))
        shown = (labels[list(group)] > 0).mean(axis=0) >= 0.5
        thick_labels.append(np.where(shown, labels[list(group)].max(axis=0), 0))
    yield "thick", replace(series, slices=tuple(thick)), counted(np.stack(thick_labels))


def counted(labels: np.ndarray) -> Labelled:
    out = []
    for one in labels:
        sizes = [int((one == value).sum()) for value in np.unique(one[one > 0])]
        out.append((sum(size >= SMALLEST for size in sizes), sum(sizes)))
    return out


def thickness(series: Series) -> float:
    geometry = series.slices[0].geometry
    assert geometry is not None
    return geometry.thickness


def chosen(series: Series, labelled: Labelled, loaded: LoadedModel) -> dict[str, object]:
    trace, _ = search(series, loaded, loaded.model.score_threshold)
    selected = select_slice(trace)
    best = max(range(len(labelled)), key=labelled.__getitem__)
    largest = max(area for _, area in labelled)
    away = abs(selected - best)
    return {
        "slices": len(labelled),
        "selected": selected,
        "best": best,
        "away_slices": away,
        "away_mm": round(away * thickness(series), 2),
        "same_bodies": labelled[selected][0] == labelled[best][0],
        "area_share": round(labelled[selected][1] / max(1, largest), 4),
        "warned": share_of_largest(trace, selected) < LEAST_SHARE,
    }


def table(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (name, stack, seen), group in frame.groupby(["set", "stack", "seen"]):
        low = (group["area_share"] < LEAST_SHARE) & ~group["warned"]
        rows.append(
            {
                "data_set": name,
                "stack": stack,
                "seen": "yes" if seen else "no",
                "volumes": len(group),
                "exact_percent": 100 * float((group["away_slices"] == 0).mean()),
                "within_4_mm_percent": 100 * float((group["away_mm"] <= THICK_MM).mean()),
                "mean_away_mm": float(group["away_mm"].mean()),
                "largest_away_mm": float(group["away_mm"].max()),
                "same_bodies_percent": 100 * float(group["same_bodies"].mean()),
                "area_share_percent": 100 * float(group["area_share"].median()),
                "smallest_area_share_percent": 100 * float(group["area_share"].min()),
                "unwarned": int(low.sum()),
            }
        )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
