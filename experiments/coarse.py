"""What thick slices cost: python experiments/coarse.py DATA

The volumes of ct_unlabelled2 with rows at most 1.5 mm apart are segmented as they are and with their rows averaged to 2,
3, 4.25, 5 and 6 mm, as a sagittal cut of thick axial slices has them; the heights of each body on the same slice are held
against those on the thin one. Writes docs/results/coarse.md.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from spinetk.errors import SpineError
from spinetk.measures.table import Row, measurements
from spinetk.network.loaded import LoadedModel, load_model
from spinetk.pipeline import segment
from spinetk.readers.volume_files import read_volume
from spinetk.structures import BODY_KIND
from spinetk.study import Series, Slice

ROOT = Path(__file__).parents[1]
THIN_MM, THICK_MM = 1.5, (2.0, 3.0, 4.25, 5.0, 6.0)
SAME_PLACE_MM = 8.0
HEIGHTS = ("height_anterior_mm", "height_middle_mm", "height_posterior_mm")


def averaged(item: Slice, millimetres: float) -> Slice:
    """The slice with its rows averaged to so many mm each."""
    assert item.geometry is not None and item.spacing is not None
    count = max(1, round(millimetres / item.spacing[0]))
    rows = item.pixels.shape[0] // count * count
    pixels = item.pixels[:rows].reshape(-1, count, item.pixels.shape[1]).mean(axis=1)
    spacing = (item.spacing[0] * count, item.spacing[1])
    down = np.asarray(item.geometry.along_column) * item.spacing[0] * (count - 1) / 2
    origin = tuple(np.add(item.geometry.origin, down).tolist())
    geometry = replace(item.geometry, spacing=spacing, origin=origin)
    return replace(item, pixels=pixels.astype(np.float32), spacing=spacing, geometry=geometry)


def bodies(series: Series, item: Slice, loaded: LoadedModel) -> list[Row]:
    one = replace(series, slices=(replace(item, index=0),), modality="CT")
    try:
        result = segment(one, loaded, slice_choice=0)
    except SpineError:
        return []
    return [r for r in measurements(result) if r["kind"] == BODY_KIND and not r["truncated"]]


def place(row: Row, item: Slice) -> np.ndarray:
    assert item.geometry is not None
    index = np.array([row["centroid_x_px"], row["centroid_y_px"], 0, 1], dtype=float)
    return (item.geometry.affine @ index)[:3]


def main(data: Path) -> None:
    loaded = load_model("ct")
    found: list[dict[str, float]] = []
    persons = 0
    for path in sorted((data / "ct_unlabelled2" / "volumes").glob("*.nii.gz")):
        series = read_volume(path)
        spacing = series.slices[0].spacing
        if path.name.endswith("_bodies.nii.gz") or spacing is None or spacing[0] > THIN_MM:
            continue
        try:
            item = series.slices[segment(replace(series, modality="CT"), loaded).slice_index]
        except SpineError as error:
            print(error)
            continue
        thin = bodies(series, item, loaded)
        persons += 1
        for millimetres in THICK_MM:
            thick_slice = averaged(item, millimetres)
            thick = bodies(series, thick_slice, loaded)
            places = np.array([place(row, thick_slice) for row in thick]).reshape(-1, 3)
            for row in thin:
                apart = np.linalg.norm(places - place(row, item), axis=1)
                same = (
                    thick[int(apart.argmin())]
                    if len(apart) and apart.min() < SAME_PLACE_MM
                    else None
                )
                errors = [float(same[h]) - float(row[h]) for h in HEIGHTS] if same else [np.nan] * 3  # type: ignore[arg-type]
                found.append({"mm": millimetres, **dict(zip(HEIGHTS, errors, strict=True))})
    frame = pd.DataFrame(found)
    rows = []
    for millimetres, part in frame.groupby("mm"):
        errors = part[list(HEIGHTS)].stack()
        rows.append(
            {
                "rows, mm": f"{millimetres:g}",
                "bodies": len(part),
                "found again, %": f"{100 * part[HEIGHTS[1]].notna().mean():.1f}",
                "mean difference of heights, mm": f"{errors.mean():+.2f}",
                "median absolute, mm": f"{errors.abs().median():.2f}",
                "95th percentile, mm": f"{errors.abs().quantile(0.95):.2f}",
            }
        )
    text = (
        f"`python experiments/coarse.py DATA`: heights of the bodies of {persons} CT of at most {THIN_MM} mm against those on the same "
        "slices with their rows averaged.\n\n"
    )
    table = pd.DataFrame(rows).to_markdown(index=False)
    (ROOT / "docs" / "results" / "coarse.md").write_text(f"{text}{table}\n")
    print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
