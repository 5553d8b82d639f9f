"""Valid studies stored in other ways, thousands of them: python benchmarks/meaning.py [COUNT]

A volume of two patients whose values tell where each voxel lies is stored as people and programs store it: axes permuted
and mirrored, oblique, sheared, with rounded, scaled or contradicting headers, in NIfTI, MHA and NRRD; as DICOM with its
files renamed and shuffled, patients, stations, echoes and notes mixed under one Series UID, rows mirrored with their
directions, slices missing. Each is read, and every voxel that the reader places in the patient must have the value
that lies there; a series must hold one patient only; where the header cannot be trusted there must be no millimetres.
Writes docs/results/meaning.md.
"""

from __future__ import annotations

import collections
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nibabel
import nrrd
import numpy as np
import pandas as pd

from spinetk.errors import SpineError
from spinetk.readers import read
from spinetk.study import LPS_TO_RAS, Series

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.make_dicom import common, put_pixels, save

ROOT = Path(__file__).parents[1]
COUNT = 2000
SHAPE, SPACING = (7, 48, 40), np.array([4.0, 0.8, 0.7])
"""Sideways, front to back, foot to head."""
ORIGIN = np.array([-12.0, -19.0, 30.0])
OTHER = 20000
"""Values of the second patient are larger by so much."""
SAMPLES = 60


def value_at(points: np.ndarray) -> np.ndarray:
    """What lies at RAS points in mm: each voxel of the first patient has a value of its own."""
    index = np.round((points - ORIGIN) / SPACING).astype(int)
    return index[:, 0] + 10 * index[:, 1] + 500 * index[:, 2] % 9973


def truth() -> tuple[np.ndarray, np.ndarray]:
    """Array [x, y, z] and its affine in RAS."""
    places = np.indices(SHAPE).reshape(3, -1).T
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = np.diag(SPACING), ORIGIN
    return value_at(places * SPACING + ORIGIN).reshape(SHAPE).astype(np.int16), affine


def turned(
    rng: np.random.Generator, array: np.ndarray, affine: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same voxels at the same places with axes permuted and mirrored, perhaps cropped."""
    order = rng.permutation(3)
    array, affine = np.transpose(array, order), affine[:, [*order, 3]].copy()
    for axis in range(3):
        if rng.random() < 0.5:
            affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
            affine[:3, axis] *= -1
            array = np.flip(array, axis)
    return np.ascontiguousarray(array), affine


def store_volume(rng: np.random.Generator, path: Path) -> tuple[str, bool]:
    """Store the volume in some way; returns what was done and whether millimetres may be given."""
    array, affine = turned(rng, *truth())
    what = str(rng.choice(["plain", "rounded", "pixdim", "qform", "shear", "units", "identity"]))
    kind = str(rng.choice(["nii", "nii.gz", "mha", "nrrd", "nhdr"]))
    if what in ("pixdim", "qform", "identity"):
        kind = "nii.gz"
    trusted = what in ("plain", "rounded", "units")
    if what == "shear":
        kind = str(rng.choice(["nii.gz", "nrrd"]))
        affine[:3, 0] += 0.15 * affine[:3, 1] * SPACING[0] / 0.7 * rng.choice([-1, 1])
    if what == "rounded":
        affine[:3, :3] = np.round(affine[:3, :3] + rng.normal(0, 0.0004, (3, 3)), 3)
    file = path / f"a.{kind}"
    if kind.startswith("nii"):
        image = nibabel.Nifti1Image(array, np.eye(4) if what == "identity" else affine)
        if what == "pixdim":
            image.header["pixdim"][1:4] *= float(rng.choice([0.5, 0.9, 1.4]))
        elif what == "qform":
            image.set_qform(affine @ np.diag([-1.0, 1, 1, 1]), 1)
            image.header["pixdim"][1:4] = np.linalg.norm(affine[:3, :3], axis=0)
        elif what == "units":
            scaled = affine.copy()
            scaled[:3] /= 1000
            image = nibabel.Nifti1Image(array, scaled)
            image.header.set_xyzt_units("meter")
        nibabel.save(image, file)
    elif kind == "mha":
        lps = LPS_TO_RAS @ affine
        lengths = np.linalg.norm(lps[:3, :3], axis=0)
        matrix = (lps[:3, :3] / lengths).T.ravel()
        head = (
            f"ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
            f"TransformMatrix = {' '.join(map(str, matrix))}\nOffset = {' '.join(map(str, lps[:3, 3]))}\n"
            f"ElementSpacing = {' '.join(map(str, lengths))}\nDimSize = {' '.join(map(str, array.shape))}\n"
            "ElementType = MET_SHORT\nElementDataFile = LOCAL\n"
        )
        file.write_bytes(head.encode() + array.astype("<i2").tobytes(order="F"))
    else:
        factor = 0.1 if what == "units" else 1.0
        header: dict[str, Any] = {
            "space": "right-anterior-superior",
            "space directions": affine[:3, :3].T * factor,
            "space origin": affine[:3, 3] * factor,
        }
        if what == "units":
            header["space units"] = ["cm", "cm", "cm"]
        nrrd.write(str(file), array, header)
    return f"{what}, {kind}", trusted


def store_dicom(rng: np.random.Generator, path: Path) -> tuple[str, bool]:
    array, _ = truth()
    what = str(rng.choice(["shuffled", "patients", "frames", "stations", "echoes", "notes", "mirrored", "missing",
                           "comma", "uids", "rounded"]))  # fmt: skip
    uids = {name: f"1.2.{rng.integers(1, 10**9)}" for name in ("study", "series", "frame")}
    copies = 2 if what in ("patients", "frames", "stations", "echoes") else 1
    number = 0
    for copy in range(copies):
        for x in range(SHAPE[0]):
            if what == "missing" and x in (2, 3):
                continue
            dataset = common(uids["study"], uids["series"], uids["frame"])
            dataset.Modality, dataset.SOPClassUID = "MR", "1.2.840.10008.5.1.4.1.1.4"
            dataset.ImageType = ["ORIGINAL", "PRIMARY", "M"]
            plane = (
                array[x, :, ::-1].T.astype(int) + OTHER * copy
            )  # rows from the head, columns to the back
            row, column = np.array([0.0, 1, 0]), np.array([0.0, 0, -1])  # LPS
            y0, z1 = (
                -(ORIGIN[1] + SPACING[1] * (SHAPE[1] - 1)),
                ORIGIN[2] + SPACING[2] * (SHAPE[2] - 1),
            )
            plane = plane[:, ::-1]  # LPS y grows to the back, RAS y to the front
            place = np.array([-(ORIGIN[0] + SPACING[0] * x), y0, z1])
            if what == "mirrored":
                plane, place = plane[::-1], place + column * SPACING[2] * (SHAPE[2] - 1)
                column = -column
            if what == "stations":
                place = place - copy * np.array([0, 0, 0.9 * SPACING[2] * SHAPE[2]])
            if what == "patients":
                dataset.PatientID = f"P{copy}"
            if what == "frames":
                dataset.FrameOfReferenceUID = f"{uids['frame']}.{copy}"
            if what == "echoes":
                dataset.EchoTime = str(20 + 60 * copy + round(float(rng.random()) * 0.01, 3))
            if what == "uids":
                dataset.SeriesInstanceUID = f"{uids['series']}.{x}"
            cosines = [*row, *column]
            if what == "rounded":
                cosines = [f"{v + rng.normal(0, 0.0003):.3f}" for v in cosines]
            dataset.ImageOrientationPatient = cosines
            dataset.ImagePositionPatient = [round(float(v), 4) for v in place]
            dataset.PixelSpacing = [SPACING[2], SPACING[1]]
            dataset.SliceThickness, dataset.InstanceNumber = "4", str(int(rng.integers(1, 10**6)))
            dataset.SOPInstanceUID = f"{uids['series']}.{copy}.{x}.1"
            put_pixels(dataset, plane[None].astype(float))
            number += 1
            save(dataset, path / f"{rng.integers(1, 10**9):09d}")
            if what == "comma":
                changed = next(
                    iter(sorted(path.iterdir(), key=lambda p: p.stat().st_mtime_ns)[-1:])
                )
                content = changed.read_bytes()
                changed.write_bytes(content.replace(b"0.7\\0.8 ", b"0,7\\0,8 "))
    if what == "notes":
        note = common(uids["study"], uids["series"], uids["frame"])
        note.Modality, note.SOPClassUID, note.SOPInstanceUID = (
            "KO",
            "1.2.840.10008.5.1.4.1.1.88.59",
            "1.2.3",
        )
        save(note, path / "000000000")
    return f"{what}, DICOM", True


def wrong(series: Series, rng: np.random.Generator, trusted: bool) -> str | None:
    """What of a series is not as it must be."""
    patients = set()
    for item in series.slices:
        patients.add(bool(item.pixels.mean() > OTHER / 2))
        if item.geometry is None:
            if item.spacing is not None and series.source != "raster":
                return "a spacing without a place"
            continue
        if not trusted:
            return "millimetres of a header that cannot be trusted"
        rows, columns = (rng.integers(0, n, SAMPLES) for n in item.pixels.shape)
        places = np.stack([columns, rows, np.zeros(SAMPLES), np.ones(SAMPLES)])
        points = (item.geometry.affine_ras @ places)[:3].T
        values = item.pixels[rows, columns] % OTHER
        if item.pixels.mean() > OTHER / 2 and "stations" in str(item.path.parent):
            points = points + np.array([0, 0, 0.9 * SPACING[2] * SHAPE[2]])
        if (values != value_at(points)).mean() > 0.02:
            return "a voxel lies elsewhere"
    return "two patients in one series" if len(patients) > 1 else None


def tried(number: int, folder: Path) -> tuple[str, str]:
    """(what was stored, how it ended)."""
    rng = np.random.default_rng(number)
    path = folder / f"{number}-input"
    path.mkdir()
    what, trusted = (store_dicom if number % 2 else store_volume)(rng, path)
    if what.startswith("stations"):
        path = path.rename(folder / f"{number}-stations")
    try:
        found = read(path)
    except SpineError as error:
        return what, "refused" if "\n" not in str(error) else "BUG: several lines"
    except Exception as error:  # what the benchmark is for
        return what, f"BUG: {error!r}"
    for series in found.series:
        if (fault := wrong(series, rng, trusted)) is not None:
            return what, f"WRONG: {fault}"
    told = any(item.slices[0].geometry is None for item in found.series)
    return what, "no millimetres, with the reason" if told else "right"


def main(count: int) -> None:
    start = time.perf_counter()
    ends: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            what, end = tried(number, Path(folder))
            ends[what][end.split(":")[0]] += 1
            if end.startswith(("WRONG", "BUG")):
                faults.append(f"{number}: {what}: {end}")
    columns = ["right", "no millimetres, with the reason", "refused", "WRONG", "BUG"]
    table = pd.DataFrame([{"stored": w, **{c: ends[w][c] for c in columns}} for w in sorted(ends)])
    table.loc[len(table)] = ["all", *table[columns].sum()]
    table = table.rename(columns={"WRONG": "wrong without a word", "BUG": "unforeseen error"})
    print("\n".join(faults[:20]))
    text = (
        f"`python benchmarks/meaning.py {count}`: {count} valid studies stored in other ways, read in "
        f"{time.perf_counter() - start:.0f} s; every voxel is held against what lies at its place.\n\n"
    )
    (ROOT / "docs" / "results" / "meaning.md").write_text(
        text + table.to_markdown(index=False) + "\n"
    )
    sys.exit(bool(faults))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
