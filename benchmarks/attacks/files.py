"""Damaged image files of every kind, read; one in `WHOLE` goes through all of `spinetk segment`."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import cv2
import nibabel
import numpy as np
import SimpleITK
from pydicom import dcmread
from pydicom.pixels import compress
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from attacks.injuries import damaged
from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.errors import SpineError
from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
from spinetk.readers import read
from tests.make_dicom import write_enhanced_mr

WHOLE = 20


def seeds(folder: Path) -> None:
    """A small whole file of each kind."""
    mr = make_phantom(PhantomConfig(look="T2", slices=1, samples=1, height=96, width=80))
    film = make_phantom(PhantomConfig(look="XR", slices=3, samples=1, height=96, width=80))
    frames = make_phantom(PhantomConfig(slices=2, samples=1, height=64, width=64))
    with tempfile.TemporaryDirectory() as name:
        write_phantom(mr, Path(name) / "mr")
        write_phantom(film, Path(name) / "xr")
        write_enhanced_mr(Path(name) / "enhanced", frames)
        [plain], [one] = (list((Path(name) / kind / "dicom").iterdir()) for kind in ("mr", "xr"))
        plain.rename(folder / "DICOM")
        one.rename(folder / "DICOM film")
        (Path(name) / "enhanced" / "enhanced").rename(folder / "DICOM multi-frame")
    for kind, syntax in (
        ("RLE", RLELossless), ("JPEG 2000", JPEG2000Lossless), ("JPEG-LS", JPEGLSLossless),
    ):  # fmt: skip
        dataset = dcmread(folder / "DICOM")
        compress(dataset, syntax)
        dataset.save_as(folder / f"DICOM {kind}")
    dataset = dcmread(folder / "DICOM")
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(folder / "DICOM deflated", enforce_file_format=True)
    volume = np.transpose(mr.volume, (0, 2, 1)).repeat(3, axis=0)
    affine = np.diag([-4.0, -0.7, 0.7, 1.0])
    nibabel.save(nibabel.Nifti1Image(volume, affine), folder / "a.nii")
    nibabel.save(nibabel.Nifti1Image(volume, affine), folder / "a.nii.gz")
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(volume.transpose(2, 1, 0)))
    image.SetSpacing((4.0, 0.7, 0.7))
    for suffix in ("mha", "nrrd"):
        SimpleITK.WriteImage(image, str(folder / f"a.{suffix}"))
    gray = np.clip(mr.volume[0] / 4, 0, 255).astype(np.uint8)
    for suffix in ("png", "tif", "jpg"):
        cv2.imwrite(str(folder / f"a.{suffix}"), gray)
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "DICOM", "IM1")


def kind_of(folder: Path, number: int) -> Path:
    """The whole file that the attempt damages."""
    files = sorted(folder.iterdir())
    return files[number % len(files)]


def attempt(folder: Path, number: int, injure: bool = True) -> str:
    """Read a damaged file, every slice of it."""
    whole = kind_of(folder, number)
    content = whole.read_bytes()
    if injure:
        content = damaged(content, np.random.default_rng(number))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / (f"file{whole.name[1:]}" if whole.name.startswith("a.") else "file")
        path.write_bytes(content)
        if number % WHOLE == 0:
            return _segmented(path, Path(name) / "out")
        for series in read(path).series:
            for index in range(len(series.slices)):
                one = series.slices[index]
                if not np.isfinite(one.pixels).all() or min(one.pixels.shape) < 32:
                    return "WRONG pixels"
        return "taken"


def _segmented(path: Path, out: Path) -> str:
    try:
        outcome = segment_all([path], out, Options())
    except SpineError:
        return "refused"
    left = [p.name for p in out.iterdir() if p.name.startswith(".unfinished")]
    wrong = [reason for _, reason in outcome.failed if reason.startswith("unexpected")]
    if left or wrong:
        return f"WRONG {wrong or left}"
    return "taken" if outcome.done else "refused"
