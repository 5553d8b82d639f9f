"""A volume is stored as people and programs store it, in one of many ways."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nibabel
import nrrd
import numpy as np

from benchmarks.meanings.volumes import OTHER, STATION, Volume
from spinetk.study import LPS_TO_RAS

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.make_dicom import common, put_pixels, save

DICOM_WAYS = ("shuffled", "patients", "frames", "stations", "echoes", "notes", "mirrored", "missing", "comma", "uids",
              "rounded")  # fmt: skip


def turned(
    rng: np.random.Generator, array: np.ndarray, affine: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same voxels at the same places with axes permuted and mirrored."""
    order = rng.permutation(3)
    array, affine = np.transpose(array, order), affine[:, [*order, 3]].copy()
    for axis in range(3):
        if rng.random() < 0.5:
            affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
            affine[:3, axis] *= -1
            array = np.flip(array, axis)
    return np.ascontiguousarray(array), affine


def store_volume(rng: np.random.Generator, path: Path, volume: Volume) -> tuple[str, bool]:
    """Store it as NIfTI, MHA or NRRD; returns how, and whether millimetres may be given."""
    array, affine = turned(rng, volume.values, volume.affine)
    what = str(rng.choice(["plain", "rounded", "pixdim", "qform", "shear", "units", "identity"]))
    kind = str(rng.choice(["nii", "nii.gz", "mha", "nrrd", "nhdr"]))
    if what in ("pixdim", "qform", "identity"):
        kind = "nii.gz"
    if what == "shear":
        kind = str(rng.choice(["nii.gz", "nrrd"]))
        lengths = np.linalg.norm(affine[:3, :3], axis=0)
        affine[:3, 0] += 0.15 * affine[:3, 1] * lengths[0] / lengths[1] * rng.choice([-1, 1])
    if what == "rounded":
        affine[:3, :3] = np.round(affine[:3, :3] + rng.normal(0, 0.0004, (3, 3)), 3)
    file = path / f"a.{kind}"
    if kind.startswith("nii"):
        _nifti(rng, file, array, affine, what)
    elif kind == "mha":
        store_metaimage(file, array, affine)
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
    return f"{what}, {kind}", what in ("plain", "rounded", "units")


def _nifti(
    rng: np.random.Generator, file: Path, array: np.ndarray, affine: np.ndarray, what: str
) -> None:
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


def store_metaimage(file: Path, array: np.ndarray, affine: np.ndarray) -> None:
    array = array.astype("<f4" if array.dtype.kind == "f" else "<i2")
    kind = "MET_FLOAT" if array.dtype.kind == "f" else "MET_SHORT"
    lps = LPS_TO_RAS @ affine
    lengths = np.linalg.norm(lps[:3, :3], axis=0)
    matrix = (lps[:3, :3] / lengths).T.ravel()
    head = (
        f"ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
        f"TransformMatrix = {' '.join(map(str, matrix))}\nOffset = {' '.join(map(str, lps[:3, 3]))}\n"
        f"ElementSpacing = {' '.join(map(str, lengths))}\nDimSize = {' '.join(map(str, array.shape))}\n"
        f"ElementType = {kind}\nElementDataFile = LOCAL\n"
    )
    file.write_bytes(head.encode() + array.tobytes(order="F"))


def store_dicom(rng: np.random.Generator, path: Path, volume: Volume) -> tuple[str, bool]:
    """Store it as sagittal DICOM images; returns how, and that millimetres may be given."""
    what = str(rng.choice(DICOM_WAYS))
    uids = {name: f"1.2.{rng.integers(1, 10**9)}" for name in ("study", "series", "frame")}
    slices = len(volume.values)
    missing = (slices // 2 - 1, slices // 2) if slices > 3 else (slices // 2,)
    for copy in range(2 if what in ("patients", "frames", "stations", "echoes") else 1):
        for x in range(slices):
            if what == "missing" and x in missing:
                continue
            _image(rng, path, volume, what, uids, copy, x)
    if what == "notes":
        note = common(uids["study"], uids["series"], uids["frame"])
        note.Modality, note.SOPInstanceUID = "KO", "1.2.3"
        note.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.59"
        save(note, path / "000000000")
    return f"{what}, DICOM", True


def _image(
    rng: np.random.Generator,
    path: Path,
    volume: Volume,
    what: str,
    uids: dict[str, str],
    copy: int,
    x: int,
) -> None:
    """One slice: rows from the head, columns to the back, in LPS."""
    _, depth, height = volume.values.shape
    plane = volume.values[x, ::-1, ::-1].T.astype(int)
    if what in ("patients", "frames", "echoes"):
        plane = plane + OTHER * copy
    row, column = np.array([0.0, 1, 0]), np.array([0.0, 0, -1])
    far = volume.origin + volume.spacing * [x, depth - 1, height - 1]
    place = np.array([-far[0], -far[1], far[2]])
    if what == "mirrored":
        plane, place = plane[::-1], place + column * volume.spacing[2] * (height - 1)
        column = -column
    if what == "stations":
        shown = round(STATION * height)
        if copy:
            place = place + column * volume.spacing[2] * (height - shown)
        plane = plane[-shown:] if copy else plane[:shown]
    dataset = common(uids["study"], uids["series"], uids["frame"])
    dataset.Modality, dataset.SOPClassUID = "MR", "1.2.840.10008.5.1.4.1.1.4"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M"]
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
    spacing = [float(volume.spacing[2]), float(volume.spacing[1])]
    dataset.PixelSpacing = spacing
    dataset.SliceThickness, dataset.InstanceNumber = "4", str(int(rng.integers(1, 10**6)))
    dataset.SOPInstanceUID = f"{uids['series']}.{copy}.{x}.1"
    put_pixels(dataset, plane[None].astype(float))
    file = save(dataset, path / f"{rng.integers(1, 10**9):09d}")
    if what == "comma":
        written = "\\".join(map(str, spacing)).encode()
        content = file.read_bytes()
        assert written in content
        file.write_bytes(content.replace(written, written.replace(b".", b",")))
