"""What came out is held against what was stored, place by place in the patient."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pandas as pd

from benchmarks.meanings.volumes import OTHER, STATION, Volume, code
from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.network.loaded import LoadedModel
from spinetk.readers import read
from spinetk.structures import DISC_BASE, UNNAMED_BODY
from spinetk.study import Series

RIGHT, NO_MILLIMETRES = "right", "no millimetres, with the reason"
REASONS = {"geometry-contradicts", "spacing-missing", "picture"}
"""Codes of the warnings that say why there are none."""
SAMPLES, OFF = 60, 0.02
"""Voxels looked at on each slice, and the share of them that may be off by rounding."""
MOST, NEAR_MM, FEWEST, FEWEST_OF_STATION = 0.5, 2.0, 6, 3
"""More than this share of every outline lies in the body or disc of its name; the middle of a whole
body lies so near to that of the phantom's. Bodies found of nine, or of those of a station."""
AREA = 0.01
"""Share by which an area in mm2 may be off that of as many of the stored voxels: how good an outline
is, is the network's affair."""


def voxels(path: Path, volume: Volume, trusted: bool) -> str:
    """How reading ended: every voxel of a series has the value that lies at its place.

    Raises:
        SpineError: the input is refused.
    """
    found = read(path)
    for series in found.series:
        if fault := _fault(series, volume, trusted):
            return f"WRONG: {fault}"
    without = [item for item in found.series if item.slices[0].geometry is None]
    if without and trusted:
        return "WRONG: no millimetres of a header that can be trusted"
    if any(not {w.code for w in item.warnings} & REASONS for item in without):
        return "WRONG: no millimetres, and no reason"
    return NO_MILLIMETRES if without else RIGHT


def _fault(series: Series, volume: Volume, trusted: bool) -> str | None:
    rng = np.random.default_rng(1)
    patients = set()
    for item in series.slices:
        patients.add(bool(item.pixels.mean() > OTHER / 2))
        if item.geometry is None:
            if item.spacing is not None:
                return "a spacing without a place"
            continue
        if not trusted:
            return "millimetres of a header that cannot be trusted"
        rows, columns = (rng.integers(0, n, SAMPLES) for n in item.pixels.shape)
        places = np.stack([columns, rows, np.zeros(SAMPLES), np.ones(SAMPLES)])
        points = (item.geometry.affine_ras @ places)[:3].T
        values = item.pixels[rows, columns] % OTHER
        if (values != code(volume.index(points).T)).mean() > OFF:
            return "a voxel lies elsewhere"
    return "two patients in one series" if len(patients) > 1 else None


def outlines(
    path: Path,
    out: Path,
    volume: Volume,
    trusted: bool,
    models: dict[str, LoadedModel],
) -> str:
    """How `spinetk segment` ended: every outline lies on the body or disc of its name, and its area
    in mm2 is that of the phantom.

    Raises:
        SpineError: the input is refused.
    """
    options = Options(modality="MR", formats=("csv", "nifti"))
    outcome = segment_all([path], out, options, models=models)
    if not outcome.done:
        # nobody can tell how it lies, and that nothing is found in it is said
        told = not trusted and bool(outcome.failed)
        return "refused" if told else "WRONG: nothing was segmented"
    for row in outcome.done:
        folder = out / str(row["key"])
        table = pd.read_csv(folder / "instances.csv")
        if not trusted:
            if table["area_mm2"].notna().any():
                return "WRONG: millimetres of a header that cannot be trusted"
            if not set(str(row["warning_codes"]).split()) & REASONS:
                return "WRONG: no millimetres, and no reason"
            continue
        if fault := _misplaced(folder, table, volume):
            return f"WRONG: {fault}"
    return RIGHT if trusted else NO_MILLIMETRES


def _truth(
    mask: nibabel.Nifti1Image, inside: np.ndarray, volume: Volume
) -> tuple[np.ndarray, np.ndarray]:
    """The volume's index and label at the place of each voxel of a part of a mask."""
    assert volume.labels is not None
    points = np.argwhere(inside) @ mask.affine[:3, :3].T + mask.affine[:3, 3]
    index = volume.index(points)
    known = (index >= 0).all(axis=1) & (index < volume.labels.shape).all(axis=1)
    truth = np.zeros(len(index), dtype=int)
    truth[known] = volume.labels[tuple(index[known].T)]
    return index, truth


def _misplaced(folder: Path, table: pd.DataFrame, volume: Volume) -> str | None:
    assert volume.labels is not None
    mask = nibabel.load(folder / "mask.nii.gz")
    labels = np.asarray(mask.dataobj)
    station = labels.shape[1] <= STATION * volume.values.shape[2] + 1
    bodies = 0
    for number in np.unique(labels[labels > 0]).tolist():
        index, truth = _truth(mask, labels == number, volume)
        named = number < UNNAMED_BODY and not station  # one that lacks the sacrum may name wrong
        wanted = number if named else int(np.bincount(truth).argmax())
        if not wanted or (truth == wanted).mean() <= MOST:
            return f"label {number} lies elsewhere"
        plane = volume.labels[int(np.median(index[:, 0]))]
        area = float(len(index) * volume.spacing[1] * volume.spacing[2])
        row = table.loc[table["label"] == number].iloc[0]
        middle = np.argwhere(plane == wanted).mean(axis=0) - index[:, 1:].mean(axis=0)
        away = float(np.linalg.norm(middle * volume.spacing[1:]))
        if wanted < DISC_BASE and not row["truncated"] and away > NEAR_MM:
            return f"label {number} lies {away:.1f} mm away"
        if not row["truncated"] and abs(float(row["area_mm2"]) / area - 1) > AREA:
            return f"label {number} has {row['area_mm2']:.0f} instead of {area:.0f} mm2"
        bodies += wanted < DISC_BASE
    least = FEWEST_OF_STATION if station else FEWEST
    return None if bodies >= least else f"{bodies} bodies"
